"""What real providers refuse, by protocol: a look at one request's body that raises in the provider's own words."""

import json
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from anthropic.types.message_create_params import MessageCreateParamsBase
from harbour import require
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase
from strict_google import Body, Issued, check_gemini, only

from gateway.canonical import Protocol

CHAT_FIELDS = {*CompletionCreateParamsBase.__annotations__, "stream"}
RESPONSES_FIELDS = {*ResponseCreateParamsBase.__annotations__, "stream"}
ANTHROPIC_FIELDS = {*MessageCreateParamsBase.__annotations__, "stream", "temperature", "top_p", "top_k"}


def strict_schema(schema: Any, where: str) -> None:
    """What OpenAI asks of a schema that is to be kept to the letter."""
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        require(
            schema.get("additionalProperties") is False,
            f"Invalid schema for {where}: 'additionalProperties' is required",
        )
        missing = set(schema.get("properties", {})) - set(schema.get("required", []))
        require(not missing, f"Invalid schema for {where}: 'required' must include every key, missing {missing}")
    for inner in schema.get("properties", {}).values():
        strict_schema(inner, where)


TIERS = ("auto", "default", "flex", "scale", "priority", "fast")


def _thinks(model: str) -> bool:
    return bool(re.match(r"o\d|gpt-[5-9]", model))


# --- OpenAI ---------------------------------------------------------------------------------------------------------


def check_chat(body: Body, issued: Issued) -> None:
    """What OpenAI refuses of a chat."""
    only(body, CHAT_FIELDS, "Unrecognized request argument supplied: {}")
    require(body.get("model"), "you must provide a model parameter")
    require(body.get("messages"), "Invalid 'messages': empty array.")
    require(
        "stream_options" not in body or body.get("stream"), "'stream_options' is only allowed when 'stream' is enabled"
    )
    require(not ("max_tokens" in body and _thinks(body["model"])), "Unsupported parameter: 'max_tokens'")
    require(not ("temperature" in body and _thinks(body["model"])), "Unsupported value: 'temperature'")
    require(len(body["stop"]) <= 4 if isinstance(body.get("stop"), list) else True, "Invalid 'stop': array too long")
    require("top_logprobs" not in body or body.get("logprobs"), "'top_logprobs' needs 'logprobs'")
    require(body.get("service_tier", "auto") in TIERS, "Invalid value: 'service_tier'")
    _openai_tools(body, "chat")
    for at, message in enumerate(body["messages"]):
        _chat_message(message, f"messages[{at}]")
    _chat_results(body["messages"])
    form = body.get("response_format", {})
    if form.get("type") == "json_schema":
        _named_schema(form["json_schema"], "response_format")


