"""What an answer amounted to: looks on as it passes, at a cost that the answer does not notice.

Frames are kept as they came and read in batches: at the end, when someone watches, or when enough have gathered. What
only looks on may never break what it looks at, and never holds more than a bound.
"""

from gateway import tokens
from gateway.canonical import Piece, Usage
from gateway.framings.framing import Framing
from gateway.protocols.codec import Reader

UNREAD_LIMIT = 64 * 1024
"""Bytes of frames kept unread."""
TEXT_LIMIT = 512 * 1024
"""Characters of output kept for counting; beyond it, the output is estimated as it passes."""


class Meter:
    """Follows one answer."""

    def __init__(self, framing: Framing, reader: Reader) -> None:
        self.framing = framing
        self.reader = reader
        self.pieces: list[Piece] = []
        """The text that passed, for a tap that opens late and for counting."""
        self.estimated_output = 0
        """Tokens of the text read so far, by a rule of thumb."""
        self._unread: list[bytes] = []
        self._unread_size = 0
        self._text_size = 0

    def saw(self, frames: bytes) -> None:
        """Take whole frames that passed to the client."""
        self._unread.append(frames)
        self._unread_size += len(frames)
        if self._unread_size > UNREAD_LIMIT:
            self.read()

    def saw_body(self, body: bytes) -> None:
        """Take an answer that was not streamed."""
        self.reader.read_body(body)
        self._keep(self.reader.take_pieces())

    def check(self) -> None:
        """Raises the error that the answer was found to tell of."""
        if self.reader.error:
            raise self.reader.error

    def read(self) -> list[Piece]:
        """Read what has gathered; the new pieces of text."""
        if not self._unread:
            return []
        frames = b"".join(self._unread)
        self._unread.clear()
        self._unread_size = 0
        read_payload = self.reader.read_payload
        for payload in self.framing.payloads(frames):
            read_payload(payload)
        pieces = self.reader.take_pieces()
        self._keep(pieces)
        return pieces

    def _keep(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            self.estimated_output += tokens.estimate(piece.text)
            if self._text_size < TEXT_LIMIT:
                self.pieces.append(piece)
                self._text_size += len(piece.text)

    @property
    def output_tokens(self) -> int:
        """Output so far: the provider's figure where it is the larger, otherwise the estimate."""
        usage = self.reader.usage
        said = usage.output + usage.reasoning if usage else 0
        return max(said, self.estimated_output)

    async def count(self, request_input: int) -> Usage:
        """Usage counted from the text, for answers whose provider did not say or was cut off before it could."""
        reasoning = await tokens.count("".join(p.text for p in self.pieces if p.kind == "reasoning"), self.reader.model)
        output = await tokens.count("".join(p.text for p in self.pieces if p.kind != "reasoning"), self.reader.model)
        if self._text_size >= TEXT_LIMIT:
            output = max(output, self.estimated_output - reasoning)
        return Usage(input=request_input, output=output, reasoning=reasoning)
