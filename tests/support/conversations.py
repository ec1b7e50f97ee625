"""Made-up requests, answers and streams in the canonical model, and what they amount to whoever carries them."""

import json
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from hypothesis import strategies as st

from gateway.canonical import (
    Cache,
    Document,
    Ending,
    Event,
    Finish,
    FunctionTool,
    Image,
    Inline,
    Opaque,
    OutputFormat,
    Part,
    PartDelta,
    PartEnded,
    PartStarted,
    Protocol,
    Reasoning,
    Refusal,
    Remote,
    Request,
    Response,
    ResponseEnded,
    ResponseStarted,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    Usage,
    UsageReported,
)

TOOLS = ("tide", "look_up", "moon-phase")
FAMILIES = {"anthropic": ("signature", "redacted"), "openai": ("encrypted",), "google": ("thought_signature",)}
_PLAIN = string.ascii_letters + string.digits

said = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
told = said.map(lambda text: f"{text}.")
"""Text that is more than white space."""
ids = st.text(_PLAIN, min_size=9, max_size=9)
"""Call ids that every protocol takes."""
objects = st.dictionaries(
    st.text(_PLAIN, min_size=1, max_size=4),
    st.recursive(
        st.none() | st.booleans() | st.integers(-9999, 9999) | said,
        lambda inner: st.lists(inner, max_size=2),
        max_leaves=3,
    ),
    max_size=2,
)
arguments = st.just("") | objects.map(lambda value: json.dumps(value, ensure_ascii=False))


def counted(high: int = 5000) -> st.SearchStrategy[int]:
    return st.integers(0, high)


usages = st.builds(Usage, counted(), counted(), counted(), counted(), counted(), counted(), counted())


@st.composite
def opaques(draw: st.DrawFn, family: str) -> Opaque:
    """A token of this family: base64 long enough to be told from anything else."""
    data = draw(st.text(_PLAIN, min_size=40, max_size=40))
    return Opaque(origin=family, kind=FAMILIES[family][0], data=data)


# --- answers --------------------------------------------------------------------------------------------------------


@st.composite
def answers(draw: st.DrawFn, family: str = "") -> Response:
    """An answer; of a family, with its tokens on it where it puts them."""
    if not family and draw(st.integers(0, 9)) == 0:
        return _response(draw, (Refusal(draw(told)),), "refusal")
    parts: list[Part] = list(draw(st.lists(_parts(), max_size=4)))
    if family:
        parts = [*_signed(draw, family), *(part for part in parts if not isinstance(part, Reasoning))]
    called = any(isinstance(part, ToolCall) for part in parts)
    finishes: tuple[Finish, ...] = ("tool", "length") if called else ("end", "length", "filter", "stop_sequence")
    return _response(draw, _told_apart(parts), draw(st.sampled_from(finishes)))


def _parts() -> st.SearchStrategy[Part]:
    calls = st.builds(ToolCall, ids, st.sampled_from(TOOLS), arguments)
    return st.builds(Text, said) | st.builds(Reasoning, said) | calls | calls


def _signed(draw: st.DrawFn, family: str) -> list[Part]:
    token = draw(opaques(family))
    match family:
        case "google":
            return [Reasoning(draw(told)), ToolCall(draw(ids), "tide", '{"harbour":"Oslo"}', opaque=token)]
        case "openai":
            return [Reasoning(draw(said), summary=True, opaque=token)]
        case _ if draw(st.booleans()):
            return [Reasoning(opaque=Opaque(family, "redacted", token.data))]
        case _:
            return [Reasoning(draw(told), opaque=token)]


