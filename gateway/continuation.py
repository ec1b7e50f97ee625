"""What a Responses request goes on from: finds what it names, and says what that asks of its target.

A response that is kept here is put into the request as the conversation it was; one that an upstream keeps stays a
name, and only that upstream is asked.
"""

import contextlib
import re
import time
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from gateway.canonical import Protocol
from gateway.errors import BadRequest, NotFound, TooLarge, Unavailable
from gateway.framings.sse import SSE
from gateway.protocols import capsules
from gateway.protocols.codec import Call
from gateway.protocols.reading import decode, read_fields
from gateway.routing import Plan, Skipped, Target
from gateway.snapshot import Snapshot
from gateway.splice import Repeats, with_member, without_member
from gateway.stored_responses import Kept, StoredResponses

PROTOCOL: Protocol = "openai_responses"
CREATING = "responses"
"""The path whose answers can be gone on from."""
LARGEST = 32 * 1024 * 1024
CAPSULE = capsules.PREFIX.encode()
THOUGHTS = "reasoning.encrypted_content"
COMPLETE = ("completed", "incomplete")
REPEATS = Repeats("previous_response_id", "conversation", "prompt", "background", "store", "input")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:=-]{0,127}")
"""An id that can be kept and be part of a path."""


class Continuation(Struct, frozen=True):
    """A request with what it goes on from, as far as that is kept here."""

    call: Call
    upstream_id: int | None = None
    """The account that keeps what it names: no other can answer."""
    needs: str = ""
    """The member that only an upstream of the same protocol can take."""
    previous_id: str = ""
    """The response kept here whose conversation now stands in the call."""
    conversation_id: str = ""
    foreign: bool = False
    """What now stands in the call was made by other models: it is translated even to its own protocol."""
    stores: bool = False
    """Whether the answer may be gone on from."""


class Named(Struct, gc=False):
    """The members of a request that name what is kept somewhere."""

    previous_response_id: str | None = None
    conversation: str | dict[str, object] | None = None
    prompt: object = None
    background: bool | None = None
    store: bool | None = None
    input: Raw = Raw(b"null")


class Head(Struct, gc=False):
    """How an item is known."""

    id: object = None
    type: object = None
    role: object = None


class Body(Struct, gc=False):
    """A response."""

    id: object = None
    status: object = None
    store: object = None
    """False where the upstream keeps nothing, whatever it was asked for."""
    output: list[Raw] = []


class Lifecycle(Struct, gc=False):
    """An event that tells how a response as a whole stands."""

    response: Raw = Raw(b"null")


class Included(Struct, gc=False):
    """What a request wants to see in its answer besides."""

    include: list[str] | None = None


_INCLUDED = msgspec.json.Decoder(Included)
_NAMED = msgspec.json.Decoder(Named)
_LIST = msgspec.json.Decoder(list[Raw])
_HEAD = msgspec.json.Decoder(Head)
_BODY = msgspec.json.Decoder(Body)
_LIFECYCLE = msgspec.json.Decoder(Lifecycle)


# before a request is planned


async def take_up(stored: StoredResponses, key_id: int, call: Call) -> Continuation:
    """The request with what it names. Raises `BadRequest` or `NotFound` for what the key has nothing of."""
    named = read(call.body)
    items = items_of(named.input) if may_refer(named.input) or named.previous_response_id else []
    previous = await find_previous(stored, key_id, named)
    conversation_id = await find_conversation(stored, key_id, named)
    referred = await find_referred(stored, key_id, items)
    conversation = await stored.find(key_id, conversation_id) if conversation_id else None
    holders = (("previous_response_id", previous), ("conversation", conversation))
    upstream_id, holding = held_by((*holders, *(("input", kept) for kept in referred.values())))
    here = previous if previous and previous.upstream_id is None else None
    if here or any(kept.upstream_id is None for kept in referred.values()):
        check_input(named.input)
        call = replace(call, body=expanded(call.body, items, here, referred))
    return Continuation(
        call=call,
        upstream_id=upstream_id,
        needs=holding or _needed(named),
        previous_id=here.id if here else "",
        conversation_id=conversation_id,
        foreign=here is not None and CAPSULE in call.body,
        stores=call.path == CREATING and named.store is not False,
    )


def read(body: bytes) -> Named:
    """What a request names. Its body was read before, so that only these members can be wrong."""
    with contextlib.suppress(msgspec.ValidationError):
        if not REPEATS.first(body):
            return _NAMED.decode(body)
    return read_fields(body, _NAMED, REPEATS)