def _openai_tools(body: Body, api: str) -> None:
    tools = body.get("tools")
    require(tools is None or tools, "Invalid 'tools': empty array. Expected at least 1 item.")
    require(
        tools or "parallel_tool_calls" not in body, "'parallel_tool_calls' is only allowed when 'tools' are specified"
    )
    require(
        tools or body.get("tool_choice", "none") == "none", "'tool_choice' is only allowed when 'tools' are specified"
    )
    names = []
    for at, tool in enumerate(tools or []):
        require(tool["type"] in ("function", "custom") or api == "responses", f"Invalid value: 'tools[{at}].type'")
        function = tool.get(tool["type"]) if api == "chat" else tool
        require(isinstance(function, dict) and "name" in function, f"Missing required parameter: 'tools[{at}].name'")
        require(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", function["name"]), f"Invalid 'tools[{at}].name'")
        names.append(function["name"])
        strict = function.get("strict", api == "responses" and tool["type"] == "function")
        if strict:
            strict_schema(function.get("parameters"), f"function '{function['name']}'")
        schema = function.get("parameters", {"type": "object"})
        require(schema is None or schema.get("type") == "object", f"Invalid schema for function '{function['name']}'")
    require(len(names) == len(set(names)), "Tool names must be unique.")


def _named_schema(form: Body, where: str) -> None:
    require(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", form.get("name", "")), f"Invalid '{where}.name'")
    require(isinstance(form.get("schema"), dict), f"Missing required parameter: '{where}.schema'")
    if form.get("strict"):
        strict_schema(form["schema"], where)


def _chat_message(message: Body, where: str) -> None:
    role, content = message.get("role"), message.get("content")
    require(role in ("system", "developer", "user", "assistant", "tool"), f"Invalid value: '{role}' at {where}.role")
    require(
        content is not None or message.get("tool_calls"), f"Invalid value for 'content': expected a string at {where}"
    )
    require(content != [], f"Invalid '{where}.content': empty array.")
    kinds = {"user": ("text", "image_url", "input_audio", "file"), "tool": ("text", "image_url")}
    for part in content if isinstance(content, list) else []:
        require(
            part["type"] in kinds.get(role or "", ("text", "refusal")), f"Invalid value: '{part['type']}' at {where}"
        )
    for call in message.get("tool_calls", ()):
        require(0 < len(call["id"]) <= 40, f"Invalid '{where}.tool_calls[0].id': string too long, maximum length 40")
        require(
            isinstance(call["function"]["arguments"], str) if "function" in call else True, f"Invalid type at {where}"
        )
    require(message.get("tool_calls") != [], f"Invalid '{where}.tool_calls': empty array.")


def _chat_results(messages: list[Body]) -> None:
    """Every call is answered, right behind its turn."""
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            require(
                message.get("tool_call_id") in waiting,
                "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
            )
            waiting.remove(message["tool_call_id"])
            continue
        require(not waiting, f"An assistant message with 'tool_calls' must be followed by tool messages: {waiting}")
        waiting = [call["id"] for call in message.get("tool_calls", ())]
        require(len(waiting) == len(set(waiting)), "Duplicate tool call ids.")
    require(not waiting, f"An assistant message with 'tool_calls' must be followed by tool messages: {waiting}")


ITEMS = ("message", "reasoning", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output")
PREFIXES = {"message": "msg_", "reasoning": "rs_", "function_call": "fc_", "custom_tool_call": "ctc_"}


def check_responses(body: Body, issued: Issued) -> None:
    """What OpenAI refuses of a response's request."""
    only(body, RESPONSES_FIELDS, "Unknown parameter: '{}'.")
    require(body.get("model"), "Missing required parameter: 'model'.")
    require(body.get("input"), "Missing required parameter: 'input'.")
    require(body.get("max_output_tokens", 16) >= 16, "Invalid 'max_output_tokens': integer below minimum value 16.")
    require(not ("temperature" in body and _thinks(body["model"])), "Unsupported parameter: 'temperature'")
    require(body.get("service_tier", "auto") in TIERS, "Invalid value: 'service_tier'")
    _openai_tools(body, "responses")
    items = body["input"] if isinstance(body["input"], list) else []
    for at, item in enumerate(items):
        _item(item, f"input[{at}]", issued)
    _item_results(items)
    form = body.get("text", {}).get("format", {})
    if form.get("type") == "json_schema":
        _named_schema(form, "text.format")


def _item(item: Body, where: str, issued: Issued) -> None:
    kind = item.get("type", "message")
    require(kind in ITEMS, f"Invalid value: '{kind}' at {where}.type")
    if "id" in item:
        require(item["id"].startswith(PREFIXES.get(kind, "")), f"Invalid '{where}.id': '{item['id']}'.")
        require(issued(item["id"]), f"Item with id '{item['id']}' not found.", 404)
    if "call_id" in item:
        require(0 < len(item["call_id"]) <= 64, f"Invalid '{where}.call_id': string too long, maximum length 64")
    if kind == "reasoning":
        require("summary" in item, f"Missing required parameter: '{where}.summary'.")
        token = item.get("encrypted_content")
        require(token is None or issued(token), "The encrypted content could not be verified.")
    if kind == "message":
        _message_item(item, where)


def _message_item(item: Body, where: str) -> None:
    require(item.get("role") in ("user", "assistant", "system", "developer"), f"Invalid value at {where}.role")
    require(item.get("content"), f"Missing required parameter: '{where}.content'.")
    kinds = ("output_text", "refusal") if item["role"] == "assistant" else ("input_text", "input_image", "input_file")
    for part in item["content"] if isinstance(item["content"], list) else []:
        require(part["type"] in kinds, f"Invalid value: '{part['type']}' at {where}.content, expected {kinds}")


def _item_results(items: list[Body]) -> None:
    calls = [item["call_id"] for item in items if item.get("type") in ("function_call", "custom_tool_call")]
    results = [item["call_id"] for item in items if item.get("type", "").endswith("_output")]
    require(len(calls) == len(set(calls)), "Duplicate function call ids.")
    for call in calls:
        require(call in results, f"No tool output found for function call {call}.")
    for result in results:
        require(result in calls, f"No tool call found for function call output with call_id {result}.")


# --- Anthropic ------------------------------------------------------------------------------------------------------

ADAPTIVE_ONLY = re.compile(r"claude-.*(4-[789]|[a-z]-5)")
MEDIA = ("image/png", "image/jpeg", "image/gif", "image/webp")


def check_anthropic(body: Body, issued: Issued) -> None:
    """What Anthropic refuses of a request for a message."""
    only(body, ANTHROPIC_FIELDS, "{}: Extra inputs are not permitted")
    require(body.get("model"), "model: Field required")
    require(isinstance(body.get("max_tokens"), int), "max_tokens: Field required")
    require(1 <= body["max_tokens"] <= 128_000, f"max_tokens: {body['max_tokens']} is not allowed for this model")
    require(body.get("messages"), "messages: at least one message is required")
    require(body.get("service_tier", "auto") in ("auto", "standard_only"), "service_tier: invalid")
    _anthropic_thinking(body)
    _anthropic_sampling(body)
    _anthropic_tools(body)
    _anthropic_turns(body, issued)
    require(all(stop.strip() for stop in body.get("stop_sequences", ())), "stop_sequences: must contain non-whitespace")
    require(set(body.get("metadata", {})) <= {"user_id"}, "metadata: Extra inputs are not permitted")
    system = body.get("system", "s")
    require(system, "system: text content blocks must be non-empty")
    for block in system if isinstance(system, list) else []:
        require(block["text"], "system: text content blocks must be non-empty")


def _anthropic_thinking(body: Body) -> None:
    thinking = body.get("thinking", {})
    require(
        thinking.get("type") in (None, "enabled", "disabled", "adaptive", "between_tools"), "thinking.type: invalid"
    )
    if thinking.get("type") == "enabled":
        require(not ADAPTIVE_ONLY.search(body["model"]), "thinking.type.enabled is not supported for this model")
        budget = thinking.get("budget_tokens", 0)
        require(budget >= 1024, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        require(budget < body["max_tokens"], "max_tokens must be greater than thinking.budget_tokens")
    if thinking.get("type") in ("enabled", "adaptive"):
        forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
        require(not forced, "Thinking may not be enabled when tool_choice forces tool use.")


def _anthropic_sampling(body: Body) -> None:
    for name in ("temperature", "top_p", "top_k"):
        require(name not in body or not ADAPTIVE_ONLY.search(body["model"]), f"{name} is not supported for this model")
    require(body.get("temperature", 0) <= 1, "temperature: range: 0..1")
    require(not {"temperature", "top_p"} <= set(body), "temperature and top_p cannot both be specified for this model")
    if body.get("thinking", {}).get("type") == "enabled":
        require(body.get("temperature", 1) == 1, "temperature may only be set to 1 when thinking is enabled")
        require("top_k" not in body, "top_k must be unset when thinking is enabled")


def _anthropic_tools(body: Body) -> None:
    tools = body.get("tools", [])
    require(tools or "tool_choice" not in body, "tool_choice may only be specified while providing tools")
    names = [tool["name"] for tool in tools]
    require(len(names) == len(set(names)), "tools: Tool names must be unique.")
    for at, tool in enumerate(tools):
        require(re.fullmatch(r"[A-Za-z0-9_-]{1,128}", tool["name"]), f"tools.{at}.name: String should match pattern")
        if tool.get("type", "custom") == "custom":
            schema = tool.get("input_schema", {})
            require(schema.get("type") == "object", f"tools.{at}.custom.input_schema.type: Field required")
    chosen = body.get("tool_choice", {}).get("name")
    require(chosen is None or chosen in names, f"tool_choice: Tool '{chosen}' not found in provided tools")


def _anthropic_turns(body: Body, issued: Issued) -> None:
    turns = [turn for turn in body["messages"] if turn["role"] != "system"]
    require(turns and turns[0]["role"] == "user", "messages: first message must use the user role")
    for before, after in pairwise(turns):
        require(
            before["role"] != after["role"],
            f"messages: roles must alternate, found multiple '{after['role']}' in a row",
        )
    seen: set[str] = set()
    called: list[str] = []
    for at, turn in enumerate(turns):
        blocks = turn["content"] if isinstance(turn["content"], list) else [{"type": "text", "text": turn["content"]}]
        require(blocks, f"messages.{at}.content: at least one block is required")
        for block in blocks:
            _block(block, f"messages.{at}", issued)
        _anthropic_results(blocks, called, f"messages.{at}")
        called = [block["id"] for block in blocks if block["type"] == "tool_use"]
        require(not seen & set(called) and len(called) == len(set(called)), "messages: `tool_use` ids must be unique")
        seen |= set(called)
        if called and body.get("thinking", {}).get("type") == "enabled" and at == len(turns) - 2:
            first = blocks[0]["type"]
            require(
                first in ("thinking", "redacted_thinking"), f"messages.{at}: Expected `thinking`, but found `{first}`"
            )
    require(not called, "messages: `tool_use` ids were found without `tool_result` blocks immediately after")
    if turns[-1]["role"] == "assistant":
        require(
            not re.search("claude-.*(4-[6789]|[a-z]-5)", body["model"]), "This model does not support assistant prefill"
        )


def _block(block: Body, where: str, issued: Issued) -> None:
    match block["type"]:
        case "text":
            require(block["text"], f"{where}: text content blocks must be non-empty")
            require(block["text"].strip(), f"{where}: text content blocks must contain non-whitespace text")
        case "image":
            source = block["source"]
            require(source["type"] != "base64" or source["media_type"] in MEDIA, f"{where}: media_type")
            require(source["type"] != "url" or source["url"].startswith("https://"), f"{where}: only HTTPS URLs")
        case "tool_use":
            require(re.fullmatch(r"[A-Za-z0-9_-]+", block["id"]), f"{where}: tool_use.id: String should match pattern")
            require(isinstance(block["input"], dict), f"{where}: tool_use.input: Input should be a valid dictionary")
        case "tool_result":
            content = block.get("content", "")
            for inner in content if isinstance(content, list) else []:
                _block(inner, where, issued)
        case "thinking":
            require(issued(block["signature"]), f"{where}: Invalid `signature` in `thinking` block")
        case "redacted_thinking":
            require(issued(block["data"]), f"{where}: Invalid `data` in `redacted_thinking` block")
        case kind:
            require(kind == "document", f"{where}: Input tag '{kind}' does not match any of the expected tags")


def _anthropic_results(blocks: list[Body], called: list[str], where: str) -> None:
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    require(set(called) <= set(results), f"{where}: `tool_use` ids were found without `tool_result` blocks: {called}")
    require(set(results) <= set(called), f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {results}")
    require(len(results) == len(set(results)), f"{where}: each `tool_use` must have a single result")
    kinds = [block["type"] == "tool_result" for block in blocks]
    require(kinds == sorted(kinds, reverse=True), f"{where}: `tool_result` blocks must come first")


CHECKS: dict[Protocol, Callable[[Body, Issued], None]] = {
    "openai_chat": check_chat,
    "openai_responses": check_responses,
    "anthropic_messages": check_anthropic,
    "gemini": check_gemini,
}
"""By protocol: raises `harbour.Refusal` for a body that the real provider would refuse."""


def check(protocol: Protocol, body: bytes, issued: Issued = lambda _: False) -> None:
    """Raise `harbour.Refusal` for what the provider of this protocol does not take."""
    CHECKS[protocol](json.loads(body), issued)
