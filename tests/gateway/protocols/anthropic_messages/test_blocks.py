"""Parts of a conversation as content blocks, both ways."""

from typing import Any

import pytest
from messages import CALL, CLONE, PNG, RESULT, asked, assistant, body_of, decoded, lost, text, thoughts, user

from gateway.canonical import (
    Audio,
    Cache,
    Document,
    Image,
    Inline,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Remote,
    Stored,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    Video,
)
from gateway.errors import BadRequest
from gateway.protocols.capsules import seal
from gateway.protocols.translation import Dialect


def test_blocks_become_parts_in_their_order() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
    request = decoded(
        user(text("What?"), {"type": "image", "source": PNG}),
        assistant(thought, text("Looking."), CALL),
        user({**RESULT, "is_error": True}, text("And?", cache_control={"type": "ephemeral", "ttl": "1h"})),
    )
    assert request.turns[0].parts == (Text("What?"), Image(Inline("image/png", "iVBORw0KGgo=")))
    reasoning = Reasoning("Hm.", opaque=Opaque("anthropic", "signature", "sig"))
    assert request.turns[1].parts == (reasoning, Text("Looking."), ToolCall("toolu_1", "look", '{"at":"it"}'))
    result = ToolResult("toolu_1", (Text("seen"),), name="look", is_error=True)
    assert request.turns[2].parts == (result, Text("And?", cache=Cache("1h")))


def test_documents_become_documents_whatever_their_source() -> None:
    sources: list[dict[str, Any]] = [
        {"type": "text", "media_type": "text/plain", "data": "é"},
        {"type": "content", "content": [text("a"), text("b")]},
        {"type": "url", "url": "https://a.example/x.pdf"},
        {"type": "file", "file_id": "file_1"},
    ]
    request = decoded(user(*({"type": "document", "source": source, "title": "T"} for source in sources)))
    found = [part.source for part in request.turns[0].parts if isinstance(part, Document)]
    assert found == [
        Inline("text/plain", "w6k="),
        Inline("text/plain", "YQoKYg=="),
        Remote("https://a.example/x.pdf"),
        Stored("anthropic_messages", "file_1"),
    ]
    assert [block["source"] for block in body_of(request)["messages"][0]["content"]] == sources


def test_what_nobody_else_can_say_stays_native_and_comes_back() -> None:
    search = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}, "caller": {"type": "direct"}}
    request = decoded(user("Hi."), assistant(search, text("Yes.", citations=[{"type": "char_location"}])), user("And?"))
    assert request.turns[1].parts[0] == Native("anthropic_messages", "server_tool_use", search)
    assert body_of(request)["messages"][1]["content"][0] == search
    assert body_of(request)["messages"][1]["content"][1]["citations"] == [{"type": "char_location"}]
    assert lost(request, CLONE) == {"turns[1].parts[0]"}


def test_a_token_of_another_family_comes_out_of_its_capsule() -> None:
    token = Opaque("openai", "encrypted", "xyz", "acct")
    blocks = [{"type": "thinking", "thinking": "Hm.", "signature": seal(token)}, text("Yes.")]
    assert decoded(user("Hi."), assistant(*blocks), user("And?")).turns[1].parts[0] == Reasoning("Hm.", opaque=token)


def test_a_token_beside_a_call_is_the_calls_own() -> None:
    marker = {"type": "thinking", "thinking": "", "signature": seal(Opaque("google", "next thought_signature", "abc"))}
    request = decoded(user("Hi."), assistant(marker, CALL), user(RESULT))
    opaque = Opaque("google", "thought_signature", "abc")
    assert request.turns[1].parts == (ToolCall("toolu_1", "look", '{"at":"it"}', opaque=opaque),)


def test_empty_texts_and_empty_answers_are_left_out() -> None:
    request = decoded(user(text(""), text("Hi.")), assistant(""), user("Well?"), system=[text("")])
    assert [turn.parts for turn in request.turns] == [(Text("Hi."),), (Text("Well?"),)]
    assert request.instructions == ()


def test_arguments_that_are_no_object_are_kept_in_one_and_that_is_told() -> None:
    turns = (
        Turn("user", (Text("Hi."),)),
        Turn("assistant", (ToolCall("a", "look", "[1]"), ToolCall("b", "patch", "free text", custom=True))),
        Turn("user", (ToolResult("a"), ToolResult("b"))),
    )
    calls = body_of(asked(*turns))["messages"][1]["content"]
    assert [call["input"] for call in calls] == [{"_raw": "[1]"}, {"input": "free text"}]
    assert lost(asked(*turns)) == {"turns[1].parts[0].arguments"}


