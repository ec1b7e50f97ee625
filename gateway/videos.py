"""The two ways to ask for a video: OpenAI's videos and Ark's generation tasks. Pure; who asks whom is not known here.

What a client asks for is read into a `VideoRequest`, which can be written again in both shapes. Between equal shapes
it goes through as it came. What becomes of it is read and shown by `gateway.standings`.
"""

import base64
import re

import msgspec
from msgspec import Struct

from gateway.canonical import VideoShape
from gateway.errors import BadRequest
from gateway.forms import Part, is_form, read_form
from gateway.protocols.codec import Call
from gateway.protocols.reading import read_fields, read_model
from gateway.protocols.translation import Loss
from gateway.splice import Repeats, top_level, with_member

PATHS: dict[VideoShape, str] = {"openai_video": "videos", "ark_video": "contents/generations/tasks"}
PREFIXES: dict[VideoShape, str] = {"openai_video": "video_", "ark_video": "task-"}
"""What stands before a task's token in the ids that clients have."""
USUAL_MODEL = "sora-2"
"""What OpenAI takes where no model is named."""
_RATIOS = {"21:9": 21 / 9, "16:9": 16 / 9, "4:3": 4 / 3, "1:1": 1.0, "3:4": 3 / 4, "9:16": 9 / 16}
_SHORT_SIDES = (480, 720, 1080)
_FRAMES_PER_SECOND = 24
_SIZE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})")
_NAME = re.compile(r"[A-Za-z][\w.\[\]-]{0,63}", re.ASCII)
_RESOLUTION = re.compile(r"(\d{3,4})p")
_RATIO = re.compile(r"(\d{1,2}):(\d{1,2})")
_SECONDS = re.compile(r"\d{1,4}", re.ASCII)
_CHOSEN_SECONDS = 15
"""No model makes a longer film when it chooses the length itself."""
_MOST_SECONDS = 60
_USUAL_PIXELS = 1920 * 1080
_MOST_PIXELS = 3840 * 2160
_PIXELS_PER_TOKEN = 1024
"""By the rule of those who price films by tokens."""


class VideoRequest(Struct, frozen=True):
    """A video as it is asked for, in either shape."""

    model: str
    prompt: str = ""
    seconds: str = ""
    size: str = ""
    """Width and height, such as 1280x720."""
    resolution: str = ""
    ratio: str = ""
    first_frame: str = ""
    """An address or a data URL."""
    lost: tuple[str, ...] = ()
    """Members that can only be said in the shape they came in, and may be left out."""
    unsayable: tuple[str, ...] = ()
    """Those without which it would be another video."""


class _Url(Struct):
    url: str


class _Part(Struct):
    type: str
    text: str | None = None
    image_url: _Url | None = None
    role: str | None = None


class _ArkRequest(Struct):
    model: str | None = None
    content: list[_Part] = []
    resolution: str | None = None
    ratio: str | None = None
    duration: int | float | str | None = None
    frames: int | None = None
    callback_url: str | None = None


class _Reference(Struct):
    image_url: str | None = None
    file_id: str | None = None


class _OpenAIRequest(Struct):
    model: str | None = None
    prompt: str | None = None
    seconds: int | str | None = None
    size: str | None = None
    input_reference: _Reference | None = None


_ARK = msgspec.json.Decoder(_ArkRequest)
_OPENAI = msgspec.json.Decoder(_OpenAIRequest)
_ARK_REPEATS = Repeats(*_ArkRequest.__struct_fields__)
_OPENAI_REPEATS = Repeats(*_OpenAIRequest.__struct_fields__)


# --- requests -------------------------------------------------------------------------------------------------------


def shape_of(path: str) -> VideoShape:
    """In which shape a path asks."""
    return "openai_video" if path.startswith(PATHS["openai_video"]) else "ark_video"


def read_request(shape: VideoShape, call: Call) -> VideoRequest:
    """What is asked for. Raises `BadRequest` naming the field."""
    if shape == "ark_video":
        return _read_ark(call.body)
    return _read_form(call) if is_form(call) else _read_openai(call.body)


