"""What holds for every protocol's translation and for every pair of them, whatever is said.

A protocol that gets a translation is found here by itself; what it needs besides is its grammar, its strict upstream
and its clients' echo in `tests/support`.
"""

import json
import re
from importlib import import_module
from importlib.util import find_spec

import pytest
from conversations import (
    RULE,
    SCHEMA,
    TOOLS,
    answers,
    asked_by,
    collect,
    gist,
    requests,
    said,
    same,
    streams,
    tokens_of,
)
from echoes import call_for, declared_in, echo, ids_in, names_in
from grammars import GRAMMARS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace
from strict_checks import check

from gateway.canonical import (
    PROTOCOLS,
    CustomTool,
    Ending,
    Event,
    FunctionTool,
    Protocol,
    Request,
    Response,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    UsageReported,
)
from gateway.errors import GatewayError, Unavailable
from gateway.protocols.client_calls import ClientCalls
from gateway.protocols.dialects import DIALECTS
from gateway.protocols.ids import CALL_IDS, TOOL_NAMES
from gateway.protocols.registry import codec_for
from gateway.protocols.translation import Dialect, ModelFacts, Target, Translation

TRANSLATIONS: dict[Protocol, Translation] = {
    protocol: import_module(name).TRANSLATION
    for protocol in PROTOCOLS
    if find_spec(name := f"gateway.protocols.{protocol}.translation")
}
FAMILIES: dict[Protocol, str] = {
    "openai_chat": "openai",
    "openai_responses": "openai",
    "anthropic_messages": "anthropic",
    "gemini": "google",
}
FACTS: dict[Protocol, ModelFacts] = {
    "openai_chat": ModelFacts(family="openai", max_output=16384),
    "openai_responses": ModelFacts(family="openai", max_output=128000),
    "anthropic_messages": ModelFacts(family="anthropic", max_output=64000, thinking_style="budget"),
    "gemini": ModelFacts(
        family="google", max_output=65536, thinking_style="level", efforts=("minimal", "low", "medium", "high")
    ),
}
BRIEF = settings.get_current_profile_name() != "laws"

every_protocol = pytest.mark.parametrize("protocol", TRANSLATIONS)
every_pair = pytest.mark.parametrize(
    ("client", "upstream"), [(c, u) for c in TRANSLATIONS for u in TRANSLATIONS], ids=lambda name: name
)


def examples(brief: int) -> settings:
    """500 with `--hypothesis-profile laws`; otherwise fewer, and the same each time."""
    unhurried = [HealthCheck.too_slow, HealthCheck.data_too_large]
    number = brief if BRIEF else 500
    return settings(max_examples=number, deadline=None, derandomize=BRIEF, suppress_health_check=unhurried)


law = examples(50)
law_of_pairs = examples(10)
"""Each runs sixteen times."""
law_of_dialects = examples(4)
"""Each runs for every row of the table."""


def target_of(protocol: Protocol) -> Target:
    return Target("m-target", facts=FACTS[protocol])


def read(protocol: Protocol, chunks: list[bytes]) -> list[Event]:
    """The events that an upstream's stream amounts to."""
    framing = codec_for(protocol, {"alt": "sse"}).new_framing(call_for(protocol, {}, alt="sse"))
    decoder = TRANSLATIONS[protocol].new_decoder()
    events: list[Event] = []
    for chunk in chunks:
        for payload in framing.payloads(framing.feed(chunk)):
            events += decoder.feed(payload)
    return events + decoder.end()


def write(protocol: Protocol, events: list[Event]) -> bytes:
    """These events as a client of this protocol gets them."""
    encoder = TRANSLATIONS[protocol].new_encoder(asked_by(protocol))
    return b"".join(encoder.encode(event) for event in events)


def whole(protocol: Protocol, response: Response) -> bytes:
    return TRANSLATIONS[protocol].encode_response(response, asked_by(protocol, stream=False))


# --- requests -------------------------------------------------------------------------------------------------------


