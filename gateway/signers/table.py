"""Signers by name: how a call proves to an upstream who we are."""

import httpx

from gateway.errors import UpstreamFailed, UpstreamTimeout
from gateway.signers.google_service_account import Tokens
from gateway.signers.headers import HEADERS, NONE, static_headers

GOOGLE_SERVICE_ACCOUNT = "google-service-account"
SIGNERS = (*HEADERS, NONE, GOOGLE_SERVICE_ACCOUNT)

FORM = {"content-type": "application/x-www-form-urlencoded"}
TIMEOUT_SECONDS = 10


async def sign(signer: str, credential: str) -> list[tuple[bytes, bytes]]:
    """The headers that carry a credential. Raises `UpstreamFailed` for one that cannot be used."""
    headers = static_headers(signer, credential)
    if headers is not None:
        return headers
    if signer == GOOGLE_SERVICE_ACCOUNT:
        return await _google.headers(credential)
    raise UpstreamFailed("The upstream is set up with a way to sign that does not exist.", code="upstream_auth")


async def post_form(url: str, form: bytes) -> tuple[int, bytes]:
    """One request on a connection of its own: tokens are asked for once an hour."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_SECONDS) as client:
            response = await client.post(url, content=form, headers=FORM)
            return response.status_code, response.content
    except httpx.TimeoutException:
        raise UpstreamTimeout("Google did not issue a token in time.") from None
    except (httpx.HTTPError, httpx.InvalidURL):
        raise UpstreamFailed("Google could not be reached for a token.", code="upstream_unreachable") from None


_google = Tokens(post_form)
