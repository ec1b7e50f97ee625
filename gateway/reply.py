"""The client's end of an exchange: its response, from the head to the last byte."""

import time

from gateway import intake
from gateway.capture import Collected
from gateway.errors import GatewayError
from gateway.intake import Headers, Send
from gateway.protocols.codec import Codec


class Reply:
    """One response. Its head is written once, with the status that goes on record."""

    def __init__(self, send: Send, codec: Codec, request_id: str) -> None:
        self.opened = False
        self.status = 0
        self.last_written = time.monotonic()
        self.writing = False
        """Bytes are on their way, and wait while the client is slow."""
        self.collected: Collected | None = None
        """Where what it says is kept, if the operator asked for that."""
        self._send = send
        self._codec = codec
        self._request_id = request_id

    async def open(self, headers: Headers) -> None:
        """Begin a stream, unless that was done."""
        if self.opened:
            return
        self.opened, self.status = True, 200
        headers = [*headers, *intake.request_id_headers(self._request_id), *intake.UNBUFFERED]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def write(self, frames: bytes, *, more: bool = True) -> None:
        """A part of a stream."""
        self.writing = True
        if self.collected:
            self.collected.add(frames)
        await self._send({"type": "http.response.body", "body": frames, "more_body": more})
        self.writing = False
        self.last_written = time.monotonic()

    async def give(self, body: bytes, headers: Headers) -> None:
        """A whole answer."""
        if self.collected:
            self.collected.add(body)
        await intake.respond(self._send, 200, body, self._request_id, headers)
        self.opened = True

    async def refuse(self, error: GatewayError) -> None:
        """An error for a whole answer."""
        self.opened = True
        await intake.refuse(self._send, self._codec, error, self._request_id)