def _told_apart(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The same with each call's id used once, as upstreams do but for their mistakes."""
    kept: dict[str | int, Part] = {}
    for place, part in enumerate(parts):
        kept.setdefault(part.id if isinstance(part, ToolCall) else place, part)
    return tuple(kept.values())


def _response(draw: st.DrawFn, parts: tuple[Part, ...], finish: Finish) -> Response:
    sequence = "END" if finish == "stop_sequence" else ""
    ending = Ending(finish, sequence=sequence)
    return Response("answer1", "m-upstream", parts, ending, draw(usages), created=1_763_600_000)


# --- streams --------------------------------------------------------------------------------------------------------


@st.composite
def streams(draw: st.DrawFn, family: str = "") -> tuple[Response, list[Event]]:
    """An answer and a legal way to stream it: in pieces, with parts side by side, and usage in between."""
    response = draw(answers(family))
    chance = Random(draw(st.integers(0, 10_000)))
    waiting = [_told(index, part, chance) for index, part in enumerate(response.parts)]
    passed: list[Event] = []
    open_parts: list[list[Event]] = []
    while waiting or open_parts:
        if waiting and (not open_parts or (chance.random() < 0.4 and _fits_beside(waiting[0], open_parts))):
            open_parts.append(waiting.pop(0))
            chosen = open_parts[-1]
        else:
            chosen = chance.choice(open_parts)
        passed.append(chosen.pop(0))
        open_parts = [part for part in open_parts if part]
    return response, _framed(response, passed, chance)


def _told(index: int, part: Part, chance: Random) -> list[Event]:
    match part:
        case Text(text=text) | Refusal(text=text) | Reasoning(text=text):
            opaque = None if isinstance(part, Refusal) else part.opaque
            begun: Part = type(part)() if not isinstance(part, Reasoning) else Reasoning(summary=part.summary)
            if isinstance(part, Reasoning) and opaque and opaque.kind == "redacted":
                return [PartStarted(index, part), PartEnded(index)]
        case ToolCall(arguments=text, opaque=opaque):
            begun = ToolCall(part.id, part.name, opaque=opaque)
            opaque = None
        case _:
            raise AssertionError(part)
    deltas = [PartDelta(index, piece) for piece in _pieces(text, chance)]
    return [PartStarted(index, begun), *deltas, PartEnded(index, opaque)]


def _pieces(text: str, chance: Random) -> list[str]:
    pieces = []
    while text:
        size = chance.randint(1, len(text))
        pieces.append(text[:size])
        text = text[size:]
    return pieces


def _fits_beside(next_part: list[Event], open_parts: list[list[Event]]) -> bool:
    """Calls run beside anything; two texts, or two thoughts, would only be one mixed up."""
    return isinstance(next_part[0], PartStarted) and isinstance(next_part[0].part, ToolCall)


def _framed(response: Response, passed: list[Event], chance: Random) -> list[Event]:
    usage = response.usage or Usage()
    early = UsageReported(Usage(input=usage.input, cache_read=usage.cache_read))
    if chance.random() < 0.5:
        passed.insert(0, early)
    started = ResponseStarted(response.id, response.model, response.created)
    return [started, *passed, UsageReported(usage), ResponseEnded(response.ending)]


def collect(events: list[Event]) -> Response:
    """The answer that a stream amounts to; asserts that the stream is a legal one."""
    started, *middle, ended = events
    assert isinstance(started, ResponseStarted)
    assert isinstance(ended, ResponseEnded)
    parts: dict[int, Part] = {}
    open_parts: set[int] = set()
    usage: Usage | None = None
    for event in middle:
        match event:
            case PartStarted(index=index, part=part):
                assert index not in parts
                parts[index] = part
                open_parts.add(index)
            case PartDelta(index=index, text=text):
                assert index in open_parts
                parts[index] = _longer(parts[index], text)
            case PartEnded(index=index):
                open_parts.remove(index)
                parts[index] = _signed_part(parts[index], event.opaque)
            case UsageReported():
                usage = event.usage
            case _:
                raise AssertionError(event)
    assert not open_parts
    return Response(started.id, started.model, tuple(parts.values()), ended.ending, usage, started.created)


def _longer(part: Part, text: str) -> Part:
    match part:
        case Text():
            return Text(part.text + text, part.citations, part.opaque)
        case Refusal():
            return Refusal(part.text + text)
        case Reasoning():
            return Reasoning(part.text + text, part.summary, part.opaque)
        case ToolCall():
            longer = part.arguments + text
            return ToolCall(part.id, part.name, longer, part.custom, part.namespace, part.opaque)
        case _:
            raise AssertionError(part)


def _signed_part(part: Part, opaque: Opaque | None) -> Part:
    if opaque is None:
        return part
    match part:
        case Text():
            return Text(part.text, part.citations, opaque)
        case Reasoning():
            return Reasoning(part.text, part.summary, opaque)
        case ToolCall():
            return ToolCall(part.id, part.name, part.arguments, part.custom, part.namespace, opaque)
        case _:
            raise AssertionError(part)


# --- what an answer amounts to --------------------------------------------------------------------------------------

CLASSES = {"stop_sequence": "end", "pause": "end", "context_full": "length", "refusal": "filter"}
"""Finishes that not every protocol tells apart."""


@dataclass(frozen=True)
class Gist:
    """What every protocol can say of an answer."""

    text: str
    thought: str
    calls: tuple[tuple[str, str, str], ...]
    finish: str
    taken_in: int
    from_cache: int
    given_out: int


def gist(response: Response) -> Gist:
    """The answer without what some protocols cannot say."""
    usage = response.usage or Usage()
    parts = response.parts
    calls = [part for part in parts if isinstance(part, ToolCall)]
    given_out = usage.output + usage.reasoning
    return Gist(
        text="".join(part.text for part in parts if isinstance(part, Text | Refusal)),
        thought="".join("".join(part.text for part in parts if isinstance(part, Reasoning)).split()),
        calls=tuple((call.id, call.name, json.dumps(json.loads(call.arguments or "{}"))) for call in calls),
        finish=CLASSES.get(response.ending.finish, response.ending.finish),
        taken_in=usage.total - given_out,
        from_cache=usage.cache_read,
        given_out=given_out,
    )


def same(told: Response, given: Response) -> bool:
    """Whether one amounts to the other. Where a model declined without a word, a protocol may have to find one."""
    found, wanted = gist(told), gist(given)
    if wanted.finish == "filter" and not wanted.text:
        found = replace(found, text="")
    assert found == wanted
    return True


def tokens_of(parts: tuple[Part, ...]) -> set[tuple[str, str]]:
    """The opaque tokens in these parts: who made them, and what they are."""
    held = [part.opaque for part in parts if isinstance(part, Text | Reasoning | ToolCall) and part.opaque]
    return {(token.origin, token.data) for token in held}


# --- requests -------------------------------------------------------------------------------------------------------

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"harbour": {"type": "string"}, "metres": {"type": "integer"}},
    "required": ["harbour", "metres"],
    "additionalProperties": False,
}
METADATA: tuple[dict[str, object] | None, ...] = (None, None, {"team": "tides"})
PNG = Inline("image/png", "iVBORw0KGgo=")
PDF = Inline("application/pdf", "JVBERi0xLjQ=")


