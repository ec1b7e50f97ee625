"""The generation config of a request, read and written."""

from collections.abc import Mapping

from gateway.canonical import JSON, CustomTool, FunctionTool, Image, OutputFormat, Request
from gateway.errors import BadRequest
from gateway.protocols.gemini import wire
from gateway.protocols.gemini.openapi import from_openapi, to_openapi
from gateway.protocols.gemini.thinking import write_thinking
from gateway.protocols.schemas import GEMINI, fit, refuse_endless
from gateway.protocols.translation import Loss, Target

JSON_TYPE = "application/json"
FORMS = (JSON_TYPE, "text/plain", "text/x.enum")
STOP_LIMIT = 5

TIERS: Mapping[str, str] = {
    "default": "standard",
    "standard": "standard",
    "standard_only": "standard",
    "flex": "flex",
    "priority": "priority",
    "fast": "priority",
}
SAMPLING = {"temperature": "temperature", "top_p": "topP", "top_k": "topK"}
NUMBERS = SAMPLING | {
    "max_output": "maxOutputTokens",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
RESOLUTIONS = {"high": "MEDIA_RESOLUTION_HIGH", "low": "MEDIA_RESOLUTION_LOW"}

UNSAID: Mapping[str, str] = {
    "logit_bias": "Gemini has no logit bias.",
    "verbosity": "Gemini has no verbosity.",
}
"""Canonical fields that there is no way to say."""


# reading


def read_config(told: JSON) -> wire.GenerationConfig:
    if "_responseJsonSchema" in told:
        told["responseJsonSchema"] = told.pop("_responseJsonSchema")
    return wire.read(wire.GenerationConfig, told, "generationConfig")


def read_top_k(value: float | None) -> int | None:
    if value is not None and value != int(value):
        raise wire.invalid("generationConfig.topK", "is no whole number")
    return None if value is None else int(value)


def read_output(config: wire.GenerationConfig) -> OutputFormat | None:
    if (config.response_mime_type or JSON_TYPE) not in FORMS:
        raise wire.invalid("generationConfig.responseMimeType", f"must be one of {', '.join(FORMS)}")
    if config.response_schema is not None and config.response_json_schema is not None:
        raise wire.invalid("generationConfig.responseSchema", "and 'responseJsonSchema' are given both")
    if config.response_schema is not None:
        return OutputFormat("schema", schema=from_openapi(config.response_schema))
    if config.response_json_schema is not None:
        refuse_endless(config.response_json_schema, "generationConfig.responseJsonSchema")
        return OutputFormat("schema", schema=config.response_json_schema)
    return OutputFormat("json") if config.response_mime_type == JSON_TYPE else None


# writing


def write_config(request: Request, target: Target, losses: list[Loss]) -> JSON:
    refused = {*target.dialect.drops, *(() if target.facts.samples else SAMPLING)}
    config: JSON = {}
    for name, member in NUMBERS.items():
        value = getattr(request, name)
        if value is not None and name in refused:
            losses.append(Loss(name, "This model does not take it."))
        elif value is not None:
            config[member] = value
    losses += [Loss(name, why) for name, why in UNSAID.items() if getattr(request, name)]
    if request.parallel_calls is False:
        losses.append(Loss("parallel_calls", "Gemini cannot be kept from calling several tools at once."))
    if len(request.stop) > STOP_LIMIT:
        losses.append(Loss("stop", f"Gemini takes {STOP_LIMIT} stop sequences at most."))
    config |= {
        "stopSequences": list(request.stop[:STOP_LIMIT]),
        "responseLogprobs": None if request.logprobs is None else True,
        "logprobs": request.logprobs or None,
        "responseModalities": [name.upper() for name in request.modalities],
        "thinkingConfig": write_thinking(request.thinking, target.facts),
        "mediaResolution": _write_resolution(request),
    }
    config |= _write_output(request, target, losses)
    return {name: value for name, value in config.items() if value not in (None, "", [], {})}


def _write_output(request: Request, target: Target, losses: list[Loss]) -> JSON:
    own = request.extensions.get(wire.NAME)
    if own is not None:
        kept = own.get("_output")
        return kept if isinstance(kept, dict) else {}
    if request.output is None:
        return {}
    functions = any(isinstance(tool, FunctionTool | CustomTool) for tool in request.tools)
    if functions and target.facts.thinking_style == "budget":
        raise BadRequest(
            "This model takes no output format beside tools.", param="output", code="unsupported_parameter"
        )
    if request.output.schema is None:
        return {"responseMimeType": JSON_TYPE}
    schemas = target.dialect.json_schemas
    fitted = fit(request.output.schema, GEMINI) if schemas else to_openapi(request.output.schema)
    losses += [Loss(f"output.schema.{place}", "Gemini's schemas cannot say it.") for place in fitted.removed]
    return {"responseMimeType": JSON_TYPE, "responseJsonSchema" if schemas else "responseSchema": fitted.schema}


def _write_resolution(request: Request) -> str:
    """One for all of them: the finest that is asked for."""
    images = (part for turn in request.turns for part in turn.parts if isinstance(part, Image))
    asked = {image.detail for image in images}
    return next((word for detail, word in RESOLUTIONS.items() if detail in asked), "")


def write_tier(request: Request, losses: list[Loss]) -> str:
    if request.tier in ("", "auto"):
        return ""
    if request.tier not in TIERS:
        losses.append(Loss("tier", "Gemini has no such tier."))
    return TIERS.get(request.tier, "")
