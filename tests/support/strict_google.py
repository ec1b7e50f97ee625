"""What Google refuses, in its own words; and what the looks at a request's body share, whoever takes it."""

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from google.genai.types import GenerationConfig, Schema
from harbour import require
from pydantic.alias_generators import to_camel

Body = dict[str, Any]
Issued = Callable[[str], bool]
"""Whether an opaque token is one that this upstream made."""

GEMINI_FIELDS = {
    *("contents", "systemInstruction", "tools", "toolConfig", "generationConfig"),
    *("safetySettings", "cachedContent", "labels", "serviceTier", "store", "modelArmorConfig"),
}
GEMINI_CONFIG = {to_camel(name) for name in GenerationConfig.model_fields}
GEMINI_SCHEMA = {to_camel(name) for name in Schema.model_fields}
GEMINI_JSON_SCHEMA = {
    *("$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems"),
    *("minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties"),
    *("required", "propertyOrdering"),
}


def only(body: Mapping[str, object], known: Iterable[str], message: str) -> None:
    """Refuse members that the protocol does not have."""
    for name in body:
        require(name in known, message.format(name))


def standard(data: str) -> str:
    """Base64 in the usual alphabet, padded; Google takes it in either."""
    return data.translate(str.maketrans("-_", "+/")) + "=" * (-len(data) % 4)


def base64(data: str, message: str) -> None:
    try:
        b64decode(standard(data), validate=True)
    except ValueError:
        require(False, message)


def check_gemini(body: Body, issued: Issued) -> None:
    """What Google refuses of a request for content."""
    only(body, GEMINI_FIELDS, 'Invalid JSON payload received. Unknown name "{}": Cannot find field.')
    require(body.get("contents"), "contents is not specified")
    _gemini_config(body.get("generationConfig", {}))
    names = _gemini_tools(body.get("tools", []))
    choice = body.get("toolConfig", {}).get("functionCallingConfig", {})
    require(choice.get("mode", "AUTO") in ("AUTO", "ANY", "NONE", "VALIDATED"), "Invalid function calling mode")
    allowed = choice.get("allowedFunctionNames", [])
    require(not allowed or choice.get("mode") in ("ANY", "VALIDATED"), "allowedFunctionNames needs the mode ANY")
    require(set(allowed) <= set(names), "allowedFunctionNames must be declared")
    require(names or choice.get("mode") not in ("ANY", "VALIDATED"), "Function calling needs function declarations")
    for part in body.get("systemInstruction", {}).get("parts", ()):
        require(part.get("text"), "systemInstruction must be text")
    _gemini_turns(_merged(body["contents"]), issued)


def _merged(contents: list[Body]) -> list[Body]:
    """Turns of one side in a row are one turn: the Python SDK's chats keep each chunk of an answer as its own."""
    turns: list[Body] = []
    for turn in contents:
        if turns and turns[-1].get("role") == turn.get("role"):
            turns[-1] = {**turns[-1], "parts": [*turns[-1].get("parts", ()), *turn.get("parts", ())]}
        else:
            turns.append(turn)
    return turns


def _gemini_config(config: Body) -> None:
    only(config, GEMINI_CONFIG, "Unknown name \"{}\" at 'generation_config': Cannot find field.")
    require(len(config.get("stopSequences", ())) <= 5, "The number of stop sequences must be at most 5")
    require("logprobs" not in config or config.get("responseLogprobs"), "logprobs needs response_logprobs")
    require(config.get("candidateCount", 1) == 1, "Multiple candidates is not enabled for this model")
    thinking = config.get("thinkingConfig", {})
    only(thinking, ("includeThoughts", "thinkingBudget", "thinkingLevel"), "Unknown name \"{}\" at 'thinking_config'")
    require(
        not {"thinkingBudget", "thinkingLevel"} <= set(thinking), "thinking budget and level are mutually exclusive"
    )
    levels = (None, "MINIMAL", "LOW", "MEDIUM", "HIGH")
    require(thinking.get("thinkingLevel") in levels, "Thinking level is not supported for this model")
    if schema := config.get("responseSchema"):
        _schema(schema, GEMINI_SCHEMA)
    if schema := config.get("responseJsonSchema"):
        _schema(schema, GEMINI_JSON_SCHEMA)
    if "responseSchema" in config or "responseJsonSchema" in config:
        require(config.get("responseMimeType") == "application/json", "a response schema needs application/json")


