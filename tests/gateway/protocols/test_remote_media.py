"""What an upstream cannot look at itself is found wherever it stands in a request, and replaced there."""

import pytest

from gateway.canonical import Document, Image, Inline, Protocol, Remote, Request, Text, ToolResult, Turn
from gateway.protocols.dialects import dialect_for
from gateway.protocols.remote_media import Address, addresses, with_media

PICTURE = Image(Remote("https://a.test/1.png"), detail="low")
PAPER = Document(Remote("https://a.test/1.pdf"), title="T")
IMAGE, DOCUMENT = Address("image", "https://a.test/1.png"), Address("document", "https://a.test/1.pdf")
REQUEST = Request(
    model="m",
    turns=(
        Turn("user", (Text("Look:"), PICTURE, PICTURE, PAPER)),
        Turn("user", (ToolResult("call_1", (Text("Here:"), PICTURE)), Image(Inline("image/png", "UE5H")))),
    ),
)


@pytest.mark.parametrize(
    ("protocol", "dialect", "found"),
    [
        ("openai_chat", "openai", [DOCUMENT]),
        ("openai_chat", "openrouter", []),
        ("openai_chat", "mistral", [DOCUMENT]),
        ("openai_chat", "ollama", [IMAGE, DOCUMENT]),
        ("openai_responses", "openai", []),
        ("openai_responses", "standard", []),
        ("anthropic_messages", "standard", []),
        ("anthropic_messages", "deepseek", [IMAGE, DOCUMENT]),
        ("gemini", "google-compat", [IMAGE, DOCUMENT]),
        ("gemini", "vertex", []),
    ],
)
def test_what_an_upstream_cannot_look_at_is_found_once(protocol: Protocol, dialect: str, found: list[Address]) -> None:
    assert addresses(REQUEST, dialect_for(protocol, dialect)) == found


def test_it_is_replaced_everywhere_and_all_else_stays() -> None:
    media = {IMAGE: Inline("image/png", "UE5H")}
    first, second = with_media(REQUEST, media).turns
    fetched = Image(Inline("image/png", "UE5H"), detail="low")
    assert first.parts == (Text("Look:"), fetched, fetched, PAPER)
    assert second.parts[0] == ToolResult("call_1", (Text("Here:"), fetched))
    assert with_media(REQUEST, {}) is REQUEST
