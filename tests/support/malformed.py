"""Bodies that are wrong or contradict themselves, fifty and more for each protocol, and what is wrong with each."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.canonical import Protocol

MODEL = "m-large"
PATHS: dict[Protocol, str] = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
    "gemini": "/v1beta/models/MODEL:generateContent",
}
BASES: dict[Protocol, dict[str, Any]] = {
    "openai_chat": {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]},
    "openai_responses": {"model": MODEL, "input": "hi"},
    "anthropic_messages": {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}


@dataclass(frozen=True)
class Odd:
    """One such body."""

    what: str
    """What is wrong with it, in a few words."""
    body: bytes
    field: str
    """What its refusal must name."""
    seen: bool = False
    """Wrong in what the gateway itself goes by, so that it is refused in front of any upstream. All else is between a
    client and a provider that speak the same protocol: such a body arrives there as it was sent."""


Cases = Iterator[tuple[str, dict[str, Any], str, bool]]
BIG = 10**400
SELF = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
"""A schema that leads back to itself and says nothing on the way."""


def bodies(protocol: Protocol) -> Iterator[Odd]:
    """All of a protocol: broken text first, then broken members."""
    base = BASES[protocol]
    yield from _texts(json.dumps(base).encode(), base)
    for what, members, field, seen in CASES[protocol]():
        whole = {name: value for name, value in (base | members).items() if value != GONE}
        yield Odd(what, json.dumps(whole).encode(), field, seen)


GONE = "(not there)"


def _texts(text: bytes, base: dict[str, Any]) -> Iterator[Odd]:
    """What no protocol can read."""
    yield Odd("cut off", text[:-2], "ends too early", seen=True)
    yield Odd("empty", b"", "ends too early", seen=True)
    yield Odd("a list", b"[]", "object", seen=True)
    yield Odd("a null", b"null", "object", seen=True)
    yield Odd("half a pair of surrogates", text.replace(b"hi", b"h\\ud800i"), "surrogate", seen=True)
    yield Odd("NUL", text.replace(b"hi", b"h\\u0000i"), "NUL", seen=True)
    yield Odd("no UTF-8", text.replace(b"hi", b"h\xffi"), "UTF-8", seen=True)
    yield Odd("no number", text[:-1] + b',"x":NaN}', "JSON", seen=True)
    yield Odd("nested too deep", json.dumps(base | {"x": _deep(100)}).encode(), "nested", seen=True)


def _deep(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


# --- OpenAI Chat ----------------------------------------------------------------------------------------------------


def _said(*messages: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "hi"}, *messages]}


def _content(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


def _chat_call(**members: Any) -> dict[str, Any]:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}} | members
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _chat_tool(**members: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}} | members}]}


CHAT_RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "x"}


def _chat() -> Cases:
    yield "no model", {"model": GONE}, "model", True
    yield "a number as model", {"model": 5}, "model", True
    yield "no name of a model", {"model": ""}, "model", True
    yield "an endless name of a model", {"model": "m" * 300}, "model", True
    yield "a limit below nothing", {"max_tokens": -1}, "max_tokens", True
    yield "an endless limit", {"max_tokens": BIG}, "max_tokens", True
    yield "a limit in words", {"max_completion_tokens": "5"}, "max_completion_tokens", True
    yield "no answers at all", {"n": 0}, "n", True
    yield "a stream in words", {"stream": "yes"}, "stream", True
    yield "options of a stream in words", {"stream": True, "stream_options": "x"}, "stream_options", True
    yield "no messages", {"messages": GONE}, "messages", False
    yield "an empty conversation", {"messages": []}, "messages", False
    yield "a conversation in words", {"messages": "hi"}, "messages", False
    yield "a message that is null", _said(None), "messages[1]", False
    yield "a message in words", _said("hi"), "messages[1]", False
    yield "no role", _said({"content": "x"}), "messages[1]", False
    yield "an unknown role", _said({"role": "robot", "content": "x"}), "messages[1]", False
    yield "a role that is null", _said({"role": None, "content": "x"}), "messages[1]", False
    yield "a number as content", _content(5), "messages[0].content", False
    yield "no content", {"messages": [{"role": "user"}]}, "content", False
    yield "content that is null", _content(None), "messages[0].content", False
    yield "empty content", _content(""), "messages[0].content", False
    yield "content without parts", _content([]), "messages[0].content", False
    yield "an unknown part", _content([{"type": "scent"}]), "messages[0].content[0]", False
    yield "a part that is null", _content([None]), "messages[0].content[0]", False
    yield "a text without text", _content([{"type": "text"}]), "messages[0].content[0]", False
    yield "a number as text", _content([{"type": "text", "text": 5}]), "messages[0].content[0].text", False
    yield "an image of nothing", _content([{"type": "image_url", "image_url": {}}]), "messages[0].content[0]", False
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,%"}}
    yield "an image that is no base64", _content([picture]), "messages[0].content[0]", False
    picture = {"type": "image_url", "image_url": {"url": "nowhere"}}
    yield "an image from nowhere", _content([picture]), "messages[0].content[0]", False
    sound = {"type": "input_audio", "input_audio": {"data": "%", "format": "wav"}}
    yield "audio that is no base64", _content([sound]), "messages[0].content[0]", False
    yield "a result without a call", _said(CHAT_RESULT), "messages[1].tool_call_id", False
    yield "a call without a result", _said(_chat_call()), "messages[1].tool_calls", False
    twice = _chat_call()
    twice["tool_calls"] = twice["tool_calls"] * 2
    yield "two calls of one id", _said(twice, CHAT_RESULT, CHAT_RESULT), "messages[1].tool_calls[1].id", False
    yield "two results of one call", _said(_chat_call(), CHAT_RESULT, CHAT_RESULT), "messages[3].tool_call_id", False
    yield "a result for nobody", _said(_chat_call(), {"role": "tool", "content": "x"}), "messages[2]", False
    yield "a number as a call's id", _said(_chat_call(id=5), CHAT_RESULT), "messages[1].tool_calls[0].id", False
    yield "a call of nothing", _said(_chat_call(function=None), CHAT_RESULT), "messages[1].tool_calls[0]", False
    nameless = {"name": "", "arguments": "{}"}
    yield (
        "a call without a name",
        _said(_chat_call(function=nameless), CHAT_RESULT),
        "tool_calls[0].function.name",
        False,
    )
    odd = {"name": "f", "arguments": 5}
    yield "a number as arguments", _said(_chat_call(function=odd), CHAT_RESULT), "function.arguments", False
    yield "tools in words", {"tools": "x"}, "tools", False
    yield "a tool that is nothing", {"tools": [{}]}, "tools[0]", False
    yield "a tool without a name", _chat_tool(name=""), "tools[0].function.name", False
    yield "a schema in words", _chat_tool(parameters="x"), "tools[0].function.parameters", False
    yield "a schema that is a list", _chat_tool(parameters=[]), "tools[0].function.parameters", False
    yield "a schema that leads nowhere", _chat_tool(parameters=SELF), "tools[0]", False
    yield (
        "two tools of one name",
        {"tools": _chat_tool()["tools"] + _chat_tool(strict=True)["tools"]},
        "tools[1]",
        False,
    )
    yield "an unknown choice", _chat_tool() | {"tool_choice": "maybe"}, "tool_choice", False
    yield "a choice of nothing", _chat_tool() | {"tool_choice": {"type": "function"}}, "tool_choice", False
    other = {"type": "function", "function": {"name": "g"}}
    yield "a choice that is not offered", _chat_tool() | {"tool_choice": other}, "tool_choice", False
    yield "a choice among no tools", {"tool_choice": "required"}, "tool_choice", False
    yield "more answers than one", {"n": 2}, "n", False
    yield "a temperature in words", {"temperature": "hot"}, "temperature", False
    yield "a number where an ending belongs", {"stop": 5}, "stop", False
    yield "numbers where endings belong", {"stop": [5]}, "stop[0]", False
    yield "an unknown form", {"response_format": {"type": "yaml"}}, "response_format", False
    yield "a form without a schema", {"response_format": {"type": "json_schema"}}, "response_format", False
    yield "biases in a list", {"logit_bias": []}, "logit_bias", False
    yield "a number as effort", {"reasoning_effort": 5}, "reasoning_effort", False
    yield "metadata in words", {"metadata": "x"}, "metadata", False
    yield "half a token", {"logprobs": True, "top_logprobs": 5.5}, "top_logprobs", False


# --- OpenAI Responses -----------------------------------------------------------------------------------------------


def _items(*items: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": "hi"}, *items]}


def _parts(*parts: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": list(parts)}]}


CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
TOOL = {"type": "function", "name": "f", "parameters": {"type": "object"}}


def _responses() -> Cases:
    yield "no model", {"model": GONE}, "model", True
    yield "a number as model", {"model": 5}, "model", True
    yield "no name of a model", {"model": ""}, "model", True
    yield "a limit below nothing", {"max_output_tokens": -1}, "max_output_tokens", True
    yield "an endless limit", {"max_output_tokens": BIG}, "max_output_tokens", True
    yield "a limit in words", {"max_output_tokens": "5"}, "max_output_tokens", True
    yield "a stream in words", {"stream": "yes"}, "stream", True
    yield "no input", {"input": GONE}, "input", False
    yield "a number as input", {"input": 5}, "input", False
    yield "an empty input", {"input": ""}, "input", False
    yield "no items", {"input": []}, "input", False
    yield "an item in words", _items("hi"), "input[1]", False
    yield "an item that is null", _items(None), "input[1]", False
    yield "an unknown item", _items({"type": "scent"}), "input[1].type", False
    yield "an unknown role", _items({"role": "robot", "content": "x"}), "input[1].role", False
    yield "a number as role", _items({"type": "message", "role": 5, "content": "x"}), "input[1].role", False
    yield "no content", _items({"role": "user"}), "input[1].content", False
    yield "content that is null", _items({"role": "user", "content": None}), "input[1].content", False
    yield "empty content", _items({"role": "user", "content": ""}), "input[1].content", False
    yield "content without parts", _items({"role": "user", "content": []}), "input[1].content", False
    yield "an unknown part", _parts({"type": "scent"}), "input[0].content[0].type", False
    yield "a part in words", _parts("hi"), "input[0].content[0]", False
    yield "a text without text", _parts({"type": "input_text"}), "input[0].content[0].text", False
    yield "an image of nothing", _parts({"type": "input_image"}), "input[0].content[0].image_url", False
    picture = {"type": "input_image", "image_url": "data:image/png;base64,%"}
    yield "an image that is no base64", _parts(picture), "input[0].content[0].image_url", False
    yield "a file of nothing", _parts({"type": "input_file"}), "input[0].content[0].file_data", False
    yield "a result without a call", _items(OUTPUT), "input[1].call_id", False
    yield "a call without a result", _items(CALL), "input[1].call_id", False
    yield "two calls of one id", _items(CALL, CALL, OUTPUT, OUTPUT), "input[2].call_id", False
    yield "two results of one call", _items(CALL, OUTPUT, OUTPUT), "input[3].call_id", False
    yield "a call without an id", _items(CALL | {"call_id": ""}, OUTPUT), "input[1].call_id", False
    yield "a call without a name", _items(CALL | {"name": None}, OUTPUT), "input[1].name", False
    yield "a number as arguments", _items(CALL | {"arguments": 5}, OUTPUT), "input[1].arguments", False
    yield "a number as output", _items(CALL, OUTPUT | {"output": 5}), "input[2].output", False
    yield "no output", _items(CALL, {"type": OUTPUT["type"], "call_id": "call_1"}), "input[2].output", False
    yield "a thought in words", _items({"type": "reasoning", "summary": "hm"}), "input[1].summary", False
    yield "tools in words", {"tools": "x"}, "tools", False
    yield "a tool that is nothing", {"tools": [{}]}, "tools[0].type", False
    yield "a tool without a name", {"tools": [TOOL | {"name": ""}]}, "tools[0].name", False
    yield "a schema in words", {"tools": [TOOL | {"parameters": "x"}]}, "tools[0].parameters", False
    yield "a schema that leads nowhere", {"tools": [TOOL | {"parameters": SELF}]}, "tools[0]", False
    yield "two tools of one name", {"tools": [TOOL, TOOL]}, "tools", False
    yield "a tool of another provider", {"tools": [{"type": "file_search"}]}, "tools[0]", False
    yield "tools brought in words", _items({"type": "additional_tools", "tools": "x"}), "input[1].tools", False
    yield "a limit of searches in words", {"tools": [{"type": "web_search", "filters": 5}]}, "tools[0].filters", False
    yield "an unknown choice", {"tools": [TOOL], "tool_choice": "maybe"}, "tool_choice", False
    yield "a choice of nothing", {"tools": [TOOL], "tool_choice": {"type": "function"}}, "tool_choice.name", False
    other = {"type": "function", "name": "g"}
    yield "a choice that is not offered", {"tools": [TOOL], "tool_choice": other}, "tool_choice", False
    yield "a temperature in words", {"temperature": "hot"}, "temperature", False
    yield "an unknown form", {"text": {"format": {"type": "yaml"}}}, "text.format.type", False
    yield "a form without a schema", {"text": {"format": {"type": "json_schema", "name": "x"}}}, "schema", False
    yield "an unknown effort", {"reasoning": {"effort": "heroic"}}, "reasoning.effort", False
    yield "thinking in words", {"reasoning": "x"}, "reasoning", False
    yield "instructions in a list", {"instructions": ["x"]}, "instructions", False
    yield "two pasts", {"previous_response_id": "resp_1", "conversation": "conv_1"}, "previous_response_id", True
    yield "metadata in words", {"metadata": "x"}, "metadata", False
    yield "a prompt in words", {"prompt": "x"}, "prompt", False


# --- Anthropic Messages ---------------------------------------------------------------------------------------------


def _use(**members: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}} | members]}


def _result(**members: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "x"} | members]}


LOOK = {"name": "f", "input_schema": {"type": "object"}}


def _anthropic() -> Cases:
    yield "no model", {"model": GONE}, "model", True
    yield "a number as model", {"model": 5}, "model", True
    yield "no name of a model", {"model": ""}, "model", True
    yield "a limit below nothing", {"max_tokens": -1}, "max_tokens", True
    yield "an endless limit", {"max_tokens": BIG}, "max_tokens", True
    yield "a limit in words", {"max_tokens": "5"}, "max_tokens", True
    yield "a stream in words", {"stream": "yes"}, "stream", True
    yield "no messages", {"messages": GONE}, "messages", False
    yield "an empty conversation", {"messages": []}, "messages", False
    yield "a conversation in words", {"messages": "hi"}, "messages", False
    yield "a message that is null", _said(None), "messages[1]", False
    yield "no role", _said({"content": "x"}), "messages[1]", False
    yield "an unknown role", _said({"role": "robot", "content": "x"}), "messages[1].role", False
    yield "no content", _said({"role": "assistant"}), "messages[1]", False
    yield "a number as content", _content(5), "messages[0].content", False
    yield "content that is null", _content(None), "messages[0].content", False
    yield "empty content", _content(""), "messages[0].content", False
    yield "content without blocks", _content([]), "messages[0].content", False
    yield "an unknown block", _content([{"type": "scent"}]), "messages[0].content[0].type", False
    yield "a block without a type", _content([{"text": "x"}]), "messages[0].content[0].type", False
    yield "a block in words", _content(["hi"]), "messages[0].content[0]", False
    yield "a text without text", _content([{"type": "text"}]), "messages[0].content[0]", False
    yield "an image of nothing", _content([{"type": "image"}]), "messages[0].content[0]", False
    source: dict[str, Any] = {"type": "base64", "media_type": "image/png", "data": "%"}
    yield "an image that is no base64", _content([{"type": "image", "source": source}]), "source.data", False
    source = {"type": "scent"}
    yield (
        "an image from nowhere",
        _content([{"type": "image", "source": source}]),
        "messages[0].content[0].source",
        False,
    )
    yield "a result without a call", {"messages": [_result()]}, "messages[0].content[0].tool_use_id", False
    yield "a call without a result", _said(_use()), "messages[1].content[0].id", False
    yield "two calls of one id", _said(_use(), _result(), _use(), _result()), "messages[3].content[0].id", False
    double = {"role": "user", "content": _result()["content"] * 2}
    yield "two results of one call", _said(_use(), double), "messages[2].content[1].tool_use_id", False
    yield "a call by the user", {"messages": [{"role": "user", "content": _use()["content"]}]}, "content[0]", False
    yield "a call without a name", _said(_use(name=""), _result()), "messages[1].content[0].name", False
    yield "input in words", _said(_use(input="x"), _result()), "messages[1].content[0].input", False
    yield "a number as a result", _said(_use(), _result(content=5)), "messages[2].content[0].content", False
    yield "a thought by the user", _content([{"type": "thinking", "thinking": "x"}]), "messages[0].content[0]", False
    yield "instructions in a number", {"system": 5}, "system", False
    yield "instructions of images", {"system": [{"type": "image"}]}, "system[0]", False
    yield "tools in words", {"tools": "x"}, "tools", False
    yield "a tool that is nothing", {"tools": [{}]}, "tools[0]", False
    yield "a tool without a name", {"tools": [LOOK | {"name": ""}]}, "tools[0].name", False
    yield "a schema in words", {"tools": [LOOK | {"input_schema": "x"}]}, "tools[0].input_schema", False
    yield "a schema that leads nowhere", {"tools": [LOOK | {"input_schema": SELF}]}, "tools[0]", False
    yield "two tools of one name", {"tools": [LOOK, LOOK]}, "tools[1].name", False
    hosted = {"type": "code_execution_20250522", "name": "code_execution"}
    yield "a tool of another provider", {"tools": [hosted]}, "tools[0]", False
    searched = {"type": "web_search_20250305", "name": "web_search", "max_uses": -1}
    yield "searches below nothing", {"tools": [searched]}, "tools[0].max_uses", False
    yield "an unknown choice", {"tools": [LOOK], "tool_choice": {"type": "maybe"}}, "tool_choice.type", False
    yield "a choice in words", {"tools": [LOOK], "tool_choice": "auto"}, "tool_choice", False
    yield "a choice of nothing", {"tools": [LOOK], "tool_choice": {"type": "tool"}}, "tool_choice.name", False
    other = {"type": "tool", "name": "g"}
    yield "a choice that is not offered", {"tools": [LOOK], "tool_choice": other}, "tool_choice", False
    yield "a temperature below nothing", {"temperature": -1}, "temperature", False
    yield "a temperature in words", {"temperature": "hot"}, "temperature", False
    yield "more than all", {"top_p": 2}, "top_p", False
    yield "endings in words", {"stop_sequences": "END"}, "stop_sequences", False
    yield "thinking in words", {"thinking": "x"}, "thinking", False
    yield "thinking of an unknown kind", {"thinking": {"type": "heroic"}}, "thinking.type", False
    yield "an unknown effort", {"output_config": {"effort": "heroic"}}, "output_config.effort", False
    yield (
        "a form without a schema",
        {"output_config": {"format": {"type": "json_schema"}}},
        "output_config.format",
        False,
    )
    yield "a user in a number", {"metadata": {"user_id": 5}}, "metadata.user_id", False


# --- Gemini ---------------------------------------------------------------------------------------------------------


def _contents(*contents: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "hi"}]}, *contents]}


def _part(*parts: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": list(parts)}]}


def _declared(**members: Any) -> dict[str, Any]:
    return {"tools": [{"functionDeclarations": [{"name": "f"} | members]}]}


def _config(**members: Any) -> dict[str, Any]:
    return {"generationConfig": members}


FUNCTION = {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "f", "args": {}}}]}
ANSWER = {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "f", "response": {}}}]}


def _gemini() -> Cases:
    yield "a limit below nothing", _config(maxOutputTokens=-1), "maxOutputTokens", True
    yield "an endless limit", _config(maxOutputTokens=BIG), "maxOutputTokens", True
    yield "a limit in words", _config(maxOutputTokens="many"), "maxOutputTokens", True
    yield "no answers at all", _config(candidateCount=0), "candidateCount", True
    yield "a config in words", {"generationConfig": "x"}, "generationConfig", True
    yield "no contents", {"contents": GONE}, "contents", False
    yield "empty contents", {"contents": []}, "contents", False
    yield "contents in words", {"contents": "hi"}, "contents", False
    yield "a content that is null", {"contents": [None]}, "contents[0]", False
    yield "a content in words", _contents("hi"), "contents[1]", False
    yield "an unknown role", _contents({"role": "robot", "parts": [{"text": "x"}]}), "contents[1].role", False
    yield "a number as role", _contents({"role": 5, "parts": [{"text": "x"}]}), "contents[1].role", False
    yield "no parts", _contents({"role": "user"}), "contents[1].parts", False
    yield "empty parts", _contents({"role": "user", "parts": []}), "contents[1].parts", False
    yield "parts in words", _contents({"role": "user", "parts": "x"}), "contents[1].parts", False
    yield "a part that is null", _part(None), "contents[0].parts[0]", False
    yield "a part in words", _part("hi"), "contents[0].parts[0]", False
    yield "a part of nothing", _part({}), "contents[0].parts[0]", False
    yield "an unknown part", _part({"scent": "rose"}), "contents[0].parts[0]", False
    yield "a number as text", _part({"text": 5}), "contents[0].parts[0].text", False
    yield "empty text", _part({"text": ""}), "contents", False
    yield "two things in one part", _part({"text": "x", "inlineData": {}}), "contents[0].parts[0]", False
    yield "media of nothing", _part({"inlineData": {}}), "contents[0].parts[0].inlineData", False
    odd = {"mimeType": "image/png", "data": "%"}
    yield "media that is no base64", _part({"inlineData": odd}), "contents[0].parts[0].inlineData.data", False
    yield "media in words", _part({"inlineData": "x"}), "contents[0].parts[0].inlineData", False
    yield "a file of nothing", _part({"fileData": {}}), "contents[0].parts[0].fileData", False
    yield "a result without a call", {"contents": [ANSWER]}, "contents[0].parts[0].functionResponse", False
    yield "a call without a result", _contents(FUNCTION), "contents[1].parts[0].functionCall", False
    twice = {"role": "model", "parts": FUNCTION["parts"] * 2}
    both = {"role": "user", "parts": ANSWER["parts"] * 2}
    yield "two calls of one id", _contents(twice, both), "contents[1].parts[1].functionCall", False
    yield "two results of one call", _contents(FUNCTION, both), "contents[2].parts[1].functionResponse", False
    nameless = {"role": "model", "parts": [{"functionCall": {"args": {}}}]}
    yield "a call without a name", _contents(nameless), "contents[1].parts[0].functionCall.name", False
    worded = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": "x"}}]}
    yield "arguments in words", _contents(worded), "contents[1].parts[0].functionCall.args", False
    told = {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "f", "response": "x"}}]}
    yield "a result in words", _contents(FUNCTION, told), "contents[2].parts[0].functionResponse.response", False
    yield "instructions in a number", {"systemInstruction": 5}, "systemInstruction", False
    yield "instructions of nothing", {"systemInstruction": {"parts": 5}}, "systemInstruction", False
    yield "tools in words", {"tools": "x"}, "tools", False
    yield "a tool in words", {"tools": ["x"]}, "tools[0]", False
    yield "declarations in words", {"tools": [{"functionDeclarations": "x"}]}, "functionDeclarations", False
    yield "a declaration in words", {"tools": [{"functionDeclarations": ["x"]}]}, "functionDeclarations[0]", False
    yield "a function without a name", _declared(name=""), "functionDeclarations[0].name", False
    yield "a schema in words", _declared(parameters="x"), "functionDeclarations[0].parameters", False
    yield "two schemas", _declared(parameters={}, parametersJsonSchema={}), "functionDeclarations[0].parameters", False
    yield "a schema that leads nowhere", _declared(parametersJsonSchema=SELF), "tools[0]", False
    pair = {"tools": [{"functionDeclarations": [{"name": "f"}, {"name": "f"}]}]}
    yield "two functions of one name", pair, "functionDeclarations[1].name", False
    yield "a tool of another provider", {"tools": [{"codeExecution": {}}]}, "tools[0]", False
    yield "a search in words", {"tools": [{"googleSearch": "x"}]}, "tools[0].googleSearch", False
    mode = {"functionCallingConfig": {"mode": "MAYBE"}}
    yield "an unknown choice", _declared() | {"toolConfig": mode}, "toolConfig.functionCallingConfig.mode", False
    yield "a choice in words", _declared() | {"toolConfig": "ANY"}, "toolConfig", False
    other = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}}
    yield "a choice that is not offered", _declared() | {"toolConfig": other}, "toolConfig", False
    yield "a temperature in words", _config(temperature="hot"), "generationConfig.temperature", False
    yield "endings in a number", _config(stopSequences=5), "generationConfig.stopSequences", False
    yield "an unknown form", _config(responseMimeType="text/yaml"), "generationConfig.responseMimeType", False
    yield "a form in words", _config(responseJsonSchema="x"), "generationConfig.responseJsonSchema", False
    yield "thinking in words", _config(thinkingConfig="x"), "generationConfig.thinkingConfig", False
    level = {"thinkingLevel": "HEROIC"}
    yield "an unknown level of thinking", _config(thinkingConfig=level), "thinkingLevel", False
    yield "more answers than one", _config(candidateCount=2), "n", False


CASES: dict[Protocol, Callable[[], Cases]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _anthropic,
    "gemini": _gemini,
}
