"""What upstreams tell in answers and chunks, whichever way they tell it: nothing here refuses what it does not know."""

import msgspec
from msgspec import Struct

from gateway.canonical import JSON, Citation, Ending, Finish, Image, TokenLogprob, Usage
from gateway.errors import BadRequest, GatewayError
from gateway.protocols import openai
from gateway.protocols.counts import LIMIT, note_counts
from gateway.protocols.media import read_url
from gateway.protocols.openai_chat.content import to_json
from gateway.protocols.openai_chat.native import FINISH_ORDER, FINISHES
from gateway.protocols.reading import decode, dicts
from gateway.protocols.upstream_errors import read_streamed_error


class FunctionTold(Struct, gc=False):
    name: object = None
    arguments: object = None
    input: object = None


class CallTold(Struct, gc=False):
    index: object = None
    id: object = None
    function: FunctionTold | None = None
    custom: FunctionTold | None = None
    extra_content: object = None


class Told(Struct, gc=False):
    """A message, or what a chunk adds to it."""

    content: object = None
    refusal: object = None
    reasoning_content: object = None
    reasoning: object = None
    reasoning_text: object = None
    reasoning_details: object = None
    tool_calls: list[CallTold] | None = None
    function_call: FunctionTold | None = None
    annotations: object = None
    images: object = None
    audio: object = None
    extra_content: object = None


class ChoiceTold(Struct, gc=False):
    index: object = 0
    delta: Told | None = None
    message: Told | None = None
    finish_reason: object = None
    logprobs: object = None


class Chunk(Struct, gc=False):
    """An answer or a chunk of one."""

    id: object = None
    kind: object = msgspec.field(name="object", default=None)
    model: object = None
    created: object = None
    choices: list[ChoiceTold] | None = None
    usage: object = None
    x_groq: object = None
    service_tier: object = None
    error: object = None


_CHUNK = msgspec.json.Decoder(Chunk)


def read_chunk(payload: bytes) -> Chunk | None:
    """None for what is no chunk. Raises the error that it holds."""
    chunk = decode(_CHUNK, payload)
    if chunk is not None and (chunk.error or chunk.kind == "error"):
        raise read_streamed_error(payload)
    return chunk


def read_usage(counts: dict[str, int], chunk: Chunk) -> Usage | None:
    """Usage so far; a chunk's counts replace earlier ones of the same name."""
    usage = chunk.usage
    if usage is None and isinstance(chunk.x_groq, dict):
        usage = chunk.x_groq.get("usage")
    note_counts(counts, usage, openai.USAGE)
    return openai.to_usage(counts)


def stronger(label: str, than: str) -> str:
    """Of two labels of the same answer the one that counts."""
    return label if not than or _weight(label) > _weight(than) else than


def read_ending(label: str, called: bool, refused: bool) -> Ending:
    """Why an answer ended: whether it calls tools is seen by its calls, and not by its label."""
    finish: Finish = FINISHES.get(label, "end")
    if finish in ("end", "tool"):
        finish = "tool" if called else "refusal" if refused else "end"
    return Ending(finish, raw=label)


def read_logprobs(said: object) -> tuple[TokenLogprob, ...]:
    return openai.read_logprobs(said.get("content")) if isinstance(said, dict) else ()


def read_citations(annotations: object) -> list[Citation]:
    told = (one.get("url_citation") for one in dicts(annotations))
    return [_read_citation(one) for one in told if isinstance(one, dict)]


def read_images(images: object) -> list[Image]:
    """Images as some upstreams draw them into a message."""
    told = (image.get("image_url") for image in dicts(images))
    urls = (one.get("url") if isinstance(one, dict) else one for one in told)
    return [image for url in urls if isinstance(url, str) and (image := _read_image(url))]


def string(value: object) -> str:
    return value if isinstance(value, str) else ""


def seconds(value: object) -> int:
    """A time, also where an upstream gives it with fractions."""
    return int(value) if isinstance(value, int | float) and 0 <= value < LIMIT * LIMIT else 0


def arguments_of(value: object) -> str:
    """Arguments as text, also where an upstream gives them as an object."""
    return value if isinstance(value, str) else "" if value is None else to_json(value)


def broken_off() -> GatewayError:
    return read_streamed_error(b'{"message":"The upstream ended its answer with an error."}')


def _weight(label: str) -> int:
    return FINISH_ORDER.index(FINISHES.get(label, "end"))


def _read_citation(told: JSON) -> Citation:
    start, end = told.get("start_index"), told.get("end_index")
    return Citation(
        url=string(told.get("url")),
        title=string(told.get("title")),
        quoted=string(told.get("content")),
        start=start if type(start) is int else None,
        end=end if type(end) is int else None,
    )


def _read_image(url: str) -> Image | None:
    try:
        return Image(read_url(url, "images"))
    except BadRequest:
        return None
