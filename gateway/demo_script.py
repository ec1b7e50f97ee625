"""What the demo model says: decided by the prompt alone, so that the same request gets the same answer.

A token of the demo is a word. Words in square brackets in the user's last message steer it; see `DIRECTIVES`.
"""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import cycle, islice

import msgspec
from msgspec import Struct

from gateway.canonical import Finish, Usage

MODELS = ("demo-1", "demo-1-mini", "demo-think")
DIRECTIVES = (
    "[demo slow] or [demo slow SECONDS], [demo words N], [demo speed WORDS_PER_SECOND], [demo think], [demo tool], "
    "[demo fail], [demo fail STATUS], [demo 429], [demo fail mid-stream]"
)
SPEED = 30.0
"""Words per second, about as fast as one reads along."""
SLOW = 5.0
MOST_WORDS = 50_000
DEEPEST_SCHEMA = 12

_DIRECTIVE = re.compile(r"\[demo\s+([^\]\n]{1,80})\]", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,6}(\.\d{1,3})?")
_PIECE = re.compile(r"\s*\S+")
_FILLER = (
    "A gateway stands between those who ask and those who answer. It knows who is asking, chooses who shall answer, "
    "counts every token on the way and adds up what it costs. When one upstream fails it asks another, and when a key "
    "is revoked it stops at once. All of this text is made up on the spot, and all of it passes through the same path "
    "as the real thing."
)
_PLAUSIBLE = {
    "city": "Oslo",
    "country": "Norway",
    "date": "2026-01-01",
    "email": "ada@example.com",
    "location": "Oslo",
    "name": "Ada",
    "path": "README.md",
    "place": "Oslo",
    "unit": "celsius",
    "url": "https://example.com",
}


class Tool(Struct, frozen=True):
    """A tool that the client offers."""

    name: str
    schema: dict[str, object] = {}


class Prompt(Struct, frozen=True):
    """A request, whatever its protocol."""

    model: str
    user: str
    """What the user said last."""
    everything: str
    """All text of the request, for counting."""
    tool_result: str | None = None
    """What a tool answered, where that is the last thing in the conversation."""
    tools: tuple[Tool, ...] = ()
    schema: dict[str, object] | None = None
    """The shape that the answer shall have."""
    max_output: int | None = None
    stream: bool = False
    wants_usage: bool = False


class Manner(Struct, frozen=True):
    """How the answer is delivered."""

    delay: float = 0.0
    speed: float = SPEED
    status: int = 200
    breaks_off: bool = False
    thinks: bool = False
    calls: bool = False
    words: int | None = None


class Answer(Struct, frozen=True):
    """What is answered, before any protocol."""

    id: str
    model: str
    text: str
    reasoning: str
    call: Tool | None
    arguments: str
    """The call's arguments as JSON text."""
    finish: Finish
    usage: Usage


def manner_of(prompt: Prompt) -> Manner:
    """What the directives in the user's last message amount to; what is not understood is passed over."""
    settings: dict[str, object] = {"thinks": prompt.model.endswith("think")}
    if prompt.model.endswith("mini"):
        settings["speed"] = 2 * SPEED
    for directive in _DIRECTIVE.findall(prompt.user):
        settings |= _setting(directive.lower().split())
    return msgspec.convert(settings, Manner)


def _setting(words: list[str]) -> dict[str, object]:
    number = next((float(word) for word in words if _NUMBER.fullmatch(word)), None)
    match words[0]:
        case "slow":
            return {"delay": SLOW if number is None else min(number, 600)}
        case "speed" if number:
            return {"speed": number}
        case "words" if number is not None:
            return {"words": min(int(number), MOST_WORDS)}
        case "think":
            return {"thinks": True}
        case "tool":
            return {"calls": True}
        case "fail" if "mid-stream" in words:
            return {"breaks_off": True}
        case "fail" | "429" | "500" | "503" | "529":
            return {"status": int(number) if number and 400 <= number < 600 else 500}
        case _:
            return {}


