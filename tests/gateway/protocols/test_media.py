"""Media as clients spell it: alphabets, padding, data URLs, media types."""

import base64

import pytest

from gateway.canonical import Inline, Remote
from gateway.errors import BadRequest
from gateway.protocols.media import data_url, read_base64, read_media_type, read_text, read_url, write_text

DATA = bytes(range(250, 256)) + b"\xfb\xff"
STANDARD = base64.b64encode(DATA).decode()


@pytest.mark.parametrize(
    "text",
    [STANDARD, STANDARD.rstrip("="), base64.urlsafe_b64encode(DATA).decode(), f" {STANDARD[:4]}\n{STANDARD[4:]}\r\n"],
)
def test_base64_in_any_spelling_becomes_standard_and_padded(text: str) -> None:
    assert read_base64(text, "data") == STANDARD


@pytest.mark.parametrize("text", ["no base64!", "a", "YQ=b", "ä"])
def test_what_is_no_base64_is_refused_by_the_name_of_its_field(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_base64(text, "messages[0].content[1].source.data")
    assert refused.value.param == "messages[0].content[1].source.data"


def test_a_data_url_is_the_media_itself_and_comes_back_as_it_was() -> None:
    media = read_url(f"data:image/jpg;base64,{STANDARD}", "url")
    assert media == Inline("image/jpeg", STANDARD)
    assert data_url(media) == f"data:image/jpeg;base64,{STANDARD}"


def test_a_data_url_may_hold_plain_text() -> None:
    media = read_url("DATA:,Hello%2C%20you", "url")
    assert media == write_text("Hello, you")
    assert read_text(write_text("Hello, you"), "data") == "Hello, you"


def test_any_other_address_stays_an_address() -> None:
    assert read_url("gs://bucket/a.mp4", "url", "video/mp4") == Remote("gs://bucket/a.mp4", "video/mp4")


@pytest.mark.parametrize("url", ["", "cat.png", "data:image/png;base64", "data:image/png;base64,###"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        read_url(url, "url")


def test_media_types_are_known_by_their_registered_names() -> None:
    assert [read_media_type(name) for name in ("Image/JPG; q=1", "audio/x-wav", "text/plain")] == [
        "image/jpeg",
        "audio/wav",
        "text/plain",
    ]


def test_a_text_document_must_be_text() -> None:
    with pytest.raises(BadRequest):
        read_text(Inline("text/plain", STANDARD), "data")
