"""What a request names that lies at one account: files, containers, caches, threads. It goes to where that lies.

Which account it is is learned from answers that passed, and kept for the key like its stored responses.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway import continuation
from gateway.canonical import Protocol
from gateway.continuation import Continuation
from gateway.errors import NotFound
from gateway.framings.sse import SSE
from gateway.protocols.codec import Call
from gateway.protocols.reading import decode
from gateway.routing import Plan, Skipped
from gateway.snapshot import Snapshot
from gateway.stored_responses import Kept, StoredResponses

KINDS: Final[Mapping[str, str]] = {
    "file_id": "file",
    "file_ids": "file",
    "fileUri": "file",
    "file_uri": "file",
    "vector_store_ids": "store",
    "container": "container",
    "container_id": "container",
    "cachedContent": "cache",
    "cached_content": "cache",
    "previous_message_id": "thread",
}
"""The members that name something, in any protocol, to what they name."""

OWN: Final = ("container", "thread")
"""What a key made through us: another key cannot name it. Files and caches are made elsewhere, and shared."""

LARGEST = 110
"""Characters of a name that can be kept."""

GOOGLE_FILES = "https://generativelanguage.googleapis.com/"
"""Where Gemini's files lie; any other address is anybody's."""

CLIENTS_DATA = frozenset(
    "args arguments functionCall functionResponse function_call function_response input_schema metadata parameters "  # noqa: SIM905 - readable so
    "parametersJsonSchema properties schema".split()
)
"""Members whose content is the client's own, whatever it looks like."""

_WORDS = tuple(f'"{name}"'.encode() for name in KINDS)
_TOLD = (b'"container"', b'"container_id"', b'"file_id"', b'"message_start"')
_ANY: msgspec.json.Decoder[object] = msgspec.json.Decoder()


class Named(Struct, frozen=True):
    """Something that lies at an account."""

    kind: str
    id: str
    param: str

    @property
    def place(self) -> str:
        """What it is kept under: a slash tells it from responses, whose ids have none."""
        return f"{self.kind}/{self.id}"


async def narrowed(
    stored: StoredResponses, key_id: int, protocol: Protocol, call: Call, plan: Plan, snapshot: Snapshot
) -> Plan:
    """The plan for a request that may name such things. Raises `GatewayError` where they cannot be had."""
    named = named_in(call.body)
    if not named:
        return plan
    found = [(each, await stored.find(key_id, each.place)) for each in named]
    for each, kept in found:
        if kept is None and each.kind in OWN and await stored.is_foreign(key_id, each.place):
            raise NotFound(f"There is no {each.kind} with this id.", code=f"{each.kind}_not_found", param=each.param)
    upstream_id, needs = continuation.held_by((each.param, kept) for each, kept in found)
    if upstream_id is None:
        return untranslated(plan, protocol, named[0].param)
    return continuation.narrowed(plan, Continuation(call, upstream_id, needs), snapshot, protocol)


def untranslated(plan: Plan, protocol: Protocol, param: str) -> Plan:
    """Without targets of other protocols, unless there are no others: translating refuses in its own words."""
    fit = [target for target in plan.targets if target.endpoint.protocol == protocol]
    if not fit:
        return plan
    left_out = [
        Skipped(target.upstream.name, target.model, f"cannot take the request's {param}")
        for target in plan.targets
        if target not in fit
    ]
    return replace(plan, targets=tuple(fit), skipped=(*plan.skipped, *left_out))


def note(stored: StoredResponses, key_id: int, upstream_id: int, call: Call, answer: bytes = b"") -> None:
    """Keep where the things lie that an answered request names, and those that its answer tells of."""
    told = [each for payload in _payloads(answer) for each in _told(payload, threaded=b'"thread"' in call.body)]
    now = time.time_ns() // 1000
    for place in {each.place for each in (*named_in(call.body), *told)}:
        stored.keep(Kept(key_id, place, now, upstream_id))


def tells(frames: bytes) -> bool:
    """Whether frames may tell of such things: inside of texts the quotes would be escaped."""
    return any(word in frames for word in _TOLD)


def named_in(body: bytes) -> list[Named]:
    """What a body names. Most name nothing, which their bytes tell; escapes could hide a name."""
    if b"\\u00" not in body and not any(word in body for word in _WORDS):
        return []
    return list(dict.fromkeys(_walk(decode(_ANY, body))))


def _walk(top: object) -> Iterator[Named]:
    nodes: list[object] = [top]
    while nodes:
        match nodes.pop():
            case list(items):
                nodes += items
            case dict(members):
                for name, value in members.items():
                    yield from _named(name, value)
                    if name not in CLIENTS_DATA and not (name == "input" and isinstance(value, dict)):
                        nodes.append(value)


def _named(name: str, value: object) -> Iterator[Named]:
    """A name, a list of them, or an object that has it as its id."""
    kind = KINDS.get(name)
    if kind is None:
        return
    for each in value if isinstance(value, list) else [value]:
        told = each.get("id") if isinstance(each, dict) else each
        if isinstance(told, str) and 0 < len(told) <= LARGEST and ("://" not in told or told.startswith(GOOGLE_FILES)):
            yield Named(kind, told, name)


def _payloads(answer: bytes) -> list[bytes]:
    if not tells(answer) and not answer.startswith(b"{"):
        return []
    return [answer] if answer.startswith(b"{") else SSE().payloads(answer)


def _told(payload: bytes, *, threaded: bool) -> Iterator[Named]:
    event = decode(_ANY, payload) if threaded or tells(payload) else None
    yield from _walk(event)
    message = event.get("message", event) if threaded and isinstance(event, dict) else None
    if isinstance(message, dict) and message.get("type") == "message" and isinstance(message.get("id"), str):
        yield Named("thread", str(message["id"]), "thread")
