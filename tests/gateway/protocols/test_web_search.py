"""A search of the web that one provider runs, asked for in another's words: where a route lets it, and its answer."""

import json
from typing import Any

import pytest
from grammars import GRAMMARS

from gateway.canonical import (
    PROTOCOLS,
    Citation,
    Ending,
    Event,
    FunctionTool,
    Location,
    Native,
    PartEnded,
    PartStarted,
    Protocol,
    Request,
    Response,
    ResponseEnded,
    ResponseStarted,
    Searched,
    ServerTool,
    Text,
    ToolChoice,
    Turn,
    Usage,
    UsageReported,
    WebSearch,
)
from gateway.errors import BadRequest
from gateway.protocols.codec import Call
from gateway.protocols.dialects import dialect_for
from gateway.protocols.registry import TRANSLATIONS, codec_for
from gateway.protocols.translation import Encoded, Target

HELLO = (Turn("user", (Text("Tides?"),)),)
LONDON: dict[str, Any] = {"type": "approximate", "city": "London", "country": "GB"}
FULL = WebSearch(("a.example",), ("b.example",), 3, Location(city="London", country="GB"), "low", ("odd",))
OPTIONS = ("allowed_domains", "blocked_domains", "max_uses", "location", "context_size")
PATHS = {"gemini": "models/m:generateContent"}
CHAT_OPTIONS = {
    "search_context_size": "low",
    "user_location": {"type": "approximate", "approximate": {"city": "London", "country": "GB"}},
}


def asked(search: WebSearch | None = FULL, **members: Any) -> Request:
    """A request of a client whose protocol is none of those that are written."""
    tool = ServerTool("web_search", "nobody", {}, search)  # type: ignore[arg-type]
    return Request(model="m", turns=HELLO, **{"tools": (tool,)} | members)


def encode(protocol: Protocol, request: Request, dialect: str = "standard", switch: bool = True) -> Encoded:
    target = Target("m-target", dialect_for(protocol, dialect), web_search=switch)
    return TRANSLATIONS[protocol].encode_request(request, target)


def written(protocol: Protocol, request: Request, dialect: str = "standard") -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encode(protocol, request, dialect).call.body)
    return body


# requests


@pytest.mark.parametrize(
    ("protocol", "members", "search"),
    [
        (
            "openai_responses",
            {
                "input": "Tides?",
                "tools": [
                    {
                        "type": "web_search",
                        "filters": {"allowed_domains": ["a.example"]},
                        "user_location": LONDON,
                        "search_context_size": "low",
                        "external_web_access": True,
                        "search_content_types": ["text"],
                    }
                ],
            },
            WebSearch(("a.example",), (), None, FULL.location, "low", ("search_content_types",)),
        ),
        ("openai_responses", {"input": "Tides?", "tools": [{"type": "web_search_preview"}]}, WebSearch()),
        (
            "openai_chat",
            {"messages": [{"role": "user", "content": "Tides?"}], "web_search_options": CHAT_OPTIONS},
            WebSearch((), (), None, FULL.location, "low"),
        ),
        (
            "anthropic_messages",
            {
                "messages": [{"role": "user", "content": "Tides?"}],
                "tools": [
                    {
                        "type": "web_search_20260209",
                        "name": "web_search",
                        "blocked_domains": ["b.example"],
                        "max_uses": 3,
                        "user_location": LONDON,
                    }
                ],
            },
            WebSearch((), ("b.example",), 3, FULL.location),
        ),
        (
            "gemini",
            {
                "contents": [{"parts": [{"text": "Tides?"}]}],
                "tools": [{"google_search": {"exclude_domains": ["b.example"]}}],
            },
            WebSearch((), ("b.example",)),
        ),
    ],
)
def test_every_protocols_search_is_read_with_its_options(
    protocol: Protocol, members: dict[str, Any], search: WebSearch
) -> None:
    call = Call("POST", PATHS.get(protocol, ""), {}, {}, json.dumps({"model": "m"} | members).encode())
    request = TRANSLATIONS[protocol].decode_request(call)
    assert [tool.search for tool in request.tools if isinstance(tool, ServerTool)] == [search]
    again = json.loads(encode(protocol, request).call.body)
    assert again.get("tools") == members.get("tools") or protocol == "gemini"
    assert again.get("web_search_options") == members.get("web_search_options")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_search_is_refused_where_it_is_not_switched_on_and_the_refusal_says_how(protocol: Protocol) -> None:
    with pytest.raises(BadRequest, match="console route edit ROUTE --web-search") as refused:
        encode(protocol, asked(), switch=False)
    assert (refused.value.code, refused.value.param) == ("unsupported_tool", "tools[0]")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_other_tools_that_a_provider_runs_are_refused_in_any_case(protocol: Protocol) -> None:
    with pytest.raises(BadRequest, match="another provider runs itself"):
        encode(protocol, asked(search=None))