def answer_to(prompt: Prompt, manner: Manner, request: bytes) -> Answer:
    """The answer to a prompt; the request's bytes only give it an id."""
    call = prompt.tools[0] if manner.calls and prompt.tools and prompt.tool_result is None else None
    arguments = _arguments(call) if call else ""
    reasoning = _reasoning(prompt) if manner.thinks else ""
    pieces = pieces_of(_text(prompt, manner, call))
    limit = max(0, (prompt.max_output or MOST_WORDS) - count(reasoning))
    cut = len(pieces) > limit
    said = count(arguments) + min(len(pieces), limit)
    return Answer(
        id=sha256(request).hexdigest()[:24],
        model=prompt.model,
        text="".join(pieces[:limit]),
        reasoning=reasoning,
        call=call,
        arguments=arguments,
        finish="length" if cut else "tool" if call else "end",
        usage=Usage(input=max(1, count(prompt.everything)), output=said, reasoning=count(reasoning)),
    )


def count(text: str) -> int:
    """The demo's tokens: words."""
    return len(text.split())


def pieces_of(text: str) -> list[str]:
    """The text word by word, each with the blanks before it."""
    return _PIECE.findall(text)


def _arguments(tool: Tool) -> str:
    value = sample(tool.schema)
    return msgspec.json.encode(value if isinstance(value, dict) else {}).decode()


def _reasoning(prompt: Prompt) -> str:
    return f"The user wrote {count(prompt.user)} words. A friendly, short answer that repeats a few of them will do."


def _text(prompt: Prompt, manner: Manner, call: Tool | None) -> str:
    if call is not None:
        return f"I will ask the tool {call.name}."
    if manner.words is not None:
        return " ".join(islice(cycle(_FILLER.split()), manner.words))
    if prompt.tool_result is not None:
        return f"The tool answered: {_shortened(prompt.tool_result)} That is all I wanted to know. Thank you!"
    if prompt.schema is not None:
        return msgspec.json.encode(sample(prompt.schema)).decode()
    if manner.calls:
        return "You asked me to call a tool, but none was offered in this request."
    return (
        f"Hello from {prompt.model}! You wrote: {_shortened(_DIRECTIVE.sub('', prompt.user))} I live inside the "
        "gateway, so I need no account and no network, and I only pretend to think. "
        f"You can steer me from your message: {DIRECTIVES}."
    )


def _shortened(text: str) -> str:
    words = text.split()
    return f'"{" ".join(words[:24])}{"..." if len(words) > 24 else ""}"'


# --- values that fit a JSON schema ----------------------------------------------------------------------------------


def sample(schema: Mapping[str, object]) -> object:
    """A plausible value that fits a JSON schema, for a tool's arguments or a structured answer."""
    return _sample(schema, schema, "", 0)


def _sample(schema: Mapping[str, object], root: Mapping[str, object], name: str, depth: int) -> object:
    schema = _resolved(schema, root)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if isinstance(values := schema.get(key), list) and values:
            return values[0]
    kind = _kind(schema)
    if kind == "object":
        return _object(schema, root, depth) if depth < DEEPEST_SCHEMA else {}
    if kind == "array":
        items = schema.get("items")
        return [_sample(items, root, name, depth + 1)] if isinstance(items, dict) and depth < DEEPEST_SCHEMA else []
    return _scalar(kind, schema, name)


def _object(schema: Mapping[str, object], root: Mapping[str, object], depth: int) -> dict[str, object]:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict):
        return {}
    names: Iterable[str] = required if isinstance(required, list) and required else properties
    return {
        name: _sample(properties[name], root, name, depth + 1)
        for name in names
        if isinstance(properties.get(name), dict)
    }


def _scalar(kind: str, schema: Mapping[str, object], name: str) -> object:
    match kind:
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
    if schema.get("format") in ("date", "date-time"):
        return "2026-01-01" if schema["format"] == "date" else "2026-01-01T00:00:00Z"
    return _PLAUSIBLE.get(name.lower(), "example")


def _kind(schema: Mapping[str, object]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    return str(kind).lower()


def _resolved(schema: Mapping[str, object], root: Mapping[str, object]) -> Mapping[str, object]:
    """The schema behind references and alternatives."""
    for _ in range(DEEPEST_SCHEMA):
        alternatives = next((schema[key] for key in ("anyOf", "oneOf", "allOf") if key in schema), None)
        if isinstance(reference := schema.get("$ref"), str):
            found: object = root
            for step in reference.removeprefix("#/").split("/"):
                found = found.get(step) if isinstance(found, dict) else None
        elif isinstance(alternatives, list):
            found = next((each for each in alternatives if isinstance(each, dict) and each.get("type") != "null"), None)
        else:
            return schema
        schema = found if isinstance(found, dict) else {}
    return schema
