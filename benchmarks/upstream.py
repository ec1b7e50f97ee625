"""A made-up OpenAI-compatible provider that costs next to nothing: JSON at once, or a stream at a given pace.

Every chunk of a stream carries the moment it was written, so that whoever reads it knows how long it was under way.
"""

import argparse
import asyncio
import time
from typing import cast

import httptools
import msgspec
import uvloop

MODEL = "bench-model"
SECOND = 1_000_000_000

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNK = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench-model",'
    b'"choices":[{"index":0,"delta":{"content":"%d"},"finish_reason":null}]}\n\n'
)
LAST = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench-model",'
    b'"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
)
USAGE = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench-model","choices":[],'
    b'"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}}\n\n'
)
ANSWER = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"bench-model","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Hello from the far end."},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}}'
)
MODELS = b'{"object":"list","data":[{"id":"bench-model","object":"model","created":1,"owned_by":"bench"}]}'


class Pace(msgspec.Struct, frozen=True):
    """How a stream is to come, as the request's body asks for it."""

    chunks: int = 1
    interval_ms: int = 0


class StreamOptions(msgspec.Struct, frozen=True):
    """The part of `stream_options` that matters here."""

    include_usage: bool = False


class Asked(msgspec.Struct, frozen=True):
    """What is read of a request's body."""

    stream: bool = False
    stream_options: StreamOptions | None = None
    bench: Pace = Pace()


class Conversation(asyncio.Protocol):
    """One connection of a client's."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self.loop = asyncio.get_running_loop()
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.body = b""

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if not self.body:
            self.transport.write(HEAD % (len(MODELS), MODELS))
            return
        asked = msgspec.json.decode(self.body, type=Asked)
        if not asked.stream:
            self.transport.write(HEAD % (len(ANSWER), ANSWER))
            return
        self.transport.write(STREAM_HEAD)
        self.speak(asked, asked.bench.chunks)

    def speak(self, asked: Asked, left: int) -> None:
        """Write one chunk and come back for the next; each is a write of its own, as from a real model."""
        if self.transport.is_closing():
            return
        if left == 0:
            usage = USAGE if asked.stream_options and asked.stream_options.include_usage else b""
            self.transport.write(chunked(LAST + usage + b"data: [DONE]\n\n") + b"0\r\n\r\n")
            return
        self.transport.write(chunked(CHUNK % time.monotonic_ns()))
        if asked.bench.interval_ms:
            self.loop.call_later(asked.bench.interval_ms / 1000, self.speak, asked, left - 1)
        else:
            self.loop.call_soon(self.speak, asked, left - 1)


def chunked(data: bytes) -> bytes:
    """Data as one chunk of HTTP's chunked coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


async def serve(port: int) -> None:
    """Answer on a port of this machine until stopped."""
    server = await asyncio.get_running_loop().create_server(Conversation, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, required=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(options.parse_args().port))
