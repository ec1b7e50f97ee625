"""What upstreams say when they fail, in all the shapes they say it, as errors of ours.

The text is kept because clients act on it, without what is ours alone: keys, hosts, accounts.
"""

import math
import re
from email.utils import parsedate_to_datetime

import msgspec
from msgspec import Struct

from gateway.errors import (
    BadRequest,
    GatewayError,
    NotFound,
    RateLimited,
    TooLarge,
    Unavailable,
    UpstreamFailed,
    UpstreamTimeout,
)

MESSAGE_LIMIT = 500
RETRY_LIMIT = 3600.0

_STATUSES = {
    "invalid_request_error": 400,
    "invalid_argument": 400,
    "failed_precondition": 400,
    "authentication_error": 401,
    "unauthenticated": 401,
    "billing_error": 402,
    "permission_error": 403,
    "permission_denied": 403,
    "not_found_error": 404,
    "not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "resource_exhausted": 429,
    "timeout_error": 504,
    "deadline_exceeded": 504,
    "overloaded_error": 529,
    "unavailable": 503,
}
"""The status that a streamed error would have had, by its type or code."""

_OUR_CREDENTIAL = {"api_key_invalid", "invalid_api_key", "authentication_error", "unauthenticated"}
_OUR_QUOTA = {"insufficient_quota", "billing_error", "insufficient_balance", "billing_not_active"}
_NO_MODEL = {"model_not_found", "model_not_exist", "invalid_model", "deploymentnotfound"}

_NO_CREDIT = re.compile(r"credit balance is too low|insufficient (?:balance|credits|quota)", re.I)
_ABOUT_A_MODEL = re.compile(r"\bmodels?\b", re.I)
_TOO_LONG = re.compile(
    r"prompt is too long|input is too long|maximum context length|context[ _](?:length|window)"
    r"|exceeds the maximum number of (?:input )?tokens",
    re.I,
)
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_SECRETS = re.compile(
    r"""
      [a-z][a-z0-9+.-]*://\S+
    | \bBearer\s+\S+
    | \b(?:sk|pk|rk|gsk|xai|hf|key|nvapi|pplx|csk|tgp|fw|ak|api)[-_][\w*.-]{6,}
    | \bAIza[\w*-]{6,} | \bya29\.[\w.-]+ | \beyJ[\w-]+\.[\w.-]+
    | \b(?:org|organization|proj|project|acct|account|workspace|wrkspc|team|user)[-_](?=\w*\d)\w{6,}
    | \b(?:projects?|organizations?|accounts?|tenants?)(?:/|\ (?=[\w-]*\d))[\w.-]+
    | [\w.+-]+@[\w-]+\.[\w.-]+
    | \b(?:\d{1,3}\.){3}\d{1,3}\b(?::\d+)?
    | \[?(?:[0-9a-f]{1,4}:){3,}[0-9a-f:.]*\]?
    | \b(?:localhost|(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|dev|cn|cloud|local|internal|app))\b(?::\d+)?(?:/\S*)?
    | \b[\w-]{40,}
    """,
    re.I | re.X,
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class _Said(Struct, frozen=True):
    """An error body, whichever shape it had."""

    message: str = ""
    words: frozenset[str] = frozenset()
    """Its type, code, status and reasons, in lower case."""
    code: str | None = None
    param: str | None = None
    status: int | None = None
    retry_after: float | None = None


def read_error(status: int, headers: dict[str, str], body: bytes) -> GatewayError:
    """An error response as an error of ours."""
    said = _read(body)
    retry_after = _retry_after(headers) if "retry-after" in headers or "retry-after-ms" in headers else None
    return _to_error(status, said, said.retry_after if retry_after is None else retry_after)


def read_streamed_error(payload: bytes) -> GatewayError:
    """An error inside a stream, or in an answer whose status said all was well."""
    said = _read(payload)
    known = (status for word, status in _STATUSES.items() if word in said.words)
    return _to_error(said.status or next(known, 500), said, said.retry_after)


def clean(text: str) -> str:
    """The text without keys, hosts and accounts, on one line and of bounded length."""
    text = _CONTROLS.sub(" ", text[: 8 * MESSAGE_LIMIT])
    return _SECRETS.sub("[removed]", text).strip()[:MESSAGE_LIMIT]


def _to_error(status: int, said: _Said, retry_after: float | None) -> GatewayError:
    if status in (401, 403) or (status < 500 and said.words & _OUR_CREDENTIAL):
        return UpstreamFailed("The upstream refused the credential that this gateway has for it.", code="upstream_auth")
    if status == 402 or said.words & _OUR_QUOTA or _NO_CREDIT.search(said.message):
        return UpstreamFailed("The gateway's account at the upstream is out of money.", code="upstream_quota")
    message = clean(said.message) or f"The upstream answered with status {status}."
    if status == 429:
        return RateLimited(message, code="upstream_rate_limit", retry_after=retry_after)
    if status == 413:
        return TooLarge(message)
    if status in (408, 504):
        return UpstreamTimeout(message)
    if status in (503, 529) or "overloaded_error" in said.words:
        return Unavailable(message, code="upstream_overloaded", retry_after=retry_after)
    if 400 <= status < 500 and status != 409:
        return _to_client_error(status, said, message)
    return UpstreamFailed(message, retry_after=retry_after)


def _to_client_error(status: int, said: _Said, message: str) -> GatewayError:
    """A refusal that is about the request itself."""
    if said.words & _NO_MODEL or (status == 404 and _ABOUT_A_MODEL.search(said.message)):
        return NotFound(message, code="model_not_found", param="model")
    if status in (404, 405):
        return NotFound(message) if said.message else UpstreamFailed("The upstream has no such path.")
    if "context_length_exceeded" in said.words or _TOO_LONG.search(said.message):
        return BadRequest(message, code="context_length_exceeded", param=said.param)
    return BadRequest(message, code=said.code, param=said.param)


def _read(body: bytes) -> _Said:
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Said()
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return _Said()
    response = value.get("response")
    error = (response.get("error") if isinstance(response, dict) else None) or value.get("error") or value
    return _read_object(error) if isinstance(error, dict) else _Said(message=_message(error))


def _read_object(error: dict[str, object]) -> _Said:
    details = error.get("details")
    about = [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    named = [error.get("type"), error.get("code"), error.get("status"), *(detail.get("reason") for detail in about)]
    code, status = error.get("code"), error.get("code")
    return _Said(
        message=_message(error.get("message") or error.get("detail") or error.get("msg")),
        words=frozenset(word.lower() for word in named if isinstance(word, str)),
        code=code if isinstance(code, str) and _CODE.fullmatch(code) else None,
        param=clean(param)[:100] if isinstance(param := error.get("param"), str) else None,
        status=status if type(status) is int and 400 <= status < 600 else None,
        retry_after=next((wait for detail in about if (wait := _seconds(detail.get("retryDelay")))), None),
    )


def _message(value: object) -> str:
    """A message, or the first of the complaints that FastAPI servers list."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("msg") or value.get("message")
    return value if isinstance(value, str) else ""


def _retry_after(headers: dict[str, str]) -> float | None:
    milliseconds = _seconds(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    return _seconds(value) if value[:1].isdigit() else _seconds_between(headers.get("date", ""), value)


def _seconds(value: object) -> float | None:
    """A number of seconds, as in `3`, `0.5` or `34s`; None for anything else."""
    try:
        seconds = float(value.removesuffix("s")) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return min(seconds, RETRY_LIMIT) if seconds >= 0 else None


def _seconds_between(now: str, then: str) -> float | None:
    try:
        seconds = (parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), RETRY_LIMIT)
