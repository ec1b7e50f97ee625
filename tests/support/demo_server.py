"""The demo provider behind a real HTTP server, so that official SDKs can be pointed at it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn

from gateway.demo import DemoTransport

TRANSPORT = DemoTransport()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Pass a request on to the demo, and its answer back as it comes; a read error breaks the connection off."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    url = f"demo://gatehouse{scope['path']}?{scope['query_string'].decode()}"
    request = httpx.Request(scope["method"], url, headers=scope["headers"], content=body)
    response = await TRANSPORT.handle_async_request(request)
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.headers.raw})
    async for chunk in response.aiter_raw():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def demo_server() -> AsyncIterator[str]:
    """Serve the demo; gives the server's address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical"))
    running = asyncio.create_task(server.serve([listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listener.close()