@st.composite
def requests(draw: st.DrawFn, media: bool = True) -> Request:
    """A conversation with tools, images and settings, as any client may have had it."""
    names = TOOLS
    tools = tuple(FunctionTool(name, draw(said), SCHEMA, draw(st.none() | st.booleans())) for name in names)
    turns: list[Turn] = [_asks(draw, media)]
    for step in range(draw(st.integers(0, 2))):
        turns += _replies(draw, media, str(step))
    return Request(
        model="m-client",
        turns=tuple(turns),
        instructions=tuple(draw(st.lists(st.builds(Text, told), max_size=2))),
        stream=draw(st.booleans()),
        tools=tools,
        tool_choice=draw(st.none() | _choices(names)),
        parallel_calls=draw(st.sampled_from((None, None, False))),
        output=draw(st.none() | st.just(OutputFormat("schema", "tide", schema=SCHEMA, strict=True))),
        max_output=draw(st.none() | st.integers(16, 4096)),
        stop=tuple(draw(st.lists(st.sampled_from(("END", "###", "stop.")), unique=True, max_size=2))),
        temperature=draw(st.none() | st.sampled_from((0.0, 0.5, 1.0))),
        top_p=draw(st.none() | st.sampled_from((0.5, 0.95))),
        top_k=draw(st.none() | st.integers(1, 40)),
        seed=draw(st.none() | st.integers(0, 9999)),
        thinking=draw(st.none() | _thoughts()),
        user=draw(st.sampled_from(("", "user-1"))),
        cache_key=draw(st.sampled_from(("", "key-1"))),
        presence_penalty=draw(st.sampled_from((None, None, 0.5))),
        frequency_penalty=draw(st.sampled_from((None, None, -0.5))),
        logprobs=draw(st.sampled_from((None, None, None, 0, 2))),
        verbosity=draw(st.sampled_from(("", "", "low"))),
        tier=draw(st.sampled_from(("", "", "auto", "flex", "priority"))),
        store=draw(st.sampled_from((None, None, False))),
        metadata=draw(st.sampled_from(METADATA)),
    )


