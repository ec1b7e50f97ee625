"""Chat requests that are relayed and not translated, for upstreams with a dialect of their own."""

import msgspec

from gateway.canonical import JSON
from gateway.errors import BadRequest
from gateway.protocols.capsules import unseal
from gateway.protocols.editing import Draft
from gateway.protocols.ids import CallIds
from gateway.protocols.openai_chat import wire
from gateway.protocols.openai_chat.reasoning import read_thinking, write_thinking
from gateway.protocols.reading import dicts
from gateway.protocols.translation import Dialect, Target

MEMBERS = {
    "cache_key": ("prompt_cache_key",),
    "parallel_calls": ("parallel_tool_calls",),
    "tier": ("service_tier",),
    "logprobs": ("logprobs", "top_logprobs"),
}
"""Canonical fields that have other names in a request."""

ELSEWHERE = ("name", "choices", "output.schema")
"""What is no member to leave out: it stands within messages, or without it another answer would come."""

SILENT = (
    "store",
    "metadata",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
)
"""Members that say nothing to the model."""

USUAL = {"parallel_tool_calls": True, "logprobs": False}
"""Values that are what happens anyway."""

REASONING = ("reasoning_content", "reasoning", "reasoning_text")
CONTROLS = ("reasoning_effort", *wire.THINKING_MEMBERS)


def patch(draft: Draft, dialect: Dialect) -> None:
    """Say in this upstream's way what it would refuse or not heed."""
    if dialect.limit_field == "max_tokens":
        draft.rename("max_completion_tokens", "max_tokens")
    if dialect.seed_field != "seed":
        draft.rename("seed", dialect.seed_field)
    if draft.get("tool_choice") == "required":
        draft.put("tool_choice", dialect.required_choice)
    _drop(draft, dialect)
    _rethink(draft, dialect)
    messages = draft.get("messages")
    if isinstance(messages, list):
        draft.put("messages", MessagePatch(dialect).all(messages))


def without_capsules(draft: Draft) -> None:
    """Take out what another family's models are to get back, and this upstream cannot read."""
    messages = draft.get("messages")
    if isinstance(messages, list):
        draft.put("messages", [_without_capsules(message) for message in messages])


def _without_capsules(message: object) -> object:
    if not isinstance(message, dict) or not isinstance(message.get("reasoning_details"), list):
        return message
    kept = [entry for entry in message["reasoning_details"] if not _is_capsule(entry)]
    rest = {name: value for name, value in message.items() if name != "reasoning_details"}
    return rest | ({"reasoning_details": kept} if kept else {})


def _is_capsule(entry: object) -> bool:
    tokens = [entry.get("signature"), entry.get("data")] if isinstance(entry, dict) else []
    return any(isinstance(token, str) and unseal(token) for token in tokens)


def _drop(draft: Draft, dialect: Dialect) -> None:
    for field in dialect.drops:
        for name in MEMBERS.get(field, () if field in ELSEWHERE else (field,)):
            value = draft.get(name)
            draft.drop(name)
            if value is not None and value != USUAL.get(name) and name not in SILENT:
                draft.lose(field, "This upstream does not take it.")


def _rethink(draft: Draft, dialect: Dialect) -> None:
    """The wish to think in this upstream's words, unless it was said in them."""
    said = {name: draft.get(name) for name in CONTROLS if name in draft}
    if _is_understood(said, dialect):
        return
    choice = draft.get("tool_choice")
    forced = choice == dialect.required_choice or isinstance(choice, dict)
    try:
        thinking = read_thinking(msgspec.convert(said, wire.Body))
    except (msgspec.ValidationError, BadRequest):
        return
    told = write_thinking(thinking, Target("", dialect), draft.get("stream") is True, forced)
    for name in said.keys() - told.keys():
        draft.drop(name)
    for name, value in told.items():
        draft.put(name, value)
    if said and not told:
        draft.lose("thinking", "This upstream cannot be told how much to think.")


def _is_understood(said: JSON, dialect: Dialect) -> bool:
    match dialect.reasoning_request:
        case "effort":
            return not dialect.efforts
        case "reasoning":
            return said.keys() <= {"reasoning", "reasoning_effort"}
        case own:
            return own in said


class MessagePatch:
    """One request's messages for one upstream."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._ids = CallIds(dialect.call_id_pattern) if dialect.call_id_pattern else None

    def all(self, messages: list[object]) -> list[object]:
        return [self._one(dict(message)) if isinstance(message, dict) else message for message in messages]

    def _one(self, message: JSON) -> JSON:
        if "name" in self._dialect.drops and message.get("role") in ("system", "developer", "user", "assistant"):
            message.pop("name", None)
        match message.get("role"):
            case "developer":
                message["role"] = self._dialect.system_role
            case "assistant":
                self._answer(message)
            case "tool" if self._ids and isinstance(given := message.get("tool_call_id"), str):
                message["tool_call_id"] = self._ids.of_result(given)
        return message

    def _answer(self, message: JSON) -> None:
        calls = dicts(message.get("tool_calls"))
        self._echo(message, bool(calls))
        if calls and message.get("content") is None and not self._dialect.null_content:
            message["content"] = ""
        if calls and self._ids:
            message["tool_calls"] = [{**call, "id": self._ids.of_call(str(call.get("id", "")))} for call in calls]

    def _echo(self, message: JSON, called: bool) -> None:
        """Earlier reasoning under the upstream's name for it, or not at all."""
        field = self._dialect.reasoning_field
        thought = next((message[name] for name in (field, *REASONING) if message.get(name)), None)
        if self._dialect.echo_reasoning == "forbidden":
            for name in (*REASONING, "reasoning_details"):
                message.pop(name, None)
        elif thought is not None and not message.get(field):
            for name in REASONING:
                message.pop(name, None)
            message[field] = thought
        elif called and self._dialect.echo_reasoning == "required":
            message.setdefault(field, "")