def write_request(shape: VideoShape, asked: VideoRequest, model: str) -> tuple[Call, tuple[Loss, ...]]:
    """The request in another shape than it came in, and what that cannot say. Raises `BadRequest` where nothing would
    do."""
    if asked.unsayable:
        named = ", ".join(asked.unsayable)
        told = f"The upstream that makes videos with {asked.model!r} cannot be asked for: {named}."
        raise BadRequest(told, code="unsupported_parameter", param=asked.unsayable[0])
    left_out = tuple(Loss(name, "The upstream has nothing like it.") for name in asked.lost)
    body, changed = _write_ark(asked, model) if shape == "ark_video" else _write_openai(asked, model)
    return json_call("POST", PATHS[shape], msgspec.json.encode(body)), (*left_out, *changed)


def json_call(method: str, path: str, body: bytes = b"", query: dict[str, str] | None = None) -> Call:
    """A call of our own to an upstream."""
    return Call(method, path, query or {}, {"content-type": "application/json"}, body)


def with_model(call: Call, model: str) -> Call:
    """The same request for another model name."""
    if not is_form(call):
        return msgspec.structs.replace(call, body=with_member(call.body, "model", msgspec.json.encode(model)))
    part = read_form(call).get("model")
    if part is None:
        return call
    return msgspec.structs.replace(call, body=call.body[: part.start] + model.encode() + call.body[part.end :])


def _read_ark(body: bytes) -> VideoRequest:
    fields = read_fields(body, _ARK, _ARK_REPEATS)
    if fields.callback_url:
        told = "Callbacks are not made through this gateway; ask for the task until it has ended."
        raise BadRequest(told, code="unsupported_parameter", param="callback_url")
    if not fields.content:
        raise BadRequest("'content' is missing.", code="missing_required_parameter", param="content")
    if any(part.type == "draft_task" for part in fields.content):
        raise BadRequest("Drafts cannot be continued through this gateway.", param="content")
    frames = [part for part in fields.content if part.type == "image_url" and part.role in (None, "first_frame")]
    others = [part for part in fields.content if part.type != "text" and part not in frames[:1]]
    known = tuple(member for member in _ArkRequest.__struct_fields__ if member != "frames")
    seconds = seconds_of(fields.duration)
    if not seconds and fields.frames:
        seconds = str(max(1, round(fields.frames / _FRAMES_PER_SECOND)))
    return VideoRequest(
        model=read_model(fields.model),
        prompt="\n".join(part.text or "" for part in fields.content if part.type == "text"),
        seconds=seconds,
        size=size_of(fields.resolution or "", fields.ratio or ""),
        resolution=fields.resolution or "",
        ratio=fields.ratio or "",
        first_frame=frames[0].image_url.url if frames and frames[0].image_url else "",
        lost=_others(body, known),
        unsayable=tuple(dict.fromkeys(f"content of type {part.type}{_as(part.role)}" for part in others)),
    )


def _others(body: bytes, known: tuple[str, ...]) -> tuple[str, ...]:
    """The members that only upstreams of the same shape may understand."""
    return tuple(dict.fromkeys(_plain(member.name) for member in top_level(body) if member.name not in known))


def _plain(name: str) -> str:
    """A name from outside as it may stand in a header."""
    return name if _NAME.fullmatch(name) else "a member with an odd name"


def _as(role: str | None) -> str:
    return f" as {role}" if role else ""


def _read_openai(body: bytes) -> VideoRequest:
    fields = read_fields(body, _OPENAI, _OPENAI_REPEATS)
    return _of_openai(fields, _others(body, _OpenAIRequest.__struct_fields__))


def _read_form(call: Call) -> VideoRequest:
    parts = read_form(call)
    image = parts.get("input_reference")
    texts = {name: _text(part) for name, part in parts.items() if part.filename is None}
    reference = _Reference(texts.get("input_reference[image_url]"), texts.get("input_reference[file_id]"))
    if image is not None:
        reference = _Reference(_data_url(image))
    known = {name: texts.get(name) for name in ("model", "prompt", "seconds", "size")}
    others = tuple(_plain(name) for name in parts if name not in known and not name.startswith("input_reference"))
    return _of_openai(_OpenAIRequest(**known, input_reference=reference), others)


def _of_openai(fields: _OpenAIRequest, lost: tuple[str, ...]) -> VideoRequest:
    if not fields.prompt:
        raise BadRequest("'prompt' is missing.", code="missing_required_parameter", param="prompt")
    reference = fields.input_reference or _Reference()
    resolution, ratio, _ = resolution_of(fields.size or "")
    return VideoRequest(
        model=read_model(fields.model or USUAL_MODEL),
        prompt=fields.prompt,
        seconds=seconds_of(fields.seconds),
        size=fields.size or "",
        resolution=resolution,
        ratio=ratio,
        first_frame=reference.image_url or "",
        lost=lost,
        unsayable=("input_reference.file_id",) if reference.file_id else (),
    )