@pytest.mark.parametrize(
    ("protocol", "dialect"),
    [("openai_chat", "mistral"), ("openai_chat", "deepseek"), ("anthropic_messages", "zai")],
)
def test_an_upstream_that_does_not_search_is_not_told_to(protocol: Protocol, dialect: str) -> None:
    with pytest.raises(BadRequest, match="does not run"):
        encode(protocol, asked(), dialect)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_option_is_said_or_told_as_its_fate_says(protocol: Protocol) -> None:
    lost = {loss.field.removeprefix("tools[0].") for loss in encode(protocol, asked()).losses}
    fates = TRANSLATIONS[protocol].fates
    warned = {option for option in OPTIONS if fates[f"search.{option}"] == "warned"}
    # a search is kept to domains or away from others, not both
    assert lost - {"blocked_domains"} == (warned | {"odd"}) - {"blocked_domains"}
    assert "odd" in lost


def test_responses_search_is_written() -> None:
    body = written("openai_responses", asked())
    assert body["tools"] == [
        {
            "type": "web_search",
            "filters": {"allowed_domains": ["a.example"]},
            "user_location": LONDON,
            "search_context_size": "low",
        }
    ]
    assert body["max_tool_calls"] == 3
    assert "web_search_call.action.sources" in body["include"]


def test_anthropics_search_is_written() -> None:
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "user_location": LONDON}
    assert written("anthropic_messages", asked())["tools"] == [tool | {"allowed_domains": ["a.example"]}]
    blocked = asked(WebSearch(blocked_domains=("b.example",)))
    assert written("anthropic_messages", blocked)["tools"][0]["blocked_domains"] == ["b.example"]


def test_chats_search_is_written_in_the_way_of_the_upstream() -> None:
    assert written("openai_chat", asked())["web_search_options"] == CHAT_OPTIONS
    assert "tools" not in written("openai_chat", asked(parallel_calls=False, tool_choice=ToolChoice("auto")))
    assert written("openai_chat", asked(), "qwen")["enable_search"] is True
    (tool,) = written("openai_chat", asked(), "openrouter")["tools"]
    assert tool["parameters"] == {
        "search_context_size": "low",
        "allowed_domains": ["a.example"],
        "excluded_domains": ["b.example"],
        "max_uses": 3,
        "user_location": LONDON,
    }


def test_googles_search_is_written_and_beside_functions_is_told_of() -> None:
    assert written("gemini", asked())["tools"] == [{"googleSearch": {}}]
    both = asked(tools=(*asked().tools, FunctionTool("look")), tool_choice=ToolChoice("auto"))
    config = written("gemini", both)["toolConfig"]
    assert config == {"functionCallingConfig": {"mode": "VALIDATED"}, "includeServerSideToolInvocations": True}
    assert "includeServerSideToolInvocations" not in written("gemini", both, "vertex")["toolConfig"]


@pytest.mark.parametrize(
    ("protocol", "choice"),
    [
        ("openai_responses", {"type": "web_search"}),
        ("anthropic_messages", {"type": "tool", "name": "web_search"}),
        ("openai_chat", None),
        ("gemini", None),
    ],
)
def test_a_search_is_demanded_where_it_can_be(protocol: Protocol, choice: Any) -> None:
    demanded = asked(WebSearch(), tool_choice=ToolChoice("required", ("web_search",)))
    assert written(protocol, demanded).get("tool_choice") == choice
    assert ("tool_choice" in [loss.field for loss in encode(protocol, demanded).losses]) == (choice is None)


# answers

