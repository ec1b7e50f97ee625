"""What is asked for in one shape, said in the other."""

from typing import Any

import msgspec
import pytest

from gateway.errors import BadRequest
from gateway.protocols.codec import Call
from gateway.videos import (
    VideoRequest,
    most_seconds,
    most_tokens,
    read_request,
    resolution_of,
    size_of,
    with_model,
    write_request,
)


def call(**body: Any) -> Call:
    return Call("POST", "videos", {}, {"content-type": "application/json"}, msgspec.json.encode(body))


def form(*parts: bytes) -> Call:
    body = b"".join(b"--x\r\nContent-Disposition: form-data; name=" + part + b"\r\n" for part in parts) + b"--x--\r\n"
    return Call("POST", "videos", {}, {"content-type": "multipart/form-data; boundary=x"}, body)


def in_ark(asked: VideoRequest) -> Any:
    return msgspec.json.decode(write_request("ark_video", asked, "film")[0].body)


def in_openai(asked: VideoRequest) -> Any:
    return msgspec.json.decode(write_request("openai_video", asked, "film")[0].body)


@pytest.mark.parametrize(
    ("resolution", "ratio", "size"),
    [
        ("720p", "16:9", "1280x720"),
        ("720p", "9:16", "720x1280"),
        ("1080p", "1:1", "1080x1080"),
        ("480p", "4:3", "640x480"),
        ("", "9:16", "720x1280"),
        ("1080p", "", "1920x1080"),
    ],
)
def test_a_resolution_and_a_ratio_are_a_size(resolution: str, ratio: str, size: str) -> None:
    assert size_of(resolution, ratio) == size
    assert resolution_of(size) == (resolution or "720p", ratio or "16:9", True)


@pytest.mark.parametrize(("resolution", "ratio"), [("", ""), ("720p", "adaptive"), ("2k", "16:9"), ("720p", "0:9")])
def test_a_size_that_the_model_chooses_is_none(resolution: str, ratio: str) -> None:
    assert size_of(resolution, ratio) == ""


def test_openais_request_says_the_same_in_arks_shape() -> None:
    asked = read_request(
        "openai_video",
        call(
            model="m",
            prompt="a tide",
            seconds="4",
            size="720x1280",
            input_reference={"image_url": "https://x.io/a.png"},
        ),
    )
    assert in_ark(asked) == {
        "model": "film",
        "content": [
            {"type": "text", "text": "a tide"},
            {"type": "image_url", "image_url": {"url": "https://x.io/a.png"}, "role": "first_frame"},
        ],
        "resolution": "720p",
        "ratio": "9:16",
        "duration": 4,
    }


def test_arks_request_says_the_same_in_openais_shape() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    content = [{"type": "text", "text": "a tide"}, picture]
    asked = read_request("ark_video", call(model="m", content=content, resolution="1080p", ratio="16:9", duration=8))
    assert in_openai(asked) == {
        "model": "film",
        "prompt": "a tide",
        "seconds": "8",
        "size": "1920x1080",
        "input_reference": {"image_url": "data:image/png;base64,AAAA"},
    }


def test_what_may_be_left_out_is_told() -> None:
    text = [{"type": "text", "text": "a tide"}]
    asked = read_request("ark_video", call(model="m", content=text, seed=7, watermark=False, frames=48, duration=-1))
    body, told = write_request("openai_video", asked, "film")
    assert msgspec.json.decode(body.body) == {"model": "film", "prompt": "a tide", "seconds": "2"}
    assert [loss.field for loss in told] == ["seed", "watermark", "frames"]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "video_url", "video_url": {"url": "https://x.io/a.mp4"}},
        {"type": "image_url", "image_url": {"url": "https://x.io/a.png"}, "role": "last_frame"},
        {"type": "image_url", "image_url": {"url": "https://x.io/a.png"}, "role": "reference_image"},
    ],
)
def test_what_makes_it_another_video_is_never_left_out(part: dict[str, object]) -> None:
    asked = read_request("ark_video", call(model="m", content=[{"type": "text", "text": "a tide"}, part]))
    with pytest.raises(BadRequest, match=str(part["type"])):
        write_request("openai_video", asked, "film")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"size": "big"}, "size"), ({"seconds": "4.5"}, "seconds"), ({"input_reference": {"file_id": "f-1"}}, "file_id")],
)
def test_what_arks_shape_cannot_say_is_refused_by_name(wrong: dict[str, object], field: str) -> None:
    asked = read_request("openai_video", call(model="m", prompt="a tide", **wrong))
    with pytest.raises(BadRequest, match=field):
        write_request("ark_video", asked, "film")


def test_a_forms_text_that_looks_like_a_field_is_not_taken_for_one() -> None:
    told = b'"prompt"\r\n\r\nsay: name="model"\r\n\r\nother\r\n'
    sent = form(told, b'"model"\r\n\r\nm')
    assert read_request("openai_video", sent).model == "m"
    assert with_model(sent, "film").body == sent.body.replace(
        b'"model"\r\n\r\nm\r\n--x--', b'"model"\r\n\r\nfilm\r\n--x--'
    )


def test_a_request_without_a_model_is_for_openais_usual_one() -> None:
    assert read_request("openai_video", form(b'"prompt"\r\n\r\na tide')).model == "sora-2"


@pytest.mark.parametrize(
    "sent",
    [
        call(prompt="x", model=["m"]),
        call(model="m"),
        form(b'"prompt"\r\n\r\nx', b'"prompt"\r\n\r\ny'),
        form(b'"prompt"\r\n\r\n\xff'),
        form(b"prompt\r\n\r\nx"),
        Call("POST", "videos", {}, {"content-type": "multipart/form-data"}, b"--x--"),
        Call("POST", "videos", {}, {"content-type": "multipart/form-data; boundary=x"}, b"--x\r\n"),
        Call("POST", "videos", {}, {}, b"[]"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused(sent: Call) -> None:
    with pytest.raises(BadRequest):
        read_request("openai_video", sent)


@pytest.mark.parametrize(
    ("asked", "seconds", "tokens"),
    [
        (VideoRequest("m", seconds="5", size="1280x720"), 5, 108_000),
        (VideoRequest("m"), 15, 729_000),
        (VideoRequest("m", seconds="10", resolution="4k"), 10, 1_944_000),
        (VideoRequest("m", seconds="²", size="1280x720"), 60, 1_296_000),
    ],
)
def test_a_film_is_bounded_by_its_length_and_its_size(asked: VideoRequest, seconds: int, tokens: int) -> None:
    assert (most_seconds(asked), most_tokens(asked)) == (seconds, tokens)
