"""The demo provider behind a real HTTP server, so that official SDKs can be pointed at it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import uvicorn

from gateway.demo import DemoTransport

Message = dict[str, object]


class DemoApp:
    """Passes each request on to the demo, and what the demo streams back as it comes."""

    def __init__(self) -> None:
        self.transport = DemoTransport()

    async def __call__(
        self,
        scope: dict[str, object],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + bytes(message.get("body", b"")), bool(message.get("more_body"))  # type: ignore[call-overload]
        query = bytes(scope["query_string"]).decode()  # type: ignore[call-overload]
        url = f"demo://gatehouse{scope['path']}?{query}"
        request = httpx.Request(str(scope["method"]), url, headers=scope["headers"], content=body)  # type: ignore[arg-type]
        response = await self.transport.handle_async_request(request)
        await send({"type": "http.response.start", "status": response.status_code, "headers": response.headers.raw})
        async for chunk in response.stream:  # type: ignore[union-attr]
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def demo_server() -> AsyncIterator[str]:
    """Serve the demo; gives the server's address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(DemoApp(), lifespan="off", log_level="critical"))  # type: ignore[arg-type]
    running = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
