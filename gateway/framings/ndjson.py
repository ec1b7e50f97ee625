"""JSON values, one a line."""

from gateway.errors import UpstreamFailed
from gateway.framings.sse import FRAME_LIMIT


class NDJSON:
    """Holds what the network gave until the line is whole."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        """The whole lines so far, byte for byte; usually the chunk itself."""
        if not self._held and chunk.endswith(b"\n"):
            return chunk
        end = chunk.rfind(b"\n") + 1
        whole = bytes(self._held) + chunk[:end] if end else b""
        if end:
            self._held.clear()
        self._held += chunk[end:]
        if len(self._held) > FRAME_LIMIT:
            raise UpstreamFailed("The upstream sent a line larger than 16 MB.", code="upstream_frame_too_large")
        return whole

    def rest(self) -> bytes:
        """The bytes after the last line's end."""
        return bytes(self._held)

    def payloads(self, frames: bytes) -> list[bytes]:
        """The lines that are not empty."""
        return [line for line in map(bytes.strip, frames.split(b"\n")) if line]