def _gemini_tools(tools: list[Body]) -> list[str]:
    declared = [function for tool in tools for function in tool.get("functionDeclarations", ())]
    for function in declared:
        only(
            function,
            ("name", "description", "parameters", "parametersJsonSchema", "response", "behavior"),
            "Unknown name {}",
        )
        require(
            re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}", function["name"]),
            f"Invalid function name: {function['name']}",
        )
        if schema := function.get("parameters"):
            require(schema.get("properties") or schema.get("type") != "OBJECT", "should be non-empty for OBJECT type")
            _schema(schema, GEMINI_SCHEMA)
        if schema := function.get("parametersJsonSchema"):
            _schema(schema, GEMINI_JSON_SCHEMA)
    names = [function["name"] for function in declared]
    require(len(names) == len(set(names)), "Duplicate function declaration found")
    return names


def _schema(schema: Any, known: set[str]) -> None:
    """Members that Google does not know are refused, at any depth."""
    if not isinstance(schema, dict):
        return
    only(schema, known, "Unknown name \"{}\" at 'tools[0].function_declarations[0].parameters': Cannot find field.")
    if "properties" in schema:
        require(set(schema.get("required", ())) <= set(schema["properties"]), "required: property is not defined")
    for inner in (*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()):
        _schema(inner, known)
    for name in ("items", "additionalProperties"):
        _schema(schema.get(name), known)
    for name in ("anyOf", "oneOf", "prefixItems"):
        for inner in schema.get(name, ()):
            _schema(inner, known)


def _gemini_turns(contents: list[Body], issued: Issued) -> None:
    asks = [turn.get("role") == "user" and any("functionResponse" not in p for p in turn["parts"]) for turn in contents]
    called: list[Body] = []
    for at, turn in enumerate(contents):
        require(turn.get("role") in ("user", "model"), "Please use a valid role: user, model.")
        require(turn.get("parts"), "contents.parts must not be empty")
        for part in turn["parts"]:
            _gemini_part(part, issued)
        results = [part["functionResponse"] for part in turn["parts"] if "functionResponse" in part]
        require(
            len(called) == len(results),
            "Please ensure that the number of function response parts is equal to the number of function call parts.",
        )
        require(
            [call["name"] for call in called] == [result["name"] for result in results], "function names do not match"
        )
        calls = [part for part in turn["parts"] if "functionCall" in part]
        called = [part["functionCall"] for part in calls]
        if calls and not any(asks[at:]):
            signed = calls[0].get("thoughtSignature")
            require(signed, "Function call is missing a thought_signature in functionCall parts.")
    require(not called, "Please ensure that function call turn is followed by a function response turn.")


SKIPPED = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")


def _gemini_part(part: Body, issued: Issued) -> None:
    known = ("text", "thought", "inlineData", "fileData", "functionCall", "functionResponse", "thoughtSignature")
    only(part, known, "Unknown name \"{}\" at 'contents[0].parts[0]': Cannot find field.")
    signature = part.get("thoughtSignature")
    if signature and signature not in SKIPPED:
        base64(signature, "Invalid value at 'thought_signature' (TYPE_BYTES)")
        require(
            issued(signature) or b64decode(signature).decode(errors="replace") in SKIPPED,
            "Corrupted thought signature.",
        )
    require(set(part) - {"thought", "thoughtSignature"}, "contents.parts must have one initialized field")
    if call := part.get("functionCall"):
        require(isinstance(call.get("args", {}), dict), "functionCall.args must be a struct")
    if result := part.get("functionResponse"):
        require(isinstance(result.get("response"), dict), "functionResponse.response must be a struct")
        require(result.get("name"), "function_response.name: Name cannot be empty.")
    if data := part.get("inlineData"):
        base64(data["data"], "Invalid value at 'inline_data.data' (TYPE_BYTES)")