def _choices(names: tuple[str, ...]) -> st.SearchStrategy[ToolChoice]:
    one = st.sampled_from(names).map(lambda name: ToolChoice("required", (name,)))
    return one | st.sampled_from((ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")))


def _thoughts() -> st.SearchStrategy[Thinking]:
    efforts = st.sampled_from(("none", "minimal", "low", "medium", "high", "xhigh", "max"))
    budgets = st.sampled_from((-1, 0, 1024, 4096, 40000))
    shown = st.sampled_from((None, "summary", "full"))
    effort: st.SearchStrategy[Thinking] = st.builds(Thinking, effort=efforts, show=shown)
    return effort | st.builds(Thinking, budget=budgets, show=shown)


RULE = "A rule of the house: "
"""How texts begin that system turns hold: not every protocol has such turns."""


def _rules(draw: st.DrawFn) -> list[Turn]:
    return [Turn("system", (Text(f"{RULE}{draw(told)}"),))] if draw(st.integers(0, 5)) == 0 else []


def _asks(draw: st.DrawFn, media: bool) -> Turn:
    cache = draw(st.sampled_from((None, None, None, Cache(), Cache("5m"))))
    images: st.SearchStrategy[Part] = st.sampled_from(
        (Image(PNG), Image(Remote("https://example.org/a.png")), Document(PDF, name="a.pdf"))
    )
    more: list[Part] = draw(st.lists(images, max_size=int(media)))
    return Turn("user", (Text(draw(told), cache=cache), *more))


def _replies(draw: st.DrawFn, media: bool, step: str) -> list[Turn]:
    """What the model said, and what it was told then; no step uses an id of another."""
    own_ids = ids.map(lambda drawn: step + drawn[1:])
    calls = draw(st.lists(st.builds(ToolCall, own_ids, st.sampled_from(TOOLS), arguments), max_size=3))
    calls = [call for call in _told_apart(calls) if isinstance(call, ToolCall)]
    thought: list[Part] = draw(st.lists(st.builds(Reasoning, told), max_size=1))
    spoken: list[Part] = draw(st.lists(st.builds(Text, told), min_size=0 if calls else 1, max_size=1))
    if not calls:
        return [Turn("assistant", (*thought, *spoken)), *_rules(draw), _asks(draw, media)]
    results = tuple(
        ToolResult(call.id, _result(draw, media), name=call.name, is_error=draw(st.booleans())) for call in calls
    )
    return [Turn("assistant", (*thought, *spoken, *calls)), Turn("user", results)]


def _result(draw: st.DrawFn, media: bool) -> tuple[Part, ...]:
    image: list[Part] = draw(st.lists(st.just(Image(PNG)), max_size=int(media)))
    return (Text(draw(told)), *image)


def asked_by(protocol: Protocol, stream: bool = True) -> Request:
    """What a client of this protocol asked, wanting to see all there is."""
    included: dict[str, object] = {"include": ["reasoning.encrypted_content"]}
    return Request(
        model="m-client",
        turns=(Turn("user", (Text("When is high water?"),)),),
        stream=stream,
        tools=tuple(FunctionTool(name, schema=SCHEMA) for name in TOOLS),
        thinking=Thinking(effort="high", show="summary"),
        extensions={protocol: included} if protocol == "openai_responses" else {},
    )
