"""Calls about a response that is kept: read, deleted and listed here, or at the account that keeps it."""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from gateway import exchange, intake, keys, limits
from gateway.continuation import is_response
from gateway.endpoints import RESPONSE
from gateway.errors import BadRequest, GatewayError, NotFound, Unavailable
from gateway.intake import Arrival, Receive, Scope, Send
from gateway.protocols.ids import item_id
from gateway.routing import Plan, Target
from gateway.runtime import Runtime
from gateway.snapshot import Snapshot
from gateway.stored_responses import Kept

PAGE = 20
LARGEST_PAGE = 100
PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}
"""Ids of items begin so; those of others as their type does."""

Item = dict[str, object]


class Wish(Struct, frozen=True):
    """A call about one response."""

    method: str
    response_id: str
    part: str
    """`cancel`, `input_items`, or empty for the response itself."""
    query: tuple[tuple[str, str], ...]

    def last(self, name: str) -> str:
        """The query's member of that name."""
        return dict(self.query).get(name, "")

    @property
    def included(self) -> frozenset[str]:
        """What the client wants to see besides."""
        return frozenset(value for name, value in self.query if name in ("include", "include[]"))


async def handle(runtime: Runtime, arrival: Arrival, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a call about one response."""
    try:
        runtime.check_open()
        key = keys.authenticate(runtime.snapshot, arrival.headers, arrival.query, runtime.vault, runtime.now())
        limits.check_scope(runtime.snapshot, key, arrival.endpoint, arrival.client)
        wish = read(arrival)
        kept = await runtime.responses.find(key.id, wish.response_id)
        if kept is None or not is_response(kept):
            raise unknown_response()
        if kept.upstream_id is not None:
            plan = plan_for(runtime.snapshot, kept.upstream_id)
            await relay(runtime, arrival, scope, receive, send, plan, kept)
            return
        body = ANSWERS[wish.method, wish.part](kept, wish)
        if wish.method == "DELETE":
            await runtime.responses.forget(key.id, kept.id)
    except GatewayError as error:
        await intake.refuse(send, arrival.codec, error, arrival.request_id)
    else:
        await intake.respond(send, 200, body, arrival.request_id)


def read(arrival: Arrival) -> Wish:
    """What is asked."""
    found = RESPONSE.fullmatch(arrival.endpoint.path)
    if found is None:
        raise unknown_response()
    return Wish(arrival.method, found["id"], found["part"] or "", (*arrival.repeated, *arrival.query.items()))


def unknown_response() -> NotFound:
    """The same words for a response that never was, is gone, or is somebody else's."""
    return NotFound("There is no response with this id.", code="response_not_found")


# at the account that keeps it


async def relay(
    runtime: Runtime, arrival: Arrival, scope: Scope, receive: Receive, send: Send, plan: Plan, kept: Kept
) -> None:
    """Pass the call on, and forget the response when that deleted it."""
    statuses: list[object] = []

    async def watched(message: Mapping[str, object]) -> None:
        statuses.append(message.get("status"))
        await send(message)

    await exchange.handle(runtime, arrival, scope, receive, watched, plan)
    if arrival.method == "DELETE" and 200 in statuses:
        await runtime.responses.forget(kept.key_id, kept.id)


def plan_for(snapshot: Snapshot, upstream_id: int) -> Plan:
    """The one place that can answer."""
    upstream = snapshot.upstreams.get(upstream_id)
    endpoint = upstream.endpoints.get("openai_responses") if upstream else None
    if upstream is None or endpoint is None:
        raise unknown_response()
    if not upstream.enabled:
        raise Unavailable("The upstream that keeps this response is switched off.", code="no_upstream")
    target = Target(upstream, endpoint, "", "it keeps the response")
    return Plan("kept", "the account that made the response is asked", (target,), ())


# here


def whole(kept: Kept, wish: Wish) -> bytes:
    """The response."""
    if wish.last("stream") == "true":
        raise BadRequest("Only background responses can be streamed again.", param="stream")
    response = msgspec.json.decode(kept.response, type=Item)
    response["output"] = [seen(item, wish.included) for item in _items(response.get("output"))]
    return msgspec.json.encode(response)


def deleted(kept: Kept, wish: Wish) -> bytes:
    """What is said of a response that is gone."""
    return msgspec.json.encode({"id": kept.id, "object": "response", "deleted": True})


def cancelled(kept: Kept, wish: Wish) -> bytes:
    """Nothing: what is kept here has ended."""
    raise BadRequest("Only background responses can be cancelled.", code="invalid_value")


def input_items(kept: Kept, wish: Wish) -> bytes:
    """A page of what the model was given, the newest first unless asked otherwise."""
    given = msgspec.json.decode(kept.items, type=list[Item])
    items = [seen(named(item, kept.id, place), wish.included) for place, item in enumerate(given)]
    page, more = paged(items, wish)
    ends = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
    return msgspec.json.encode({"object": "list", "data": page, **ends, "has_more": more})


def paged(items: list[Item], wish: Wish) -> tuple[list[Item], bool]:
    """The items of one page, and whether there are more."""
    order, limit, after = wish.last("order") or "desc", wish.last("limit") or str(PAGE), wish.last("after")
    if order not in ("asc", "desc"):
        raise BadRequest("'order' must be 'asc' or 'desc'.", code="invalid_value", param="order")
    if not limit.isdecimal() or not 1 <= int(limit) <= LARGEST_PAGE:
        raise BadRequest(f"'limit' must be from 1 to {LARGEST_PAGE}.", code="invalid_value", param="limit")
    items = items if order == "asc" else items[::-1]
    start = 0
    if after:
        start = next((place for place, item in enumerate(items, 1) if item["id"] == after), 0)
        if not start:
            raise BadRequest("'after' must be the id of an item in the list.", code="invalid_value", param="after")
    end = start + int(limit)
    return items[start:end], end < len(items)


def named(item: Item, response_id: str, place: int) -> Item:
    """The item in full: clients may leave out its id, its type, and the form of its text."""
    kind = str(item.get("type") or "message")
    name = item.get("id") or item_id(f"{PREFIXES.get(kind, kind)}_gw_", response_id, place)
    item = {**item, "type": kind, "id": name}
    if kind == "message" and isinstance(item.get("content"), str):
        part = "output_text" if item.get("role") == "assistant" else "input_text"
        item["content"] = [{"type": part, "text": item["content"]}]
    return {"status": "completed", **item} if kind == "message" else item


def seen(item: Item, included: frozenset[str]) -> Item:
    """The item without what is only shown to those who ask for it."""
    if item.get("type") == "reasoning" and "reasoning.encrypted_content" not in included:
        return {name: value for name, value in item.items() if name != "encrypted_content"}
    if item.get("type") == "message" and isinstance(item.get("content"), list):
        return {**item, "content": [_part_seen(part, included) for part in _items(item["content"])]}
    return item


def _part_seen(part: Item, included: frozenset[str]) -> Item:
    if part.get("type") == "input_image" and "message.input_image.image_url" not in included:
        return {**part, "image_url": None}
    if part.get("type") == "output_text" and part.get("logprobs") and "message.output_text.logprobs" not in included:
        return {**part, "logprobs": []}
    return part


def _items(value: object) -> list[Item]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


ANSWERS: dict[tuple[str, str], Callable[[Kept, Wish], bytes]] = {
    ("GET", ""): whole,
    ("DELETE", ""): deleted,
    ("POST", "cancel"): cancelled,
    ("GET", "input_items"): input_items,
}
"""Method and part to what answers them."""
