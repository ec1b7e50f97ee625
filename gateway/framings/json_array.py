"""One JSON array of objects that is sent object by object, as Gemini streams where no events were asked for."""

import re
from itertools import pairwise

from gateway.errors import UpstreamFailed
from gateway.framings.sse import FRAME_LIMIT

_MARK = re.compile(rb'\\.?|["{}\]]', re.DOTALL)
_BETWEEN = b" \t\r\n,["


class JSONArray:
    """Follows strings and braces, so that what it hands on ends with a whole element and the array can be closed."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._seen = 0
        self._depth = 0
        self._in_string = False

    def feed(self, chunk: bytes) -> bytes:
        """The bytes up to the end of the last whole element, or of the array."""
        self._held += chunk
        end = max(self._ends(), default=0)
        whole = bytes(self._held[:end])
        del self._held[:end]
        self._seen -= end
        if len(self._held) > FRAME_LIMIT:
            raise UpstreamFailed("The upstream sent an element larger than 16 MB.", code="upstream_frame_too_large")
        return whole

    def rest(self) -> bytes:
        """The bytes after the last whole element."""
        return bytes(self._held)

    def payloads(self, frames: bytes) -> list[bytes]:
        """The elements in bytes that `feed` returned."""
        once = JSONArray()
        once._held += frames
        elements = [frames[start:end].lstrip(_BETWEEN) for start, end in pairwise([0, *once._ends()])]
        return [element for element in elements if element != b"]"]

    def _ends(self) -> list[int]:
        """Where elements end in what was not seen yet, and where the array does."""
        ends = []
        start, self._seen = self._seen, len(self._held)
        for mark in _MARK.finditer(self._held, start):
            match mark[0]:
                case b'"':
                    self._in_string = not self._in_string
                case b"\\":
                    self._seen = mark.start()
                case b"{" if not self._in_string:
                    self._depth += 1
                case b"}" if not self._in_string:
                    self._depth -= 1
                    if self._depth == 0:
                        ends.append(mark.end())
                case b"]" if not self._in_string and self._depth == 0:
                    ends.append(mark.end())
        return ends
