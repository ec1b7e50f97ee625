"""The newest official SDKs as clients of the gateway, all driven in one way: ask, and go on with what tools answered.

Streams are added up by each SDK's own helper. What it makes of an answer is told in no protocol's words.
"""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Protocol

import anthropic
import google.genai
import httpx
import openai
from google.genai import types
from harbour import PICTURE, SCHEMA, TIDE

THINKING_LIMIT = 9000


@dataclass
class Wish:
    """What a test asks for besides the words."""

    streamed: bool = False
    thinks: bool = False
    tools: bool = False
    schema: bool = False
    picture: bool = False
    limit: int | None = None


@dataclass
class Outcome:
    """What an SDK made of an answer."""

    text: str = ""
    thought: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    finish: str = ""
    tokens: tuple[int, int, int] = (0, 0, 0)
    """Taken in, of them from the cache, given out."""


class Client(Protocol):
    """A conversation over one SDK."""

    rate_limited: type[Exception]
    """Raised when the upstream has had enough."""
    broken: type[Exception]
    """Raised when the answer breaks off with an error."""

    async def ask(self, prompt: str, wish: Wish) -> Outcome: ...

    async def go_on(self, results: list[str]) -> Outcome: ...

    async def begin(self, prompt: str) -> None:
        """Take the first pieces of a stream, and leave."""
        ...

    async def close(self) -> None: ...


class ChatClient:
    rate_limited: type[Exception] = openai.RateLimitError
    broken: type[Exception] = openai.APIError

    def __init__(self, url: str, key: str, model: str) -> None:
        self.sdk = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        self.asked: dict[str, Any] = {"model": model, "messages": []}
        self.wish = Wish()
        self.calls: list[str] = []

    async def ask(self, prompt: str, wish: Wish) -> Outcome:
        self.wish = wish
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64encode(PICTURE).decode()}"}}
        content = [{"type": "text", "text": prompt}, image] if wish.picture else prompt
        self.asked["messages"].append({"role": "user", "content": content})
        if wish.thinks:
            self.asked["reasoning_effort"] = "high"
        if wish.tools:
            self.asked["tools"] = [{"type": "function", "function": {"name": "tide", "parameters": TIDE}}]
        if wish.schema:
            form = {"name": "tide", "schema": SCHEMA, "strict": True}
            self.asked["response_format"] = {"type": "json_schema", "json_schema": form}
        if wish.limit:
            self.asked["max_completion_tokens"] = wish.limit
        return await self._turn()

    async def go_on(self, results: list[str]) -> Outcome:
        for call, result in zip(self.calls, results, strict=True):
            self.asked["messages"].append({"role": "tool", "tool_call_id": call, "content": result})
        return await self._turn()

    async def begin(self, prompt: str) -> None:
        self.asked["messages"].append({"role": "user", "content": prompt})
        async for _ in await self.sdk.chat.completions.create(stream=True, **self.asked):
            return

    async def _turn(self) -> Outcome:
        completion = await (self._streamed() if self.wish.streamed else self.sdk.chat.completions.create(**self.asked))
        choice = completion.choices[0]
        message, usage = choice.message, completion.usage
        self.asked["messages"].append(message.to_dict())
        self.calls = [call.id for call in message.tool_calls or ()]
        called = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()]
        finish = "filter" if message.refusal else CHAT_FINISHES[choice.finish_reason]
        cached = usage.prompt_tokens_details.cached_tokens
        tokens = (usage.prompt_tokens, cached, usage.completion_tokens)
        thought = getattr(message, "reasoning_content", None) or ""
        return Outcome(message.content or message.refusal or "", thought, called, finish, tokens)

    async def _streamed(self) -> Any:
        options: Any = {"include_usage": True}
        try:
            async with self.sdk.chat.completions.stream(stream_options=options, **self.asked) as stream:
                async for _ in stream:
                    pass
                return stream.current_completion_snapshot
        except openai.LengthFinishReasonError as cut:  # the helper's own way to tell of it
            return cut.completion

    async def close(self) -> None:
        await self.sdk.close()


CHAT_FINISHES = {"stop": "end", "tool_calls": "tool", "length": "length", "content_filter": "filter"}