FOUND = (Citation("https://a.example/tides", "Tides"),)
SAID = Text("High at six.", (Citation("https://a.example/tides", "Tides", "", 0, 12),))
ANSWERS: dict[Protocol, Any] = {
    "openai_responses": {
        "id": "resp_1",
        "status": "completed",
        "output": [
            {
                "type": "web_search_call",
                "id": "ws_1",
                "status": "completed",
                "action": {
                    "type": "search",
                    "query": "tides",
                    "sources": [{"type": "url", "url": "https://a.example/tides"}],
                },
            },
            {
                "type": "message",
                "content": [
                    {
                        "type": "output_text",
                        "text": SAID.text,
                        "annotations": [
                            {
                                "type": "url_citation",
                                "url": "https://a.example/tides",
                                "title": "Tides",
                                "start_index": 0,
                                "end_index": 12,
                            }
                        ],
                    }
                ],
            },
        ],
    },
    "anthropic_messages": {
        "id": "msg_1",
        "stop_reason": "end_turn",
        "content": [
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "tides"}},
            {
                "type": "web_search_tool_result",
                "tool_use_id": "srvtoolu_1",
                "content": [
                    {
                        "type": "web_search_result",
                        "url": "https://a.example/tides",
                        "title": "Tides",
                        "encrypted_content": "EqgfCioIARgB",
                    }
                ],
            },
            {
                "type": "text",
                "text": SAID.text,
                "citations": [
                    {
                        "type": "web_search_result_location",
                        "url": "https://a.example/tides",
                        "title": "Tides",
                        "encrypted_index": "Eo8BCioIAhgB",
                        "cited_text": "",
                    }
                ],
            },
        ],
    },
    "gemini": {
        "responseId": "g1",
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": SAID.text}]},
                "finishReason": "STOP",
                "groundingMetadata": {
                    "webSearchQueries": ["tides"],
                    "groundingChunks": [{"web": {"uri": "https://a.example/tides", "title": "Tides"}}],
                    "groundingSupports": [{"segment": {"endIndex": 12}, "groundingChunkIndices": [0]}],
                },
            }
        ],
    },
}
"""What a search's answer looks like where it is told; Chat tells the citations alone."""
SEARCHERS = tuple(ANSWERS)


def answer_of(protocol: Protocol) -> Response:
    return TRANSLATIONS[protocol].decode_response(json.dumps(ANSWERS[protocol]).encode())


def searched(response: Response) -> list[Searched]:
    return [part.searched for part in response.parts if isinstance(part, Native) and part.searched]


def cited(response: Response) -> list[tuple[str, str, int | None, int | None]]:
    texts = (part for part in response.parts if isinstance(part, Text))
    return [(one.url, one.title, one.start, one.end) for text in texts for one in text.citations]


def client_of(protocol: Protocol) -> Request:
    include = {"include": ["web_search_call.action.sources"]}
    return Request(model="m", turns=HELLO, extensions={protocol: include if protocol == "openai_responses" else {}})


@pytest.mark.parametrize("protocol", SEARCHERS)
def test_what_was_searched_for_and_found_is_read(protocol: Protocol) -> None:
    (found,) = searched(answer_of(protocol))
    assert found.queries == ("tides",)
    assert [source.url for source in found.sources] == ["https://a.example/tides"]


@pytest.mark.parametrize("upstream", SEARCHERS)
@pytest.mark.parametrize("client", PROTOCOLS)
def test_a_search_and_its_citations_come_through_every_pair(client: Protocol, upstream: Protocol) -> None:
    answer = answer_of(upstream)
    told = TRANSLATIONS[client].decode_response(TRANSLATIONS[client].encode_response(answer, client_of(client)))
    assert cited(told) == [("https://a.example/tides", "Tides", 0, 12)]
    assert [one.queries for one in searched(told)] == ([] if client == "openai_chat" else [("tides",)])
    assert all(one.sources[0].url == "https://a.example/tides" for one in searched(told))


@pytest.mark.parametrize("upstream", SEARCHERS)
@pytest.mark.parametrize("client", PROTOCOLS)
def test_a_stream_tells_of_a_search_as_a_whole_answer_does(client: Protocol, upstream: Protocol) -> None:
    answer = answer_of(upstream)
    encoder = TRANSLATIONS[client].new_encoder(client_of(client))
    stream = b"".join(encoder.encode(event) for event in events_of(answer))
    GRAMMARS[client](stream, False)
    query = {"alt": "sse"} if client == "gemini" else {}
    framing = codec_for(client, query).new_framing(Call("POST", "models/m:streamGenerateContent", query, {}, b""))
    decoder = TRANSLATIONS[client].new_decoder()
    events = [event for payload in framing.payloads(framing.feed(stream)) for event in decoder.feed(payload)]
    parts = [event.part for event in [*events, *decoder.end()] if isinstance(event, PartStarted)]
    found = searched(Response("", "", tuple(parts), Ending("end")))
    assert [one.queries for one in found] == ([] if client == "openai_chat" else [("tides",)])


def events_of(answer: Response) -> list[Event]:
    parts = [event for index, part in enumerate(answer.parts) for event in (PartStarted(index, part), PartEnded(index))]
    return [ResponseStarted(answer.id, "m"), *parts, UsageReported(Usage(input=9)), ResponseEnded(Ending("end"))]
