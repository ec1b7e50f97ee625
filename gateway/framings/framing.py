"""What a framing is: the interface that the alternatives beside it share."""

from typing import Protocol


class Framing(Protocol):
    """Cuts one stream into frames. Stateful: one instance a stream, fed in order."""

    def feed(self, chunk: bytes) -> bytes:
        """Take what the network gave; return the bytes up to the end of the last whole frame, unchanged.

        The rest is held until it is whole. Raises `UpstreamFailed` past 16 MB without an end.
        """
        ...

    def rest(self) -> bytes:
        """What is still held: an unfinished frame at the end of the stream."""
        ...

    def payloads(self, frames: bytes) -> list[bytes]:
        """The payloads (JSON texts) of bytes that `feed` returned, comments and empty frames left out."""
        ...