class ResponsesClient:
    rate_limited: type[Exception] = openai.RateLimitError
    broken: type[Exception] = openai.APIError

    def __init__(self, url: str, key: str, model: str) -> None:
        self.sdk = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        self.asked: dict[str, Any] = {"model": model, "input": [], "store": False}
        self.wish = Wish()
        self.calls: list[str] = []

    async def ask(self, prompt: str, wish: Wish) -> Outcome:
        self.wish = wish
        url = f"data:image/png;base64,{b64encode(PICTURE).decode()}"
        image = {"type": "input_image", "detail": "auto", "image_url": url}
        content = [{"type": "input_text", "text": prompt}, image] if wish.picture else prompt
        self.asked["input"].append({"role": "user", "content": content})
        if wish.thinks:
            self.asked["reasoning"] = {"effort": "high", "summary": "auto"}
            self.asked["include"] = ["reasoning.encrypted_content"]
        if wish.tools:
            self.asked["tools"] = [{"type": "function", "name": "tide", "parameters": TIDE, "strict": False}]
        if wish.schema:
            form = {"type": "json_schema", "name": "tide", "schema": SCHEMA, "strict": True}
            self.asked["text"] = {"format": form}
        if wish.limit:
            self.asked["max_output_tokens"] = wish.limit
        return await self._turn()

    async def go_on(self, results: list[str]) -> Outcome:
        for call, result in zip(self.calls, results, strict=True):
            self.asked["input"].append({"type": "function_call_output", "call_id": call, "output": result})
        return await self._turn()

    async def begin(self, prompt: str) -> None:
        self.asked["input"].append({"role": "user", "content": prompt})
        async for event in await self.sdk.responses.create(stream=True, **self.asked):
            if event.type == "response.output_text.delta":
                return

    async def _turn(self) -> Outcome:
        response = await (self._streamed() if self.wish.streamed else self.sdk.responses.create(**self.asked))
        self.asked["input"] += response.output
        called = [item for item in response.output if item.type == "function_call"]
        self.calls = [item.call_id for item in called]
        parts = [part for item in response.output if item.type == "message" for part in item.content]
        refused = [part.refusal for part in parts if part.type == "refusal"]
        thought = [part.text for item in response.output if item.type == "reasoning" for part in item.summary]
        usage = response.usage
        return Outcome(
            text=response.output_text or "".join(refused),
            thought="".join(thought),
            calls=[(item.name, json.loads(item.arguments)) for item in called],
            finish="filter" if refused else self._finish(response),
            tokens=(usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens),
        )

    def _finish(self, response: Any) -> str:
        if response.status == "incomplete":
            return {"max_output_tokens": "length", "content_filter": "filter"}[response.incomplete_details.reason]
        return "tool" if self.calls else "end"

    async def _streamed(self) -> Any:
        async with self.sdk.responses.stream(**self.asked) as stream:
            async for event in stream:
                if event.type == "response.incomplete":  # the helper has no last word for it
                    return event.response
            return await stream.get_final_response()

    async def close(self) -> None:
        await self.sdk.close()