def _text(part: Part) -> str:
    try:
        return part.content.decode()
    except UnicodeDecodeError:
        raise BadRequest(f"'{part.name}' is not valid UTF-8.", param=part.name) from None


def _data_url(part: Part) -> str:
    return f"data:{part.content_type};base64,{base64.b64encode(part.content).decode()}"


def _write_ark(asked: VideoRequest, model: str) -> tuple[dict[str, object], tuple[Loss, ...]]:
    content: list[dict[str, object]] = [{"type": "text", "text": asked.prompt}]
    if asked.first_frame:
        content.append({"type": "image_url", "image_url": {"url": asked.first_frame}, "role": "first_frame"})
    body: dict[str, object] = {"model": model, "content": content}
    losses: tuple[Loss, ...] = ()
    if asked.size:
        resolution, ratio, exact = resolution_of(asked.size)
        if not resolution:
            raise BadRequest("'size' must be a width and a height, such as 1280x720.", param="size")
        body |= {"resolution": resolution, "ratio": ratio}
        losses = () if exact else (Loss("size", f"It became {resolution} at {ratio}."),)
    if asked.seconds:
        if not asked.seconds.isdigit():
            raise BadRequest("'seconds' must be a whole number.", param="seconds")
        body["duration"] = int(asked.seconds)
    return body, losses


def _write_openai(asked: VideoRequest, model: str) -> tuple[dict[str, object], tuple[Loss, ...]]:
    if not asked.prompt:
        raise BadRequest("'content' has no text, which the upstream needs.", param="content")
    body: dict[str, object] = {"model": model, "prompt": asked.prompt}
    if asked.seconds:
        body["seconds"] = asked.seconds
    if asked.size:
        body["size"] = asked.size
    if asked.first_frame:
        body["input_reference"] = {"image_url": asked.first_frame}
    if (asked.resolution or asked.ratio) and not asked.size:
        return body, (Loss("resolution" if asked.resolution else "ratio", "The upstream chooses the size."),)
    return body, ()


def seconds_of(value: float | str | None) -> str:
    """Ark takes -1 for a length that the model chooses."""
    text = "" if value is None else f"{value:g}" if isinstance(value, int | float) else value.strip()
    return "" if text.startswith("-") else text


def size_of(resolution: str, ratio: str) -> str:
    """Width and height, such as 1280x720; empty when the model chooses them."""
    if not resolution and not ratio:
        return ""
    short, sides = _RESOLUTION.fullmatch(resolution or "720p"), _RATIO.fullmatch(ratio or "16:9")
    if not short or not sides:
        return ""
    across, down = int(sides[1]), int(sides[2])
    if not across or not down:
        return ""
    long = round(int(short[1]) * max(across, down) / min(across, down) / 2) * 2
    return f"{long}x{short[1]}" if across >= down else f"{short[1]}x{long}"


def resolution_of(size: str) -> tuple[str, str, bool]:
    """Resolution and ratio that come nearest to a size, and whether they are just that; empty when it is none."""
    match = _SIZE.fullmatch(size)
    if not match:
        return "", "", False
    width, height = int(match[1]), int(match[2])
    short = min(_SHORT_SIDES, key=lambda side: abs(side - min(width, height)))
    ratio = min(_RATIOS, key=lambda name: abs(_RATIOS[name] - width / height))
    return f"{short}p", ratio, size_of(f"{short}p", ratio) == size


def most_seconds(asked: VideoRequest) -> int:
    """The longest that the film can be."""
    if not asked.seconds:
        return _CHOSEN_SECONDS
    return int(asked.seconds) if _SECONDS.fullmatch(asked.seconds) else _MOST_SECONDS


def most_tokens(asked: VideoRequest) -> int:
    """The most output tokens that the film can have where it is counted in them."""
    size = _SIZE.fullmatch(asked.size)
    unsaid = _MOST_PIXELS if asked.resolution or asked.size else _USUAL_PIXELS
    pixels = int(size[1]) * int(size[2]) if size else unsaid
    return -(-pixels * _FRAMES_PER_SECOND * most_seconds(asked) // _PIXELS_PER_TOKEN)
