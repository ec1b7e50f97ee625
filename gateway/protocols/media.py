"""Media inside requests: base64 in all its spellings, data URLs, media types. Nothing is fetched or opened here."""

import base64
import binascii
from urllib.parse import unquote_to_bytes

from gateway.canonical import Inline, Remote
from gateway.errors import BadRequest

_STANDARD = str.maketrans("-_", "+/")
_SPACES = str.maketrans("", "", " \t\r\n")

_MEDIA_TYPES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "application/x-pdf": "application/pdf",
}
"""Spellings that people use, to the registered ones."""


def read_base64(text: str, field: str) -> str:
    """The same data in the standard alphabet, padded. Raises `BadRequest` naming the field."""
    standard = _checked(text)
    if standard is None and text:
        text = text.translate(_SPACES).translate(_STANDARD).rstrip("=")
        standard = _checked(text + "=" * (-len(text) % 4))
    if standard is None:
        raise BadRequest(f"'{field}' is not base64.", param=field)
    return standard


def read_media_type(text: str) -> str:
    """In lower case, by its registered name, without parameters."""
    name = text.partition(";")[0].strip().lower()
    return _MEDIA_TYPES.get(name, name)


def read_url(url: str, field: str, media_type: str = "") -> Inline | Remote:
    """What an address stands for: the media itself where it is a data URL. Raises `BadRequest` naming the field."""
    if url[:5].lower() == "data:":
        return _read_data_url(url, field, media_type)
    if "://" not in url:
        raise BadRequest(f"'{field}' is neither an address nor a data URL.", param=field)
    return Remote(url, read_media_type(media_type))


def data_url(media: Inline) -> str:
    return f"data:{media.media_type};base64,{media.data}"


def read_text(media: Inline, field: str) -> str:
    """The text of a text document. Raises `BadRequest` naming the field."""
    try:
        return base64.b64decode(media.data).decode()
    except UnicodeDecodeError:
        raise BadRequest(f"'{field}' is not text in UTF-8.", param=field) from None


def write_text(text: str, media_type: str = "text/plain") -> Inline:
    """A text as a document's media."""
    return Inline(media_type, base64.b64encode(text.encode()).decode())


def _read_data_url(url: str, field: str, media_type: str) -> Inline:
    head, comma, data = url[5:].partition(",")
    if not comma:
        raise BadRequest(f"'{field}' is a data URL without data.", param=field)
    told, *parameters = head.split(";")
    name = read_media_type(told or media_type or "text/plain")
    if "base64" in (parameter.strip().lower() for parameter in parameters):
        return Inline(name, read_base64(data, field))
    return Inline(name, base64.b64encode(unquote_to_bytes(data)).decode())


def _checked(text: str) -> str | None:
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    return text