class AnthropicClient:
    rate_limited: type[Exception] = anthropic.RateLimitError
    broken: type[Exception] = anthropic.APIStatusError

    def __init__(self, url: str, key: str, model: str) -> None:
        self.sdk = anthropic.AsyncAnthropic(base_url=url, api_key=key, max_retries=0)
        self.asked: dict[str, Any] = {"model": model, "max_tokens": THINKING_LIMIT, "messages": []}
        self.wish = Wish()
        self.calls: list[str] = []

    async def ask(self, prompt: str, wish: Wish) -> Outcome:
        self.wish = wish
        source = {"type": "base64", "media_type": "image/png", "data": b64encode(PICTURE).decode()}
        content = [{"type": "text", "text": prompt}, {"type": "image", "source": source}] if wish.picture else prompt
        self.asked["messages"].append({"role": "user", "content": content})
        if wish.thinks:
            self.asked["thinking"] = {"type": "adaptive", "display": "summarized"}
            self.asked["output_config"] = {"effort": "high"}
        if wish.tools:
            self.asked["tools"] = [{"name": "tide", "description": "The tide table.", "input_schema": TIDE}]
        if wish.schema:
            self.asked["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
        if wish.limit:
            self.asked["max_tokens"] = wish.limit
        return await self._turn()

    async def go_on(self, results: list[str]) -> Outcome:
        blocks = [
            {"type": "tool_result", "tool_use_id": call, "content": result}
            for call, result in zip(self.calls, results, strict=True)
        ]
        self.asked["messages"].append({"role": "user", "content": blocks})
        return await self._turn()

    async def begin(self, prompt: str) -> None:
        self.asked["messages"].append({"role": "user", "content": prompt})
        async with self.sdk.messages.stream(**self.asked) as stream:
            async for _ in stream.text_stream:
                return

    async def _turn(self) -> Outcome:
        message = await (self._streamed() if self.wish.streamed else self.sdk.messages.create(**self.asked))
        self.asked["messages"].append({"role": "assistant", "content": message.content})
        called = [block for block in message.content if block.type == "tool_use"]
        self.calls = [block.id for block in called]
        usage = message.usage
        read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
        return Outcome(
            text="".join(block.text for block in message.content if block.type == "text"),
            thought="".join(block.thinking for block in message.content if block.type == "thinking"),
            calls=[(block.name, block.input) for block in called],
            finish=ANTHROPIC_FINISHES[message.stop_reason],
            tokens=(usage.input_tokens + read + written, read, usage.output_tokens),
        )

    async def _streamed(self) -> Any:
        async with self.sdk.messages.stream(**self.asked) as stream:
            return await stream.get_final_message()

    async def close(self) -> None:
        await self.sdk.close()


ANTHROPIC_FINISHES = {"end_turn": "end", "tool_use": "tool", "max_tokens": "length", "refusal": "filter"}


class GeminiClient:
    rate_limited: type[Exception] = google.genai.errors.ClientError
    broken: type[Exception] = google.genai.errors.APIError

    def __init__(self, url: str, key: str, model: str) -> None:
        self.http = httpx.AsyncClient()
        options = types.HttpOptions(base_url=url, httpx_async_client=self.http)
        self.chats = google.genai.Client(api_key=key, http_options=options).aio.chats
        self.model = model
        self.chat: Any = None
        self.wish = Wish()
        self.calls: list[types.FunctionCall] = []

    async def ask(self, prompt: str, wish: Wish) -> Outcome:
        self.wish = wish
        parts = [types.Part(text=prompt)]
        if wish.picture:
            parts.append(types.Part.from_bytes(data=PICTURE, mime_type="image/png"))
        self.chat = self.chats.create(model=self.model, config=self._config(wish))
        return await self._turn(parts)

    def _config(self, wish: Wish) -> types.GenerateContentConfig:
        by_hand = types.AutomaticFunctionCallingConfig(disable=True)
        config = types.GenerateContentConfig(automatic_function_calling=by_hand, max_output_tokens=wish.limit)
        if wish.thinks:
            config.thinking_config = types.ThinkingConfig(
                include_thoughts=True, thinking_level=types.ThinkingLevel.HIGH
            )
        if wish.tools:
            tide = types.FunctionDeclaration(name="tide", parameters_json_schema=TIDE)
            config.tools = [types.Tool(function_declarations=[tide])]
        if wish.schema:
            config.response_mime_type = "application/json"
            config.response_json_schema = SCHEMA
        return config

    async def go_on(self, results: list[str]) -> Outcome:
        return await self._turn(
            [
                types.Part(
                    function_response=types.FunctionResponse(id=call.id, name=call.name, response={"result": result})
                )
                for call, result in zip(self.calls, results, strict=True)
            ]
        )

    async def begin(self, prompt: str) -> None:
        self.chat = self.chats.create(model=self.model)
        async for _ in await self.chat.send_message_stream(prompt):
            return

    async def _turn(self, said: list[types.Part]) -> Outcome:
        if self.wish.streamed:
            chunks: list[Any] = [chunk async for chunk in await self.chat.send_message_stream(said)]
        else:
            chunks = [await self.chat.send_message(said)]
        told = [candidate for chunk in chunks for candidate in chunk.candidates or ()]
        parts = [part for each in told for part in (each.content.parts if each.content else None) or ()]
        self.calls = [part.function_call for part in parts if part.function_call]
        usage = chunks[-1].usage_metadata
        taken_in = usage.prompt_token_count + (usage.tool_use_prompt_token_count or 0)
        given_out = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
        finish = GEMINI_FINISHES[told[-1].finish_reason.name]
        return Outcome(
            text="".join(part.text or "" for part in parts if not part.thought),
            thought="".join(part.text or "" for part in parts if part.thought),
            calls=[(call.name or "", call.args or {}) for call in self.calls],
            finish="tool" if finish == "end" and self.calls else finish,
            tokens=(taken_in, usage.cached_content_token_count or 0, given_out),
        )

    async def close(self) -> None:
        await self.http.aclose()


GEMINI_FINISHES = {"STOP": "end", "MAX_TOKENS": "length", "SAFETY": "filter", "PROHIBITED_CONTENT": "filter"}

CLIENTS: dict[str, type[ChatClient | ResponsesClient | AnthropicClient | GeminiClient]] = {
    "openai_chat": ChatClient,
    "openai_responses": ResponsesClient,
    "anthropic_messages": AnthropicClient,
    "gemini": GeminiClient,
}
"""By the protocol that each SDK speaks."""
