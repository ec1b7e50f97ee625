"""Server-sent events, cut on bytes: a frame ends with a blank line, whichever line ending the sender uses."""

import re
from itertools import pairwise

from gateway.errors import UpstreamFailed

FRAME_LIMIT = 16 * 1024 * 1024

_BLANK_LINES = (b"\n\n", b"\n\r\n", b"\r\r")
_BLANK_LINE = re.compile(rb"\n\n|\n\r\n|\r\r")
_DATA = b"data: "
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class SSE:
    """Holds what the network gave until the blank line is there."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        """The whole frames so far, byte for byte; usually the chunk itself."""
        held = self._held
        if not held and chunk.endswith(_BLANK_LINES):
            return chunk
        seam = max(len(held) - 2, 0)
        held += chunk
        end = _frames_end(held, seam)
        whole = bytes(held[:end])
        del held[:end]
        if len(held) > FRAME_LIMIT:
            raise UpstreamFailed("The upstream sent an event larger than 16 MB.", code="upstream_frame_too_large")
        return whole

    def rest(self) -> bytes:
        """The bytes after the last blank line."""
        return bytes(self._held)

    def payloads(self, frames: bytes) -> list[bytes]:
        """The data of each event, several data lines joined."""
        if b"\r" in frames:
            frames = frames.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        plain = frames.removeprefix(_DATA).removesuffix(b"\n\n").split(b"\n\n" + _DATA)
        if frames.startswith(_DATA) and frames.count(b"\n") == 2 * len(plain):
            return plain  # one line of data in every event, as is usual
        found = []
        for event in frames.removeprefix(_BYTE_ORDER_MARK).split(b"\n\n"):
            if event.startswith(_DATA) and b"\n" not in event:
                found.append(event[6:])
            elif event and (data := _data(event)):
                found.append(data)
        return found


def split_frames(frames: bytes) -> list[bytes]:
    """Whole frames one by one, each with the blank line that ends it."""
    if b"\r" not in frames:
        *whole, rest = frames.split(b"\n\n")
        return [frame + b"\n\n" for frame in whole] + ([rest] if rest else [])
    ends = [blank.end() for blank in _BLANK_LINE.finditer(frames)]
    return [frames[start:end] for start, end in pairwise([0, *ends, len(frames)]) if start < end]


def _frames_end(held: bytearray, start: int) -> int:
    """Where the last blank line ends, or 0."""
    return max(at + len(blank) if (at := held.rfind(blank, start)) >= 0 else 0 for blank in _BLANK_LINES)


def _data(event: bytes) -> bytes:
    lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines)
