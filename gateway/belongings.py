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

WORDS: Final[Mapping[Protocol, tuple[bytes, ...]]] = {
    "openai_chat": (b'"file_id',),
    "openai_responses": (b'"file_id', b'"container"', b'"vector_store_ids"'),
    "anthropic_messages": (b'"file_id', b'"container"', b'"previous_message_id"'),
    "gemini": (b'"fileUri"', b'"file_uri"', b'"cachedContent"', b'"cached_content"'),
}
"""What is in the bytes of a request that names something. Each look takes its time, so there are few."""

TOLD: Final[Mapping[Protocol, tuple[bytes, ...]]] = {
    "openai_responses": (b'"file_id"', b'"container_id"'),
    "anthropic_messages": (b'"file_id"', b'"container"', b'"message_start"'),
}
"""What is in the bytes of an answer that tells of something: inside of texts the quotes would be escaped."""

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


class Belongings:
    """What one request names, and where that lies."""

    def __init__(self, stored: StoredResponses, key_id: int, protocol: Protocol, call: Call) -> None:
        self._stored = stored
        self._key_id = key_id
        self._protocol = protocol
        self._call = call
        self._named = named_in(protocol, call.body)
        self._threaded = protocol == "anthropic_messages" and b'"thread"' in call.body
        self._told = TOLD.get(protocol, ())

    async def narrowed(self, plan: Plan, snapshot: Snapshot) -> Plan:
        """The plan without targets that have none of it. Raises `GatewayError` where it cannot be had."""
        if not self._named:
            return plan
        found = [(each, await self._stored.find(self._key_id, each.place)) for each in self._named]
        for each, kept in found:
            if kept is None and each.kind in OWN and await self._stored.is_foreign(self._key_id, each.place):
                code = f"{each.kind}_not_found"
                raise NotFound(f"There is no {each.kind} with this id.", code=code, param=each.param)
        upstream_id, needs = continuation.held_by((each.param, kept) for each, kept in found)
        if upstream_id is None:
            return untranslated(plan, self._protocol, self._named[0].param)
        return continuation.narrowed(plan, Continuation(self._call, upstream_id, needs), snapshot, self._protocol)

    def tells(self, frames: bytes) -> bool:
        """Whether frames of the answer may tell of something."""
        return any(map(frames.__contains__, self._told))

    def note(self, upstream_id: int, answer: bytes = b"") -> None:
        """Keep that an account has what the request names, and what its answer, or frames of one, tell of."""
        told = [each for payload in self._payloads(answer) for each in self._told_in(payload)]
        now = time.time_ns() // 1000
        for place in {each.place for each in (*self._named, *told)}:
            self._stored.keep(Kept(self._key_id, place, now, upstream_id))

    def _payloads(self, answer: bytes) -> list[bytes]:
        if not self._threaded and not self.tells(answer):
            return []
        return [answer] if answer.startswith(b"{") else SSE().payloads(answer)

    def _told_in(self, payload: bytes) -> Iterator[Named]:
        event = decode(_ANY, payload)
        yield from walk(event)
        message = event.get("message", event) if self._threaded and isinstance(event, dict) else None
        if isinstance(message, dict) and message.get("type") == "message" and isinstance(message.get("id"), str):
            yield Named("thread", str(message["id"]), "thread")


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


def named_in(protocol: Protocol, body: bytes) -> list[Named]:
    """What a body names. Most name nothing, which their bytes tell; escapes could hide a name."""
    if b"\\u00" not in body and not any(word in body for word in WORDS[protocol]):
        return []
    return list(dict.fromkeys(walk(decode(_ANY, body))))


def walk(top: object) -> Iterator[Named]:
    """What is named anywhere in JSON, but for what is the client's own data."""
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
