"""Reads what the demo model is asked, in each of the four protocols. Only what the demo heeds is declared."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct, field

from gateway.demo_script import Prompt, Tool

Json = dict[str, object]


class _Function(Struct):
    name: str = ""
    parameters: Json | None = None


class _Part(Struct):
    """A content part of any of OpenAI's or Anthropic's kinds."""

    type: str = "text"
    text: str | None = None
    content: "str | list[_Part] | None" = None


class _Turn(Struct):
    """A message, or an item of the Responses API."""

    role: str | None = None
    type: str = "message"
    content: str | list[_Part] | None = None
    output: str | list[_Part] | None = None


class _Said(Struct):
    """One turn as text."""

    role: str
    text: str
    result: bool = False
    """It is what a tool answered."""


def _texts(content: str | list[_Part] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(part.text or _texts(part.content) for part in content)


def _prompt(
    said: Sequence[_Said],
    *,
    model: str,
    tools: Iterable[Tool],
    schema: Json | None = None,
    max_output: int | None = None,
    stream: bool | None = False,
    wants_usage: bool = False,
) -> Prompt:
    offered = tuple(tools)
    declared = msgspec.json.encode(offered).decode() if offered else ""
    return Prompt(
        model=model,
        user=next((turn.text for turn in reversed(said) if turn.role == "user" and not turn.result), ""),
        everything="\n".join((declared, *(turn.text for turn in said))),
        tool_result=said[-1].text if said and said[-1].result else None,
        tools=offered,
        schema=schema,
        max_output=max_output,
        stream=bool(stream),
        wants_usage=wants_usage,
    )


# --- Chat Completions -----------------------------------------------------------------------------------------------


class _ChatTool(Struct):
    function: _Function | None = None


class _JsonSchema(Struct):
    schema: Json | None = None


class _ChatFormat(Struct):
    json_schema: _JsonSchema | None = None


class _StreamOptions(Struct):
    include_usage: bool | None = False


class _ChatRequest(Struct):
    model: str
    messages: list[_Turn]
    stream: bool | None = False
    stream_options: _StreamOptions | None = None
    tools: list[_ChatTool] | None = None
    response_format: _ChatFormat | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None


def read_chat(body: bytes) -> Prompt:
    """A Chat Completions request. Raises msgspec.DecodeError."""
    request = msgspec.json.decode(body, type=_ChatRequest)
    wanted = request.response_format.json_schema if request.response_format else None
    return _prompt(
        [_Said(turn.role or "", _texts(turn.content), turn.role == "tool") for turn in request.messages],
        model=request.model,
        tools=(Tool(t.function.name, t.function.parameters or {}) for t in request.tools or () if t.function),
        schema=wanted.schema if wanted else None,
        max_output=request.max_completion_tokens or request.max_tokens,
        stream=request.stream,
        wants_usage=bool(request.stream_options and request.stream_options.include_usage),
    )


# --- Responses ------------------------------------------------------------------------------------------------------


class _ResponsesTool(_Function):
    type: str = "function"


class _TextFormat(Struct):
    schema: Json | None = None


class _Text(Struct):
    format: _TextFormat | None = None


class _ResponsesRequest(Struct):
    model: str
    input: str | list[_Turn] | None = None
    instructions: str | None = None
    stream: bool | None = False
    tools: list[_ResponsesTool] | None = None
    text: _Text | None = None
    max_output_tokens: int | None = None


def read_responses(body: bytes) -> Prompt:
    """A Responses request. Raises msgspec.DecodeError."""
    request = msgspec.json.decode(body, type=_ResponsesRequest)
    items = [_Turn(role="user", content=request.input)] if isinstance(request.input, str) else request.input or []
    said = [_Said(i.role or "", _texts(i.content or i.output), i.type.endswith("_output")) for i in items]
    return _prompt(
        [_Said("system", request.instructions or ""), *said],
        model=request.model,
        tools=(Tool(t.name, t.parameters or {}) for t in request.tools or () if t.type == "function"),
        schema=request.text.format.schema if request.text and request.text.format else None,
        max_output=request.max_output_tokens,
        stream=request.stream,
    )


# --- Anthropic Messages ---------------------------------------------------------------------------------------------


class _AnthropicTool(Struct):
    name: str = ""
    input_schema: Json | None = None


class _OutputConfig(Struct):
    format: _TextFormat | None = None


class _AnthropicRequest(Struct):
    model: str
    messages: list[_Turn]
    system: str | list[_Part] | None = None
    stream: bool | None = False
    tools: list[_AnthropicTool] | None = None
    output_config: _OutputConfig | None = None
    max_tokens: int | None = None


def read_anthropic(body: bytes) -> Prompt:
    """A Messages request. Raises msgspec.DecodeError."""
    request = msgspec.json.decode(body, type=_AnthropicRequest)
    wanted = request.output_config.format if request.output_config else None
    said = [_Said(turn.role or "", _texts(turn.content), _holds_result(turn)) for turn in request.messages]
    return _prompt(
        [_Said("system", _texts(request.system)), *said],
        model=request.model,
        tools=(Tool(t.name, t.input_schema) for t in request.tools or () if t.input_schema is not None),
        schema=wanted.schema if wanted else None,
        max_output=request.max_tokens,
        stream=request.stream,
    )


def _holds_result(turn: _Turn) -> bool:
    return isinstance(turn.content, list) and any(part.type == "tool_result" for part in turn.content)


# --- Gemini ---------------------------------------------------------------------------------------------------------


_SNAKE = {
    "function_declarations": "functionDeclarations",
    "function_response": "functionResponse",
    "generation_config": "generationConfig",
    "max_output_tokens": "maxOutputTokens",
    "output_dimensionality": "outputDimensionality",
    "parameters_json_schema": "parametersJsonSchema",
    "response_json_schema": "responseJsonSchema",
    "response_schema": "responseSchema",
    "system_instruction": "systemInstruction",
}
"""Google takes both spellings, and its own SDK sends a mix."""


class _FunctionResponse(Struct):
    response: Json | None = None


class _GeminiPart(Struct, rename="camel"):
    text: str | None = None
    function_response: _FunctionResponse | None = None


class _Content(Struct):
    role: str | None = "user"
    parts: list[_GeminiPart] | _GeminiPart | None = None


class _Declaration(Struct, rename="camel"):
    name: str = ""
    parameters: Json | None = None
    parameters_json_schema: Json | None = None


class _GeminiTool(Struct, rename="camel"):
    function_declarations: list[_Declaration] | None = None


class _GenerationConfig(Struct, rename="camel"):
    max_output_tokens: int | None = None
    response_schema: Json | None = None
    response_json_schema: Json | None = None


class _GeminiRequest(Struct, rename="camel"):
    contents: list[_Content] | _Content = field(default_factory=list)
    system_instruction: _Content | None = None
    tools: list[_GeminiTool] | None = None
    generation_config: _GenerationConfig | None = None


def read_gemini(body: bytes, model: str, stream: bool) -> Prompt:
    """A generateContent request. Raises msgspec.DecodeError."""
    request = msgspec.convert(_camel(msgspec.json.decode(body)), _GeminiRequest)
    contents = request.contents if isinstance(request.contents, list) else [request.contents]
    config = request.generation_config or _GenerationConfig()
    system = [_Said("system", _gemini_said(request.system_instruction).text)] if request.system_instruction else []
    return _prompt(
        [*system, *map(_gemini_said, contents)],
        model=model,
        tools=_gemini_tools(request),
        schema=config.response_json_schema or config.response_schema,
        max_output=config.max_output_tokens,
        stream=stream,
    )


def _gemini_tools(request: _GeminiRequest) -> Iterator[Tool]:
    for tool in request.tools or ():
        for declared in tool.function_declarations or ():
            yield Tool(declared.name, declared.parameters_json_schema or declared.parameters or {})


def _camel(value: object) -> object:
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if isinstance(value, dict):
        return {_SNAKE.get(key, key): _camel(item) for key, item in value.items()}
    return value


def _gemini_said(content: _Content) -> _Said:
    parts = [content.parts] if isinstance(content.parts, _GeminiPart) else content.parts or []
    results = [found for part in parts if (found := part.function_response)]
    texts = [part.text or "" for part in parts] + [msgspec.json.encode(r.response).decode() for r in results]
    return _Said(content.role or "user", "\n".join(filter(None, texts)), bool(results))


# --- embeddings -----------------------------------------------------------------------------------------------------


class EmbeddingRequest(Struct):
    """An OpenAI embeddings request; token lists are as good as text here."""

    model: str
    input: str | list[str | int | list[int]]
    encoding_format: str | None = "float"
    dimensions: int | None = None

    def texts(self) -> list[str]:
        """What is to be embedded, one text a vector."""
        if isinstance(self.input, str):
            return [self.input]
        if all(isinstance(item, int) for item in self.input):
            return [" ".join(map(str, self.input))]
        return [item if isinstance(item, str) else str(item) for item in self.input]


class _EmbedContent(Struct, rename="camel"):
    content: _Content
    output_dimensionality: int | None = None


class _EmbedBatch(Struct):
    requests: list[_EmbedContent]


def read_gemini_embeddings(body: bytes, batch: bool) -> list[tuple[str, int | None]]:
    """Texts with the length of the vector that is wanted. Raises msgspec.DecodeError."""
    request = _camel(msgspec.json.decode(body))
    requests = msgspec.convert(request, _EmbedBatch).requests if batch else [msgspec.convert(request, _EmbedContent)]
    return [(_gemini_said(request.content).text, request.output_dimensionality) for request in requests]
