"""How JSON from outside is taken: requests strictly and with words for what is wrong, answers without complaint.

What we charge for and what the upstream executes must never differ, so text that two parsers may read differently
is refused here.
"""

import re
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta
from msgspec.json import Decoder

from gateway.errors import BadRequest
from gateway.splice import Repeats, outside_strings

DEPTH_LIMIT = 64
MODEL_LIMIT = 256

Tokens = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Choices = Annotated[int, Meta(ge=1, le=10_000)]

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*+\\u0000")
_SURROGATE_PAIR = re.compile(rb"\\u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_PLACE = re.compile(r" \(byte (\d+)\)$")
_PATH = re.compile(r" - at `\$\.?(.*)`$")
_BRACES = bytes.maketrans(b"[]", b"{}")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

T = TypeVar("T")


def read_fields(body: bytes, decoder: Decoder[T], repeats: Repeats) -> T:
    """The fields that policy reads, out of a body that has one reading. Raises `BadRequest` saying what is wrong."""
    _refuse_odd_text(body)
    try:
        fields = decoder.decode(body)
        repeated = repeats.first(body)
    except msgspec.ValidationError as error:
        raise _wrong_field(str(error)) from None
    except msgspec.DecodeError as error:
        raise _malformed(body, str(error)) from None
    except RecursionError:
        raise _too_deep() from None
    _refuse_deep(body)
    if repeated:
        raise BadRequest(f"'{repeated}' is given more than once.", code="duplicate_parameter", param=repeated)
    return fields


def read_model(model: str | None) -> str:
    """A model name as a request gives it, refused when absent or absurd."""
    if not model:
        raise BadRequest("You must name a model.", code="missing_required_parameter", param="model")
    if len(model) > MODEL_LIMIT:
        raise BadRequest(f"The model's name is longer than {MODEL_LIMIT} characters.", param="model")
    return model


def take(value: object, kind: type[T], where: str = "") -> T:
    """A value of a request as what it must be. Raises `BadRequest` naming the field."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        path, what = _PATH.search(str(error)), _PATH.sub("", str(error)).replace("`", "")
        inner = path[1] if path else ""
        joint = "." if where and inner and inner[0] != "[" else ""
        raise wrong(f"{where}{joint}{inner}", what[:1].lower() + what[1:]) from None


def wrong(where: str, what: str) -> BadRequest:
    """The refusal of a field."""
    return BadRequest(f"'{where}' is not valid: {what.rstrip('.')}.", param=where)


def decode(decoder: Decoder[T], payload: bytes) -> T | None:
    """What an upstream sent, or None where it is not what we know: an answer is looked at, never judged."""
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def dicts(value: object) -> list[dict[str, object]]:
    """The objects in what should be a list of objects."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _refuse_odd_text(body: bytes) -> None:
    try:
        body.isascii() or body.decode()
    except UnicodeDecodeError as error:
        place = _line_and_column(body, error.start)
        raise BadRequest(f"The body is not valid UTF-8 at {place}.", code="invalid_json") from None
    if b"\\u" not in body:
        return
    if b"\\u0000" in body and _NUL.search(body):
        raise BadRequest("The body has a NUL character (\\u0000) in a string.", code="invalid_json")
    if (b"\\ud" in body or b"\\uD" in body) and _SURROGATE.search(_SURROGATE_PAIR.sub(b"", body.replace(b"\\\\", b""))):
        raise BadRequest("The body has half of a surrogate pair in a string.", code="invalid_json")


def _refuse_deep(body: bytes) -> None:
    # Brackets inside strings only make it look deeper, so most bodies pass without their strings being found.
    if _is_deep(body) and _is_deep(outside_strings(body)):
        raise _too_deep()


def _is_deep(text: bytes) -> bool:
    nesting = text.translate(_BRACES, _NOT_BRACKETS)
    if len(nesting) <= DEPTH_LIMIT:
        return False
    return all((nesting := nesting.replace(b"{}", b"")) for _ in range(DEPTH_LIMIT))


def _too_deep() -> BadRequest:
    return BadRequest(f"The body is nested deeper than {DEPTH_LIMIT} levels.", code="invalid_json")


def _wrong_field(text: str) -> BadRequest:
    path = _PATH.search(text)
    what = _PATH.sub("", text).replace("`", "").lower()
    if not path or not path[1]:
        return BadRequest(f"The body must be a JSON object: {what}.", code="invalid_json")
    return BadRequest(f"'{path[1]}' is not valid: {what}.", param=path[1])


def _malformed(body: bytes, text: str) -> BadRequest:
    place = _PLACE.search(text)
    if not place:
        return BadRequest(f"The body ends too early, at {_line_and_column(body, len(body))}.", code="invalid_json")
    what = _PLACE.sub("", text).removeprefix("JSON is malformed: ")
    return BadRequest(f"The body is not JSON: {what} at {_line_and_column(body, int(place[1]))}.", code="invalid_json")


def _line_and_column(body: bytes, at: int) -> str:
    line = body.count(b"\n", 0, at) + 1
    column = len(body[body.rfind(b"\n", 0, at) + 1 : at].decode(errors="replace")) + 1
    return f"line {line}, column {column}"