async def find_previous(stored: StoredResponses, key_id: int, named: Named) -> Kept | None:
    """The response that the request goes on from. Raises `BadRequest` when the key has no such response."""
    name = named.previous_response_id
    if not name:
        return None
    if named.conversation:
        raise BadRequest(
            "'previous_response_id' and 'conversation' cannot be given together.",
            code="mutually_exclusive_parameters",
            param="previous_response_id",
        )
    kept = await stored.find(key_id, name)
    if kept is None or not is_response(kept):
        raise unknown_previous(name)
    return kept


async def find_conversation(stored: StoredResponses, key_id: int, named: Named) -> str:
    """The conversation's id. It belongs to the key that used it first; raises `NotFound` for everybody else."""
    given = named.conversation
    name = given.get("id") if isinstance(given, dict) else given
    if not name:
        return ""
    if not isinstance(name, str) or not NAME.fullmatch(name) or await stored.is_foreign(key_id, name):
        raise NotFound("There is no conversation with this id.", param="conversation")
    return name


async def find_referred(stored: StoredResponses, key_id: int, items: list[Raw]) -> dict[str, Kept]:
    """The responses whose items the input refers to, by item. Raises `BadRequest` when the key has no such item."""
    names = [name for item in items if (name := reference_in(item))]
    if not names:
        return {}
    responses = await stored.find_items(key_id, names)
    found = {response_id: await stored.find(key_id, response_id) for response_id in set(responses.values())}
    referred: dict[str, Kept] = {}
    for name in names:
        kept = found.get(responses.get(name, ""))
        if kept is None:
            raise BadRequest(f"Item with id '{name}' not found.", code="item_not_found", param="input")
        referred[name] = kept
    return referred


def held_by(holders: Iterable[tuple[str, Kept | None]]) -> tuple[int | None, str]:
    """The one account that keeps what is named, and the member that names it."""
    accounts = {kept.upstream_id: param for param, kept in holders if kept and kept.upstream_id is not None}
    if len(accounts) > 1:
        param = next(iter(accounts.values()))
        raise BadRequest("The request names what different upstreams keep.", code="unsupported_parameter", param=param)
    return next(iter(accounts.items()), (None, ""))


def expanded(body: bytes, items: list[Raw], previous: Kept | None, referred: Mapping[str, Kept]) -> bytes:
    """The body with what is kept here in place of its name; every other byte of it as it was."""
    own = [_in_place(item, referred) for item in items]
    if previous:
        own = [*_list_in(previous.items), *_output_of(previous.response), *own]
        body = without_member(body, "previous_response_id")
    body = with_member(body, "input", b"[" + b",".join(own) + b"]")
    if len(body) > LARGEST:
        raise TooLarge(f"The stored conversation is over the limit of {LARGEST // 1024 // 1024} MB.")
    return body


def reference_in(item: Raw) -> str:
    """The id that an item is no more than; empty for a whole item."""
    head = decode(_HEAD, item) or Head()
    bare = head.type is None and head.role is None
    return head.id if isinstance(head.id, str) and (bare or head.type == "item_reference") else ""


def unknown_previous(name: str) -> BadRequest:
    """As OpenAI says it: clients look for the code and then send the whole conversation."""
    return BadRequest(
        f"Previous response with id '{name}' not found.",
        code="previous_response_not_found",
        param="previous_response_id",
    )


def is_response(kept: Kept) -> bool:
    """Whether it is a response rather than the note of a conversation, or of what else lies at an account."""
    return not kept.id.startswith("conv_") and "/" not in kept.id


def may_refer(given: Raw) -> bool:
    """Whether the input may hold items that are only named: without an id, however it is spelled, there are none."""
    text = bytes(given)
    return text.startswith(b"[") and (b'"id"' in text or b"\\u00" in text)


def items_of(given: Raw) -> list[Raw]:
    """The input as items; empty for what can be no input."""
    text = bytes(given)
    if text.startswith(b'"'):
        return [Raw(b'{"type":"message","role":"user","content":' + text + b"}")]
    return decode(_LIST, text) or []


def check_input(given: Raw) -> None:
    """Raises `BadRequest` for what can be no input."""
    if not bytes(given).startswith((b'"', b"[", b"null")):
        raise BadRequest("'input' must be a string or a list of items.", code="invalid_type", param="input")


def _needed(named: Named) -> str:
    wanted = {"conversation": named.conversation, "prompt": named.prompt, "background": named.background}
    return next((name for name, value in wanted.items() if value), "")


def _in_place(item: Raw, referred: Mapping[str, Kept]) -> bytes:
    name = reference_in(item)
    kept = referred.get(name)
    if kept is None or kept.upstream_id is not None:
        return bytes(item)
    return next((one for one in _output_of(kept.response) if _id_of(one) == name), bytes(item))


def _output_of(response: bytes) -> list[bytes]:
    found = decode(_BODY, response)
    return [bytes(item) for item in found.output] if found else []


def _list_in(items: bytes) -> list[bytes]:
    return [bytes(item) for item in decode(_LIST, items) or ()]