@every_protocol
@law
@given(request=requests())
def test_what_a_protocol_can_say_of_a_request_survives_it(protocol: Protocol, request: Request) -> None:
    translation = TRANSLATIONS[protocol]
    asked = without_refused(request, translation)
    encoded = translation.encode_request(asked, target_of(protocol))
    back = translation.decode_request(encoded.call)
    lost = {loss.field.partition("[")[0].partition(".")[0] for loss in encoded.losses}
    for field, fate in translation.fates.items():
        if fate == "exact" and field in EXACT and field not in lost:
            assert getattr(back, field) == getattr(asked, field), field
    assert spoken(back) == spoken(asked)
    assert declared(back) == declared(asked)


EXACT = ("parallel_calls", "max_output", "stop", "seed", "temperature", "top_p", "top_k", "user", "tool_choice")


def without_refused(request: Request, translation: Translation) -> Request:
    defaults = asdict(Request(model="", turns=()))
    return replace(
        request, **{f: defaults[f] for f, fate in translation.fates.items() if fate == "refused" and f in defaults}
    )


def declared(request: Request) -> list[str]:
    return [tool.name for tool in request.tools if isinstance(tool, FunctionTool)]


def spoken(request: Request, ids: bool = True) -> list[tuple[str, ...]]:
    """Who said which texts, called what and was told what, in order; with the ids of calls, or without."""
    told: list[tuple[str, ...]] = []
    for turn in request.turns:
        for part in turn.parts:
            match part:
                case Text(text=text) if RULE not in text:
                    told.append((turn.role, "text", text))
                case ToolCall():
                    written = json.dumps(json.loads(part.arguments or "{}"))
                    told.append((turn.role, "call", part.id if ids else "", part.name, written))
                case ToolResult():
                    told.append((turn.role, "result", part.call_id if ids else ""))
    return told


@every_protocol
@law
@given(request=requests())
def test_no_provider_refuses_what_was_written_for_it(protocol: Protocol, request: Request) -> None:
    translation = TRANSLATIONS[protocol]
    asked = without_refused(request, translation)
    check(protocol, translation.encode_request(asked, target_of(protocol)).call.body)


@every_pair
@law_of_pairs
@given(request=requests())
def test_a_request_of_any_client_is_written_for_any_target(
    client: Protocol, upstream: Protocol, request: Request
) -> None:
    theirs, ours = TRANSLATIONS[client], TRANSLATIONS[upstream]
    arrived = theirs.decode_request(theirs.encode_request(without_refused(request, theirs), target_of(client)).call)
    encoded = ours.encode_request(without_refused(arrived, ours), target_of(upstream))
    check(upstream, encoded.call.body)


@every_pair
@law_of_pairs
@given(request=requests())
def test_the_same_request_is_written_in_the_same_bytes(client: Protocol, upstream: Protocol, request: Request) -> None:
    ours = TRANSLATIONS[upstream]
    asked = without_refused(request, ours)
    assert ours.encode_request(asked, target_of(upstream)) == ours.encode_request(asked, target_of(upstream))


odd_names = st.text(st.sampled_from("aZ09_-.:/ é$"), min_size=1, max_size=80)
odd_ids = st.text(st.sampled_from("aZ09_-.:|/+="), min_size=1, max_size=90)


@every_protocol
@law
@given(names=st.lists(odd_names, min_size=1, max_size=4, unique=True), ids=st.lists(odd_ids, min_size=4, max_size=4))
def test_names_and_ids_are_within_the_targets_limits_and_lead_back(
    protocol: Protocol, names: list[str], ids: list[str]
) -> None:
    calls = [ToolCall(call_id, name, "{}") for name, call_id in zip(names, dict.fromkeys(ids), strict=False)]
    results = tuple(ToolResult(call.id, (Text("3 m"),), call.name) for call in calls)
    turns = (Turn("user", (Text("hi"),)), Turn("assistant", tuple(calls)), Turn("user", results))
    request = Request("m", turns, tools=tuple(FunctionTool(name, schema=SCHEMA) for name in names))
    encoded = TRANSLATIONS[protocol].encode_request(request, target_of(protocol))
    assert encoded == TRANSLATIONS[protocol].encode_request(request, target_of(protocol))
    written = names_in(protocol, encoded.call.body)
    assert all(re.fullmatch(TOOL_NAMES[protocol], name) for name in written)
    assert {encoded.names.get(name, name) for name in written} == set(names)
    assert all(re.fullmatch(CALL_IDS[protocol], each) for each in ids_in(protocol, encoded.call.body))
    check(protocol, encoded.call.body)


