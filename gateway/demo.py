"""The demo provider: an httpx transport that answers from inside the process, without any network.

It speaks all four protocols at `demo://` addresses, at the pace of a person reading along.
"""

import asyncio
import struct
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from math import sqrt

import httpx
import msgspec

from gateway import demo_answers as answers
from gateway import demo_requests as requests
from gateway import demo_videos as videos
from gateway.canonical import Protocol
from gateway.connection import AbortableStream
from gateway.demo_answers import Json, Step
from gateway.demo_script import Answer, Prompt, answer_to, count, manner_of

THINKING_WORDS = 6
"""How many words' time passes before the first one."""
DIMENSIONS = 64
MOST_DIMENSIONS = 4096


class DemoStream(AbortableStream):
    """An answer's body, given out as its words fall due."""

    def __init__(self, steps: Iterable[Step], speed: float) -> None:
        self._steps = iter(steps)
        self._speed = speed
        self._due: float | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._error: BaseException | None = None

    def __aiter__(self) -> "DemoStream":
        return self

    async def __anext__(self) -> bytes:
        if self._error is None:
            step = next(self._steps, None)
            if step is None:
                raise StopAsyncIteration
            await self._wait(step.words)
            if self._error is None:
                return step.data
        raise self._error

    def abort(self, error: BaseException) -> None:
        self._error = self._error or error
        self._steps = iter(())
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def aclose(self) -> None:
        self.abort(httpx.ReadError("the response was closed before its end"))

    async def _wait(self, words: int) -> None:
        """Sleep until these words are due, counted from the first so that delays do not add up."""
        loop = asyncio.get_running_loop()
        self._due = (loop.time() if self._due is None else self._due) + words / self._speed
        if self._due <= loop.time():
            return
        self._waiter = loop.create_future()
        timer = loop.call_at(self._due, _wake, self._waiter)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None


