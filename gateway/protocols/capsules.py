"""Another family's opaque token, wrapped so that it fits the field a client echoes untouched.

A capsule as a whole is standard base64 of a mark, a version and JSON; it holds no secret of ours.
"""

import base64
import binascii

import msgspec

from gateway.canonical import Opaque

SIZE_LIMIT = 256 * 1024

MARK = b"gatehouse.1:"
"""A multiple of three bytes, so that every capsule begins with the same letters."""

PREFIX = base64.b64encode(MARK).decode()

_DECODER = msgspec.json.Decoder(Opaque)
_STANDARD = str.maketrans("-_", "+/")


def seal(opaque: Opaque) -> str:
    """The token as a capsule, or nothing when it is larger than any client should carry."""
    text = base64.b64encode(MARK + msgspec.json.encode(opaque)).decode()
    return text if len(text) <= SIZE_LIMIT else ""


def unseal(text: str) -> Opaque | None:
    """The token in a capsule, in either alphabet of base64; None for anything that is no capsule of ours."""
    if not text.startswith(PREFIX) or len(text) > SIZE_LIMIT:
        return None
    text = text.translate(_STANDARD)
    try:
        return _DECODER.decode(binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)[len(MARK) :])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