@every_protocol
@law
@given(written=st.sampled_from((*TOOLS, "a b", "x" * 90)), text=said)
def test_a_call_comes_back_under_the_name_and_of_the_kind_the_client_gave(
    protocol: Protocol, written: str, text: str
) -> None:
    tools = (FunctionTool(written, namespace="harbours", schema=SCHEMA), CustomTool("patch"), FunctionTool("plain"))
    request = Request("m", (Turn("user", (Text("hi"),)),), tools=tools)
    encoded = TRANSLATIONS[protocol].encode_request(request, target_of(protocol))
    check(protocol, encoded.call.body)
    wrapped = json.dumps({"input": text})
    declared = enumerate(sorted(declared_in(encoded.call.body)))
    called = [ToolCall(f"id{n}", name, wrapped, namespace=namespace) for n, (namespace, name) in declared]
    answer = Response("r", "m", tuple(called), Ending("tool"))
    given_back = {
        call for call in ClientCalls(request, encoded.names).response(answer).parts if isinstance(call, ToolCall)
    }
    assert {(call.namespace, call.name, call.custom, call.arguments) for call in given_back} == {
        ("harbours", written, False, wrapped),
        ("", "patch", True, text),
        ("", "plain", False, wrapped),
    }


@pytest.mark.parametrize(
    ("protocol", "dialect"),
    [(p, d) for p, rows in DIALECTS.items() if p in TRANSLATIONS for d in rows.values()],
    ids=lambda row: getattr(row, "name", row),
)
@law_of_dialects
@given(request=requests(media=False))
def test_every_dialect_is_told_the_same_in_its_own_way(protocol: Protocol, dialect: Dialect, request: Request) -> None:
    translation = TRANSLATIONS[protocol]
    asked = without_refused(request, translation)
    encoded = translation.encode_request(asked, Target("m-target", dialect))
    back = translation.decode_request(encoded.call)
    assert spoken(back, ids=False) == spoken(asked, ids=False)
    pattern = dialect.call_id_pattern or CALL_IDS[protocol]
    assert all(re.fullmatch(pattern, each) for each in ids_in(protocol, encoded.call.body))


# --- answers --------------------------------------------------------------------------------------------------------


@every_protocol
@law
@given(response=answers())
def test_an_answer_survives_being_written_and_read(protocol: Protocol, response: Response) -> None:
    assert same(TRANSLATIONS[protocol].decode_response(whole(protocol, response)), response)


@every_protocol
@law
@given(streamed=streams())
def test_a_stream_amounts_to_the_answer_it_carries(protocol: Protocol, streamed: tuple[Response, list[Event]]) -> None:
    response, events = streamed
    assert same(collect(read(protocol, [write(protocol, events)])), response)


@every_pair
@law_of_pairs
@given(streamed=streams())
def test_any_upstream_can_answer_any_client(
    client: Protocol, upstream: Protocol, streamed: tuple[Response, list[Event]]
) -> None:
    response, events = streamed
    passed = read(upstream, [write(upstream, events)])
    stream = write(client, passed)
    GRAMMARS[client](stream, False)
    assert same(collect(read(client, [stream])), response)


@every_protocol
@law
@given(streamed=streams())
def test_an_answer_is_the_same_whole_and_streamed(protocol: Protocol, streamed: tuple[Response, list[Event]]) -> None:
    response, events = streamed
    once = TRANSLATIONS[protocol].decode_response(whole(protocol, response))
    assert gist(once) == gist(collect(read(protocol, [write(protocol, events)])))


