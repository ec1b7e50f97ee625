"""Who is asking: finds the client's key in whichever place its SDK puts it."""

import hmac
from collections.abc import Iterator

from msgspec.structs import replace

from data.secrets import Vault, parse_key
from gateway.errors import Unauthorized
from gateway.snapshot import KeyFacts, Snapshot

KEY_HEADERS = ("x-api-key", "api-key", "x-goog-api-key")
CREDENTIAL_HEADERS = frozenset((*KEY_HEADERS, "authorization", "cookie", "proxy-authorization"))

REFUSED = (
    "The API key is missing or not valid. Send a Gatehouse key as `Authorization: Bearer`, `x-api-key`, `api-key` or "
    "`x-goog-api-key`; the operator creates one with `console key create`."
)

NOTHING = bytes(32)
"""What no secret's hash is like."""
NOBODY = KeyFacts(0, "", NOTHING, "", "", enabled=False, expires_at=None, revoked=True)
"""Stands in for a key that does not exist, so that refusing it takes as long as refusing any other."""


def presented(headers: dict[str, str], query: dict[str, str]) -> Iterator[str]:
    """Every key the client sent, in the order they are tried: SDKs may send two, of which one is a left-over."""
    for name in KEY_HEADERS:
        if value := headers.get(name):
            yield value
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        yield token.strip()
    if value := query.get("key"):
        yield value


def authenticate(
    snapshot: Snapshot, headers: dict[str, str], query: dict[str, str], vault: Vault, now: int
) -> KeyFacts:
    """The key that the client presented. One answer for unknown, wrong, disabled, revoked and expired alike.

    `now` is in UTC microseconds. Raises `Unauthorized`.
    """
    for text in presented(headers, query):
        if (parsed := parse_key(text)) is None:
            continue
        public_id, secret = parsed
        key = snapshot.keys.get(public_id, NOBODY)
        hashed = vault.hash_secret(secret)
        # All of it is looked at whatever the first says: how long it takes tells nothing.
        known = hmac.compare_digest(hashed, key.secret_hash)
        known_of_old = hmac.compare_digest(hashed, key.old_secret_hash or NOTHING) and now < key.old_valid_until
        if usable(key, now) and (known or known_of_old):
            return key if known else replace(key, by_old_secret=True)
    raise Unauthorized(REFUSED)


def check_still_usable(snapshot: Snapshot, key: KeyFacts, now: int) -> None:
    """Raises `Unauthorized` for a key that was good when the request's head came and is not any more."""
    current = snapshot.keys.get(key.public_id)
    if current is None or not usable(current, now):
        raise Unauthorized(REFUSED)


def usable(key: KeyFacts, now: int) -> bool:
    """Whether a key may be used at this time (UTC microseconds)."""
    return key.enabled and not key.revoked and (key.expires_at is None or now < key.expires_at)