def _id_of(item: bytes) -> str:
    head = decode(_HEAD, item)
    return head.id if head and isinstance(head.id, str) and NAME.fullmatch(head.id) else ""


# when it is planned


def narrowed(plan: Plan, going_on: Continuation, snapshot: Snapshot, protocol: Protocol = PROTOCOL) -> Plan:
    """The plan without targets that cannot take what the request names. Raises `GatewayError` when none is left."""
    if not going_on.needs:
        return plan
    fit = [target for target in plan.targets if _fits(target, going_on, protocol)]
    left_out = [
        Skipped(target.upstream.name, target.model, f"cannot take the request's {going_on.needs}")
        for target in plan.targets
        if target not in fit
    ]
    if not fit:
        raise _nowhere(plan, going_on, snapshot)
    return replace(plan, targets=tuple(fit), skipped=(*plan.skipped, *left_out))


def _fits(target: Target, going_on: Continuation, protocol: Protocol) -> bool:
    there = going_on.upstream_id is None or target.upstream.id == going_on.upstream_id
    return there and target.endpoint.protocol == protocol


def _nowhere(plan: Plan, going_on: Continuation, snapshot: Snapshot) -> BadRequest | Unavailable:
    holder = snapshot.upstreams.get(going_on.upstream_id) if going_on.upstream_id is not None else None
    if holder and any(skipped.upstream == holder.name for skipped in plan.skipped):
        return Unavailable("What the request names is kept by an upstream that cannot answer now.", code="no_upstream")
    return BadRequest(
        f"'{going_on.needs}' is not supported with this model: what it names is not kept where the model is served.",
        code="unsupported_parameter",
        param=going_on.needs,
    )


# on the way there and back


def to_translate(going_on: Continuation, *, keeps: bool) -> Call:
    """The call for an upstream of another protocol: what becomes of its answer is settled here, not there.

    Thoughts have to be in the answer that is kept, or the model could not take them up again.
    """
    if not going_on.stores:
        return going_on.call
    body = without_member(going_on.call.body, "store")
    if not keeps:
        return replace(going_on.call, body=with_member(body, "store", b"false"))
    wanted = read_fields(body, _INCLUDED, Repeats("include")).include or []
    if THOUGHTS not in wanted:
        body = with_member(body, "include", msgspec.json.encode([*wanted, THOUGHTS]))
    return replace(going_on.call, body=body)


def kept(stored: StoredResponses, going_on: Continuation, key_id: int, upstream_id: int | None, answer: bytes) -> bytes:
    """A whole answer, or frames of one, as its client gets it; what it can be gone on from is kept."""
    answer = with_previous(answer, going_on)
    keep(stored, going_on, key_id, upstream_id, answer)
    return answer


def keep(stored: StoredResponses, going_on: Continuation, key_id: int, upstream_id: int | None, answer: bytes) -> None:
    """Keep the response in a whole answer or in frames, if it can be gone on from.

    `upstream_id` is the account that answered in the client's own protocol, so that it keeps the response itself.
    """
    found = response_in(answer) if going_on.stores else b""
    body = decode(_BODY, found) if found else None
    if body is None or not isinstance(body.id, str) or not NAME.fullmatch(body.id) or body.status == "failed":
        return
    now = time.time_ns() // 1000
    item_ids = tuple(filter(None, map(_id_of, map(bytes, body.output))))
    if upstream_id is not None and body.store is not False:
        stored.keep(Kept(key_id, body.id, now, upstream_id, item_ids=item_ids))
        if going_on.conversation_id:
            stored.keep(Kept(key_id, going_on.conversation_id, now, upstream_id))
    elif stored.keeps and body.status in COMPLETE:
        named = decode(_NAMED, going_on.call.body) or Named()
        items = b"[" + b",".join(map(bytes, items_of(named.input))) + b"]"
        stored.keep(Kept(key_id, body.id, now, None, items, found, item_ids))


def response_in(answer: bytes) -> bytes:
    """The response in a whole answer, or the last one that frames of a stream tell of; empty when there is none."""
    if answer.startswith(b"{"):
        return answer
    for payload in reversed(SSE().payloads(answer)):
        event = decode(_LIFECYCLE, payload) if b'"response"' in payload else None
        if event and bytes(event.response) != b"null":
            return bytes(event.response)
    return b""


def tells(frames: bytes) -> bool:
    """Whether frames may hold a response as a whole: inside of texts the quotes would be escaped."""
    return b'"response"' in frames


def with_previous(answer: bytes, going_on: Continuation) -> bytes:
    """A translated answer, whole or frames, naming the response that its client went on from."""
    if not going_on.previous_id:
        return answer
    name = b'"previous_response_id":'
    return answer.replace(name + b"null", name + msgspec.json.encode(going_on.previous_id))
