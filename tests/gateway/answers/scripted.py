"""What stands in for the rest of the world: exchanges that run, and a provider."""

import asyncio
import json

from data.records import RUNNING, ExchangeRecord
from gateway.canonical import Piece
from gateway.errors import GatewayError
from gateway.snapshot import KeyFacts


def begun(number: int, at: int = 1, key_id: int | None = None, model: str = "small") -> ExchangeRecord:
    """A request as it comes on record."""
    return ExchangeRecord(
        id=number,
        request_id=f"req_{number}",
        started_at=at,
        state=RUNNING,
        protocol="openai_chat",
        operation="chat",
        path="/v1/chat/completions",
        key_id=key_id,
        model_asked=model,
    )


class RunningExchange:
    """An exchange that runs until it is cut."""

    def __init__(self, number: int, key_id: int | None = None, upstream_id: int | None = None) -> None:
        self.id = number
        self.key_id = key_id
        self.upstream_id = upstream_id
        self.key: KeyFacts | None = None
        self.taps = 0
        self.ended_by: GatewayError | None = None

    def open_tap(self) -> list[Piece]:
        self.taps += 1
        return [Piece("text", "Once upon a time")]

    def cut(self, error: GatewayError) -> None:
        self.ended_by = error

    def look_after(self, now: float) -> None:
        """Nothing is sent here."""


class ProviderServer:
    """An OpenAI-compatible provider that knows one key and lists its models; how it answers can be changed."""

    def __init__(self) -> None:
        self.status = 200
        self.models = ["small", "large"]
        self.key = "sk-provider-0123456789"
        self.heads: list[str] = []
        self.base_url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        status = self.status if self.key == "" or f"Bearer {self.key}" in head else 401
        quoted = {"error": {"message": f"Bad key {self.key}"}}
        body = json.dumps({"data": [{"id": name} for name in self.models]} if status == 200 else quoted).encode()
        writer.write(b"HTTP/1.1 %d x\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (status, len(body), body))
        await writer.drain()
        writer.close()
