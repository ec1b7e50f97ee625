"""The web application: the endpoint table becomes handlers. Client traffic takes the shortest way through Litestar."""

from typing import cast

import msgspec
from litestar import Litestar, asgi, get
from litestar.response import Response
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway import catalogue, exchange, intake, own_usage, retrieval, tasks
from gateway.endpoints import unknown_path
from gateway.errors import GatewayError
from gateway.poller import Poller
from gateway.runtime import Runtime


def new_app(runtime: Runtime, poller: Poller) -> ASGIApp:
    """The application that a server runs."""

    @asgi("/", is_mount=True, copy_scope=False)
    async def clients(scope: Scope, receive: Receive, send: Send) -> None:
        # Litestar's types of an ASGI connection are unions over what this handler never sees.
        await serve(runtime, poller, cast(intake.Scope, scope), cast(intake.Receive, receive), cast(intake.Send, send))

    @get("/healthz", sync_to_thread=False)
    def alive() -> Response[bytes]:
        return json_response({"status": "ok"}, 200)

    @get("/readyz", sync_to_thread=False)
    def ready() -> Response[bytes]:
        return json_response({"status": "draining"}, 503) if runtime.draining else json_response({"status": "ok"}, 200)

    return Litestar(
        [clients, alive, ready], openapi_config=None, logging_config=None, debug=False, pdb_on_exception=False
    )


def json_response(body: dict[str, str], status: int) -> Response[bytes]:
    """A small JSON response."""
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")


async def serve(
    runtime: Runtime, poller: Poller, scope: intake.Scope, receive: intake.Receive, send: intake.Send
) -> None:
    """Serve one request of a client."""
    arrival = intake.read_head(scope)
    try:
        intake.check_method(arrival)
    except GatewayError as error:
        await intake.refuse(send, arrival.codec, error, arrival.request_id)
        return
    match arrival.endpoint.work:
        case "probe":
            await intake.respond(send, 200, b'{"gateway":"gatehouse"}', arrival.request_id)
        case "models" | "model":
            await catalogue.handle(runtime, arrival, send)
        case "usage":
            await own_usage.handle(runtime, poller.database, arrival, send)
        case "response":
            await retrieval.handle(runtime, arrival, scope, receive, send)
        case "video":
            await tasks.handle(poller, arrival, scope, receive, send)
        case "unknown":
            unknown = unknown_path(arrival.method, arrival.endpoint)
            await intake.refuse(send, arrival.codec, unknown, arrival.request_id)
        case _:
            await exchange.handle(runtime, arrival, scope, receive, send)
