"""Tokens for Google service accounts, from a token server on this machine."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.errors import UpstreamFailed
from gateway.signers.google_service_account import SCOPE, Tokens
from gateway.signers.table import post_form

KEY = generate_private_key(public_exponent=65537, key_size=2048)


class TokenServer:
    """Answers every form with a numbered token, and keeps what it was sent."""

    def __init__(self) -> None:
        self.assertions: list[str] = []
        self.status = 200
        self.expires_in = 3600

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.split("content-length:")[1].split("\r\n")[0])
        form = parse_qs((await reader.readexactly(size)).decode())
        self.assertions += form["assertion"]
        body = json.dumps({"access_token": f"token-{len(self.assertions)}", "expires_in": self.expires_in}).encode()
        writer.write(b"HTTP/1.1 %d x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (self.status, len(body)))
        writer.write(body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def token_server() -> AsyncIterator[tuple[TokenServer, str]]:
    answers = TokenServer()
    async with await asyncio.start_server(answers.answer, "127.0.0.1", 0) as server:
        yield answers, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/token"


def credential(token_uri: str, key: RSAPrivateKey = KEY) -> str:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"type": "service_account", "client_email": "a@b", "private_key": pem, "private_key_id": "k1"}
    return json.dumps({**account, "token_uri": token_uri})


def decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def test_a_token_is_asked_for_with_a_claim_that_our_key_signed(token_server: tuple[TokenServer, str]) -> None:
    server, url = token_server
    assert await Tokens(post_form).headers(credential(url)) == [(b"authorization", b"Bearer token-1")]
    head, claim, signature = server.assertions[0].split(".")
    KEY.public_key().verify(decoded(signature), f"{head}.{claim}".encode(), PKCS1v15(), SHA256())
    told = json.loads(decoded(claim))
    assert (told["iss"], told["aud"], told["scope"], told["exp"] - told["iat"]) == ("a@b", url, SCOPE, 3600)
    assert json.loads(decoded(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}


async def test_requests_at_once_share_one_token(token_server: tuple[TokenServer, str]) -> None:
    server, url = token_server
    tokens = Tokens(post_form)
    signed = await asyncio.gather(*(tokens.headers(credential(url)) for _ in range(20)))
    assert {header[0][1] for header in signed} == {b"Bearer token-1"}
    assert len(server.assertions) == 1


async def test_a_token_is_renewed_a_minute_before_it_expires(token_server: tuple[TokenServer, str]) -> None:
    server, url = token_server
    server.expires_in = 60
    tokens = Tokens(post_form)
    await tokens.headers(credential(url))
    assert await tokens.headers(credential(url)) == [(b"authorization", b"Bearer token-2")]


@pytest.mark.parametrize(("status", "code"), [(400, "upstream_auth"), (401, "upstream_auth"), (503, "upstream_error")])
async def test_a_refusal_is_no_token_and_is_not_kept(
    token_server: tuple[TokenServer, str], status: int, code: str
) -> None:
    server, url = token_server
    tokens = Tokens(post_form)
    server.status = status
    with pytest.raises(UpstreamFailed) as caught:
        await tokens.headers(credential(url))
    server.status = 200
    assert caught.value.code == code
    assert await tokens.headers(credential(url)) == [(b"authorization", b"Bearer token-2")]


@pytest.mark.parametrize("text", ["", "sk-abc", "{}", '{"client_email":"a","private_key":"not a key"}'])
async def test_a_credential_that_is_no_service_account_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        await Tokens(post_form).headers(text)
    assert caught.value.code == "upstream_auth"
    assert not text or text not in caught.value.message


async def test_a_token_server_that_is_away_is_an_upstream_out_of_reach() -> None:
    with pytest.raises(UpstreamFailed) as caught:
        await Tokens(post_form).headers(credential("http://127.0.0.1:1/token"))
    assert caught.value.code == "upstream_unreachable"
