"""Google service accounts: a signed claim is exchanged for a token, which serves until shortly before it expires."""

import asyncio
import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from gateway.errors import UpstreamFailed

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLAIMED_SECONDS = 3600
RENEWED_SECONDS_BEFORE = 60.0

Post = Callable[[str, bytes], Awaitable[tuple[int, bytes]]]
"""Sends a form to a URL; the status and the body that came back."""


class ServiceAccount(Struct, frozen=True):
    """What is read of the JSON key that Google hands out."""

    client_email: str
    private_key: str
    private_key_id: str = ""
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address


class Granted(Struct, frozen=True):
    """Google's answer."""

    access_token: str
    expires_in: float = CLAIMED_SECONDS


class Tokens:
    """The tokens of all service accounts in use, each renewed once however many requests wait for it."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._kept: dict[bytes, tuple[float, bytes]] = {}
        self._locks: dict[bytes, asyncio.Lock] = {}

    async def headers(self, credential: str) -> list[tuple[bytes, bytes]]:
        """The authorization header for a service account's JSON key. Raises `UpstreamFailed`."""
        name = hashlib.sha256(credential.encode()).digest()
        async with self._locks.setdefault(name, asyncio.Lock()):
            until, header = self._kept.get(name, (0.0, b""))
            if time.monotonic() >= until:
                granted = await self._request(credential)
                until = time.monotonic() + granted.expires_in - RENEWED_SECONDS_BEFORE
                header = b"Bearer " + granted.access_token.encode()
                self._kept[name] = until, header
        return [(b"authorization", header)]

    async def _request(self, credential: str) -> Granted:
        account = _read(credential)
        form = urlencode({"grant_type": GRANT, "assertion": sign_claim(account, int(time.time()))})
        status, body = await self._post(account.token_uri, form.encode())
        if status >= 500:
            raise UpstreamFailed("Google could not issue a token just now.")
        try:
            if status == 200:
                return msgspec.json.decode(body, type=Granted)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        raise UpstreamFailed("Google refused the gateway's service account.", code="upstream_auth")


def sign_claim(account: ServiceAccount, now: int) -> str:
    """A JSON web token, signed with the account's key, that claims its rights."""
    head = {"alg": "RS256", "typ": "JWT", "kid": account.private_key_id}
    claim = {
        "iss": account.client_email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": now,
        "exp": now + CLAIMED_SECONDS,
    }
    text = _encode(msgspec.json.encode(head)) + b"." + _encode(msgspec.json.encode(claim))
    signature = _private_key(account).sign(text, PKCS1v15(), SHA256())
    return (text + b"." + _encode(signature)).decode()


def _read(credential: str) -> ServiceAccount:
    try:
        return msgspec.json.decode(credential, type=ServiceAccount)
    except msgspec.DecodeError:
        raise UpstreamFailed("The credential is not a service account's JSON key.", code="upstream_auth") from None


def _private_key(account: ServiceAccount) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(account.private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise UpstreamFailed("The service account's private key cannot be read.", code="upstream_auth")
    return key


def _encode(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
