"""What is being kept of a key's requests, in words. No Textual here: commands use it."""

import msgspec

from console.units import age
from gateway.operations import KeyView

MICROS = 1_000_000


def captures(key: KeyView, now_micros: int) -> bool:
    """Whether what its requests say is being kept."""
    return bool(key.capture_left and key.capture_until and key.capture_until > now_micros)


def capture(key: KeyView, now_micros: int) -> str:
    """What is being kept of its requests."""
    if not key.capture_until or not captures(key, now_micros):
        return ""
    left = age((key.capture_until - now_micros) / MICROS)
    requests = "request" if key.capture_left == 1 else f"{key.capture_left} requests"
    return f"what its next {requests} and their answers say is kept, for {left} more"


def readable(text: str) -> str:
    """JSON with its structure in sight; anything else as it is."""
    try:
        return msgspec.json.format(text, indent=2)
    except msgspec.DecodeError:
        return text