class DemoTransport(httpx.AsyncBaseTransport):
    """Answers every request that is sent through it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        protocol = _protocol_of(request)
        try:
            return await _respond(request, protocol, body)
        except (msgspec.DecodeError, RecursionError) as error:
            return _error(protocol, 400, f"The demo cannot read this request: {error}.")


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


async def _respond(request: httpx.Request, protocol: Protocol, body: bytes) -> httpx.Response:
    path = request.url.path
    if videos.serves(path):
        return _video(request, body)
    if request.method in ("GET", "HEAD"):
        return _models(protocol, path)
    if path.endswith("/embeddings"):
        return _json(200, _embeddings(msgspec.json.decode(body, type=requests.EmbeddingRequest)))
    if path.endswith((":embedContent", ":batchEmbedContents")):
        return _json(200, _gemini_embeddings(body, path.endswith(":batchEmbedContents")))
    prompt = _read(protocol, path, body)
    if prompt is None:
        return _error(protocol, 404, f"The demo does not serve {path}.")
    if (counted := _counted(path, prompt)) is not None:
        return _json(200, counted)
    return await _generate(protocol, prompt, body, sse=request.url.params.get("alt") == "sse")


def _video(request: httpx.Request, body: bytes) -> httpx.Response:
    reply = videos.reply_to(request.method, request.url.path, dict(request.headers), body)
    if isinstance(reply.body, bytes):
        return _response(reply.status, "video/mp4", DemoStream([Step(reply.body)], speed=1.0))
    return _json(reply.status, reply.body)


def _protocol_of(request: httpx.Request) -> Protocol:
    path = request.url.path
    if path.startswith("/v1beta") or (request.method == "POST" and "/models/" in path):
        return "gemini"
    if "/messages" in path or "anthropic-version" in request.headers:
        return "anthropic_messages"
    return "openai_responses" if "/responses" in path else "openai_chat"


def _read(protocol: Protocol, path: str, body: bytes) -> Prompt | None:
    if path.endswith("/chat/completions"):
        return requests.read_chat(body)
    if path.endswith(("/responses", "/responses/input_tokens")):
        return requests.read_responses(body)
    if path.endswith(("/messages", "/messages/count_tokens")):
        return requests.read_anthropic(body)
    model, _, method = path.rpartition("/models/")[2].rpartition(":")
    if method in ("generateContent", "streamGenerateContent", "countTokens"):
        return requests.read_gemini(body, model, stream=method == "streamGenerateContent")
    return None


def _counted(path: str, prompt: Prompt) -> Json | None:
    """The answer to a request that only wants its tokens counted."""
    tokens = max(1, count(prompt.everything))
    if path.endswith("/responses/input_tokens"):
        return {"object": "response.input_tokens", "input_tokens": tokens}
    if path.endswith("/messages/count_tokens"):
        return {"input_tokens": tokens}
    if path.endswith(":countTokens"):
        return {"totalTokens": tokens}
    return None


# --- answers --------------------------------------------------------------------------------------------------------


async def _generate(protocol: Protocol, prompt: Prompt, body: bytes, sse: bool) -> httpx.Response:
    manner = manner_of(prompt)
    answer = answer_to(prompt, manner, body)
    await asyncio.sleep(manner.delay + THINKING_WORDS / manner.speed)
    if manner.status != 200:
        return _error(protocol, manner.status, f"The demo was told to fail with status {manner.status}.")
    if prompt.stream:
        array = protocol == "gemini" and not sse
        steps = _streamed(protocol, answer, prompt, sse)
        content_type = "application/json" if array else "text/event-stream; charset=utf-8"
    else:
        spoken = answer.usage.output + answer.usage.reasoning
        steps = iter((Step(b""), Step(answers.json(_whole(protocol, answer)), words=spoken)))
        content_type = "application/json"
    if manner.breaks_off:
        steps = _broken_off(list(steps))
    return _response(200, content_type, DemoStream(steps, manner.speed))


def _streamed(protocol: Protocol, answer: Answer, prompt: Prompt, sse: bool) -> Iterator[Step]:
    match protocol:
        case "openai_chat":
            return answers.chat_stream(answer, prompt.wants_usage)
        case "openai_responses":
            return answers.responses_stream(answer)
        case "anthropic_messages":
            return answers.anthropic_stream(answer)
        case "gemini":
            return answers.gemini_stream(answer, sse)


def _whole(protocol: Protocol, answer: Answer) -> Json:
    match protocol:
        case "openai_chat":
            return answers.chat_body(answer)
        case "openai_responses":
            return answers.responses_body(answer)
        case "anthropic_messages":
            return answers.anthropic_body(answer)
        case "gemini":
            return answers.gemini_body(answer)


def _broken_off(steps: list[Step]) -> Iterator[Step]:
    """The first half of an answer; then the connection is lost."""
    yield from steps[: max(1, len(steps) // 2)]
    raise httpx.ReadError("the demo was told to break off")


# --- embeddings -----------------------------------------------------------------------------------------------------


def _embeddings(request: requests.EmbeddingRequest) -> Json:
    texts = request.texts()
    vectors = [embedding(text, request.dimensions) for text in texts]
    packed = request.encoding_format == "base64"
    used = max(1, sum(count(text) for text in texts))
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _base64(vector) if packed else vector}
            for index, vector in enumerate(vectors)
        ],
        "model": request.model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }


def _gemini_embeddings(body: bytes, batch: bool) -> Json:
    wanted = requests.read_gemini_embeddings(body, batch)
    vectors = [{"values": embedding(text, dimensions)} for text, dimensions in wanted]
    used = {"promptTokenCount": max(1, sum(count(text) for text, _ in wanted))}
    return {"embeddings": vectors, "usageMetadata": used} if batch else {"embedding": vectors[0], "usageMetadata": used}


def embedding(text: str, dimensions: int | None = None) -> list[float]:
    """A vector of length 1 that depends on the text alone, and has no other meaning."""
    size = max(1, min(dimensions or DIMENSIONS, MOST_DIMENSIONS))
    noise = b"".join(
        sha256(f"{block} {text}".encode("utf-8", "surrogatepass")).digest() for block in range(size // 32 + 1)
    )
    raw = [byte - 127.5 for byte in noise[:size]]
    length = sqrt(sum(value * value for value in raw))
    return [value / length for value in raw]


def _base64(vector: list[float]) -> str:
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


# --- responses ------------------------------------------------------------------------------------------------------


def _models(protocol: Protocol, path: str) -> httpx.Response:
    head, _, model = path.partition("/models/")
    if model:
        return _json(200, answers.model_item(protocol, model))
    return (
        _json(200, answers.model_list(protocol)) if head.endswith("/models") else _error(protocol, 404, "No such path.")
    )


def _error(protocol: Protocol, status: int, message: str) -> httpx.Response:
    return _json(status, answers.error_body(protocol, status, message))


def _json(status: int, value: Json) -> httpx.Response:
    return _response(status, "application/json", DemoStream([Step(answers.json(value))], speed=1.0))


def _response(status: int, content_type: str, stream: DemoStream) -> httpx.Response:
    headers = {"content-type": content_type, "x-request-id": "req_demo"}
    if status == 429:
        headers["retry-after"] = "1"
    return httpx.Response(status, headers=headers, stream=stream)