def content(part: Part, **facts: Any) -> Any:
    return body_of(asked(Turn("user", (part,))), **facts)["messages"][0]["content"][0]


def test_media_are_written_as_messages_has_them() -> None:
    assert content(Image(Inline("image/png", "iVBORw0KGgo="), detail="low")) == {"type": "image", "source": PNG}
    assert content(Image(Remote("https://a.example/b.png")))["source"] == {
        "type": "url",
        "url": "https://a.example/b.png",
    }
    pdf = content(Document(Inline("application/pdf", "JVBERg=="), name="a.pdf", cited=True))
    assert (pdf["source"]["media_type"], pdf["title"], pdf["citations"]) == (
        "application/pdf",
        "a.pdf",
        {"enabled": True},
    )
    assert content(Document(Inline("text/csv", "YSxi")))["source"] == {
        "type": "text",
        "media_type": "text/plain",
        "data": "a,b",
    }
    assert content(Refusal("No.")) == text("No.")


@pytest.mark.parametrize(
    "part",
    [
        Audio(Inline("audio/wav", "UklGRg==")),
        Video(Remote("https://a.example/b.mp4")),
        Image(Inline("image/tiff", "SUkqAA==")),
        Image(Remote("http://a.example/b.png")),
        Image(Stored("gemini", "files/1")),
        Document(Inline("application/zip", "UEsDBA==")),
    ],
)
def test_media_that_the_model_does_not_take_are_refused(part: Part) -> None:
    with pytest.raises(BadRequest) as refused:
        content(part)
    assert refused.value.param == "turns[0].parts[0]"


def test_media_that_a_model_made_stand_as_a_word_in_its_answer() -> None:
    request = asked(
        Turn("user", (Text("Draw."),)),
        Turn("assistant", (Image(Inline("image/png", "aa==")),)),
        Turn("user", (Text("More."),)),
    )
    assert body_of(request)["messages"][1] == assistant(text("[image]"))
    assert lost(request) == {"turns[1].parts[0]"}


def test_thoughts_go_back_to_their_family_alone() -> None:
    own = thoughts(
        Reasoning("Hm.", opaque=Opaque("anthropic", "signature", "s")),
        Reasoning(opaque=Opaque("anthropic", "redacted", "r")),
    )
    written = body_of(own)["messages"][1]["content"]
    assert written[:2] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "r"},
    ]
    for foreign in (Reasoning("Hm.", opaque=Opaque("openai", "encrypted", "e")), Reasoning("Hm.")):
        assert [block["type"] for block in body_of(thoughts(foreign))["messages"][1]["content"]] == ["tool_use"]
        assert lost(thoughts(foreign)) == {"part.reasoning", "thinking"}


def test_unsigned_thoughts_go_to_those_that_want_them_echoed() -> None:
    echoing = Dialect("mimo", echo_reasoning="required", keeps_unknown=False)
    written = body_of(thoughts(Reasoning("Hm.")), echoing)["messages"][1]["content"]
    assert written[0] == {"type": "thinking", "thinking": "Hm.", "signature": ""}


def test_places_to_cache_are_kept_up_to_four_the_last_ones_first() -> None:
    turns = (Turn("user", tuple(Text(word, cache=Cache("1h")) for word in "abcd")),)
    request = asked(*turns, instructions=(Text("Be kind.", cache=Cache()),))
    body = body_of(request)
    assert body["system"] == [text("Be kind.")]
    marks = [block["cache_control"] for block in body["messages"][0]["content"]]
    assert marks == [{"type": "ephemeral", "ttl": "1h"}] * 4
    assert body_of(request, CLONE)["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}


def test_a_results_pictures_stay_within_it() -> None:
    result = ToolResult("a", (Text("See."), Image(Inline("image/png", "iVBORw0KGgo="))))
    request = asked(Turn("user", (Text("Hi."),)), Turn("assistant", (ToolCall("a", "look"),)), Turn("user", (result,)))
    written = body_of(request)["messages"][2]["content"][0]["content"]
    assert [block["type"] for block in written] == ["text", "image"]
