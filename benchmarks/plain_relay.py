"""The relay one would write in an afternoon: Litestar and the default httpx client, used as their manuals show."""

import argparse
from collections.abc import AsyncIterator
from typing import Any

import httpx
import uvicorn
from litestar import Litestar, Request, Response, post
from litestar.datastructures import State
from litestar.response import Stream

OPTIONS = argparse.ArgumentParser(description=__doc__)
OPTIONS.add_argument("--port", type=int, required=True)
OPTIONS.add_argument("--upstream", required=True)


async def relay_chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """The answer as it comes, the connection given back at its end."""
    try:
        async for chunk in response.aiter_bytes():
            yield chunk
    finally:
        await response.aclose()


@post("/v1/chat/completions", status_code=200)
async def chat(request: Request[Any, Any, State], state: State) -> Stream | Response[bytes]:
    """Send the client's JSON on, and the answer back."""
    asked = await request.json()
    client: httpx.AsyncClient = state.client
    outgoing = client.build_request("POST", "/chat/completions", json=asked)
    response = await client.send(outgoing, stream=True)
    if asked.get("stream"):
        return Stream(relay_chunks(response), media_type="text/event-stream")
    return Response(await response.aread(), media_type="application/json")


def main() -> None:
    """Serve on the given port."""
    options = OPTIONS.parse_args()
    limits = httpx.Limits(max_connections=2000, max_keepalive_connections=2000)
    client = httpx.AsyncClient(base_url=options.upstream, timeout=600, limits=limits)
    app = Litestar([chat], state=State({"client": client}), request_max_body_size=64_000_000)
    uvicorn.run(app, port=options.port, log_level="error", access_log=False)


if __name__ == "__main__":
    main()