@every_protocol
@law
@given(streamed=streams(), cuts=st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_where_the_network_cuts_does_not_matter(
    protocol: Protocol, streamed: tuple[Response, list[Event]], cuts: list[int]
) -> None:
    stream = write(protocol, streamed[1])
    chunks, rest = [], stream
    for cut in cuts:
        chunks.append(rest[:cut])
        rest = rest[cut:]
    assert read(protocol, [*chunks, rest]) == read(protocol, [stream])


@every_protocol
@law
@given(streamed=streams(), share=st.floats(0, 1))
def test_every_part_that_was_begun_ends_also_when_the_answer_fails(
    protocol: Protocol, streamed: tuple[Response, list[Event]], share: float
) -> None:
    events = streamed[1][:-1]
    encoder = TRANSLATIONS[protocol].new_encoder(asked_by(protocol))
    begun = b"".join(encoder.encode(event) for event in events[: int(share * len(events))])
    stream = begun + encoder.fail(Unavailable("All busy."), "req_1")
    GRAMMARS[protocol](stream, True)
    with pytest.raises(GatewayError, match="All busy"):
        read(protocol, [stream])


@every_protocol
@law
@given(streamed=streams(), share=st.floats(0, 0.99))
def test_a_stream_that_breaks_off_never_looks_finished(
    protocol: Protocol, streamed: tuple[Response, list[Event]], share: float
) -> None:
    events = streamed[1][:-1]
    stream = write(protocol, events[: int(share * len(events))])
    with pytest.raises(GatewayError):
        read(protocol, [stream])


@every_protocol
@law
@given(streamed=streams())
def test_usage_adds_up_and_never_shrinks(protocol: Protocol, streamed: tuple[Response, list[Event]]) -> None:
    response, events = streamed
    reports = [e.usage for e in read(protocol, [write(protocol, events)]) if isinstance(e, UsageReported)]
    totals = [usage.total for usage in reports]
    assert totals == sorted(totals)
    assert response.usage is not None
    assert totals[-1] == response.usage.total


@every_protocol
@law
@given(streamed=streams())
def test_the_same_stream_is_written_in_the_same_bytes(
    protocol: Protocol, streamed: tuple[Response, list[Event]]
) -> None:
    assert write(protocol, streamed[1]) == write(protocol, streamed[1])


# --- opaque tokens --------------------------------------------------------------------------------------------------


@every_protocol
@pytest.mark.parametrize("family", ["anthropic", "openai", "google"])
@law
@given(data=st.data())
def test_a_token_that_a_client_sends_back_is_whole_again(protocol: Protocol, family: str, data: st.DataObject) -> None:
    response = data.draw(answers(family))
    given_back = TRANSLATIONS[protocol].decode_request(echo(protocol, whole(protocol, response)))
    held = tokens_of(tuple(part for turn in given_back.turns for part in turn.parts))
    assert held == tokens_of(response.parts)


@every_pair
@pytest.mark.parametrize("family", ["anthropic", "openai", "google"])
@law_of_pairs
@given(data=st.data())
def test_a_token_reaches_its_own_family_and_no_other(
    client: Protocol, upstream: Protocol, family: str, data: st.DataObject
) -> None:
    response = data.draw(answers(family))
    given_back = TRANSLATIONS[client].decode_request(echo(client, whole(client, response)))
    token = next(data for _, data in tokens_of(response.parts))
    sent = TRANSLATIONS[upstream].encode_request(given_back, target_of(upstream)).call.body
    assert (token.encode() in sent) == (family == FAMILIES[upstream] and upstream in CARRIERS[family])


CARRIERS: dict[str, tuple[Protocol, ...]] = {
    "anthropic": ("anthropic_messages",),
    "openai": ("openai_responses",),
    "google": ("gemini",),
}
"""The protocols in which a family takes its tokens back."""
