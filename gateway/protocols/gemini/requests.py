"""Requests of Gemini, read and written."""

import msgspec
from msgspec import Struct

from gateway.canonical import JSON, Request, Text
from gateway.errors import BadRequest
from gateway.protocols.choices import check_choice
from gateway.protocols.codec import Call
from gateway.protocols.extensions import lose_foreign
from gateway.protocols.gemini import native, wire
from gateway.protocols.gemini.config import read_config, read_output, read_top_k, write_config, write_tier
from gateway.protocols.gemini.contents import ContentWriter
from gateway.protocols.gemini.conversation import read_contents, read_instructions
from gateway.protocols.gemini.thinking import read_thinking
from gateway.protocols.gemini.tools import CHOICE, ToolWriter, new_names, read_choice, read_tools
from gateway.protocols.ids import TOOL_NAMES
from gateway.protocols.translation import Encoded, Loss, Target

WHOLE = "generateContentRequest"
"""Where a request to count tokens has the request whose tokens are counted."""

# reading


def decode_request(call: Call) -> Request:
    asked = native.read_call(call)
    told = wire.camel(msgspec.json.decode(call.body, type=JSON))
    if isinstance(whole := told.get(WHOLE), dict):
        told = wire.camel(whole)
    body = wire.read(wire.Body, told, "")
    config_told = wire.camel(body.generation_config or {})
    config = read_config(config_told)
    tool_config = wire.camel(body.tool_config or {})
    choice = wire.read(wire.FunctionCallingConfig, tool_config.get(CHOICE) or {}, f"toolConfig.{CHOICE}")
    tools, chosen = read_tools(body.tools, choice), read_choice(choice)
    check_choice(chosen, tools.tools, f"toolConfig.{CHOICE}")
    conversation, instructions = read_contents(body.contents), read_instructions(body.system_instruction)
    if not instructions and all(part == Text() for turn in conversation.turns for part in turn.parts):
        raise wire.invalid("contents", "says nothing")
    notes: JSON = {"_declarations": tools.declarations, "_extras": conversation.extras, "_store": body.store}
    return Request(
        model=asked.model,
        turns=conversation.turns,
        instructions=instructions,
        stream=asked.stream,
        tools=tools.tools,
        tool_choice=chosen,
        output=read_output(config),
        max_output=config.max_output_tokens,
        stop=wire.strings(config.stop_sequences),
        choices=asked.choices,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=read_top_k(config.top_k),
        presence_penalty=config.presence_penalty,
        frequency_penalty=config.frequency_penalty,
        seed=config.seed,
        logprobs=(config.logprobs or 0) if config.response_logprobs else None,
        thinking=read_thinking(config.thinking_config),
        modalities=tuple(name.lower() for name in wire.strings(config.response_modalities)),
        tier=(body.service_tier or "").lower(),
        store=body.store,
        extensions={wire.NAME: _read_extension(told, config_told, tool_config) | notes},
    )


def _read_extension(told: JSON, config: JSON, tool_config: JSON) -> JSON:
    """What only Gemini knows, by its own names; those of the generation config are listed to find back there."""
    inner = _rest(config, wire.GenerationConfig)
    output = {
        name: config[name] for name in ("responseMimeType", "responseSchema", "responseJsonSchema") if name in config
    }
    calling = tool_config.pop(CHOICE, None)
    if extra := _rest(wire.camel(calling), wire.FunctionCallingConfig) if isinstance(calling, dict) else {}:
        tool_config[CHOICE] = extra
    outer = {name: value for name, value in _rest(told, wire.Body).items() if name != "model"}
    outer |= {"toolConfig": tool_config} if tool_config else {}
    return outer | inner | {"_config": sorted(inner), "_output": output}


def _rest(told: JSON, kind: type[Struct]) -> JSON:
    return {name: value for name, value in told.items() if name not in kind.__struct_encode_fields__}


# writing


def encode_request(request: Request, target: Target) -> Encoded:
    if request.choices > 1:
        raise BadRequest("This model gives one answer at a time.", code="unsupported_parameter", param="n")
    losses = list(lose_foreign(request, wire.NAME))
    names = new_names(request.tools, TOOL_NAMES[wire.NAME])
    tools = ToolWriter(request, target, names, losses)
    own = request.extensions.get(wire.NAME, {})
    body = _write_prompt(request, ContentWriter(request, target, names, losses).contents(), losses)
    body |= {
        "tools": tools.tools(),
        "toolConfig": _write_tool_config(own, tools.config()),
        "generationConfig": write_config(request, target, losses) | _own_members(own, inner=True),
        "serviceTier": write_tier(request, losses),
        "store": own.get("_store"),
    }
    body |= {name: value for name, value in _own_members(own, inner=False).items() if name != "toolConfig"}
    body = {name: value for name, value in body.items() if value not in (None, "", [], {})}
    method, query = ("streamGenerateContent", {"alt": "sse"}) if request.stream else ("generateContent", {})
    call = Call("POST", f"models/{target.model}:{method}", query, {}, msgspec.json.encode(body))
    return Encoded(call, tuple(losses), names.changed)


def _write_prompt(request: Request, contents: list[JSON], losses: list[Loss]) -> JSON:
    instructions: list[JSON] = [{"text": text.text} for text in request.instructions if text.text]
    if not contents and instructions:
        losses.append(Loss("instructions", "Gemini takes none without a conversation; they are its first turn."))
        return {"contents": [{"role": "user", "parts": instructions}]}
    if not contents:
        raise BadRequest("There is nothing to answer to.", param="turns")
    return {"contents": contents, "systemInstruction": {"parts": instructions} if instructions else None}


def _write_tool_config(own: JSON, choice: JSON) -> JSON:
    kept = own.get("toolConfig")
    kept = dict(kept) if isinstance(kept, dict) else {}
    extra = kept.pop(CHOICE, None)
    if isinstance(extra, dict):
        inner = choice.get(CHOICE)
        return kept | {CHOICE: extra | (inner if isinstance(inner, dict) else {})}
    return kept | choice


def _own_members(own: JSON, *, inner: bool) -> JSON:
    within = own.get("_config")
    names = within if isinstance(within, list) else []
    return {name: value for name, value in own.items() if not name.startswith("_") and (name in names) == inner}
