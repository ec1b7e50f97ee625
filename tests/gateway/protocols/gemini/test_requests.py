"""Gemini's requests: everything the SDK and REST send is understood, and every protocol's request can be written."""

import json
import re
import typing
from typing import Any

import pytest
from google.genai import types
from msgspec.structs import fields

from gateway.canonical import (
    Audio,
    Document,
    FunctionTool,
    Image,
    Inline,
    Opaque,
    Part,
    Reasoning,
    Remote,
    Request,
    Stored,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    Video,
    WebSearch,
)
from gateway.errors import BadRequest, NotFound
from gateway.protocols.capsules import seal
from gateway.protocols.codec import Call
from gateway.protocols.gemini.openapi import from_openapi, to_openapi
from gateway.protocols.gemini.translation import TRANSLATION
from gateway.protocols.gemini.wire import camel
from gateway.protocols.translation import Target

PROTOCOL = "gemini"
HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
SIGNATURE = "c2lnbmF0dXJl"
WEATHER = FunctionTool("weather", "Tells it.", {"type": "object", "properties": {"city": {"type": "string"}}})


def decode(body: dict[str, Any], path: str = "models/m:generateContent") -> Request:
    return TRANSLATION.decode_request(Call("POST", path, {}, {}, json.dumps(body).encode()))


def encode(request: Request) -> dict[str, Any]:
    body = json.loads(TRANSLATION.encode_request(request, Target("gemini-next")).call.body)
    assert isinstance(body, dict)
    return body


# what clients send


def test_both_spellings_and_single_objects_are_read_alike() -> None:
    snake = decode(
        {
            "contents": {"parts": {"inline_data": {"mime_type": "image/png", "data": "-_8"}}},
            "tools": {"function_declarations": {"name": "weather", "parameters_json_schema": WEATHER.schema}},
            "generation_config": {"stop_sequences": "END", "top_k": 40.0, "max_output_tokens": 9},
        }
    )
    assert snake.turns == (Turn("user", (Image(Inline("image/png", "+/8=")),)),)
    assert snake.tools == (FunctionTool("weather", schema=WEATHER.schema),)
    assert (snake.stop, snake.top_k, snake.max_output) == (("END",), 40, 9)


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("models/gemini-3-pro:generateContent", "gemini-3-pro", False),
        ("models/org/model:free:streamGenerateContent", "org/model:free", True),
        ("projects/p/locations/l/publishers/google/models/gemini-3:streamGenerateContent", "gemini-3", True),
    ],
)
def test_model_and_streaming_are_in_the_path(path: str, model: str, stream: bool) -> None:
    request = decode(HELLO, path)
    assert (request.model, request.stream) == (model, stream)


def test_a_path_without_a_method_is_no_request() -> None:
    with pytest.raises(NotFound):
        decode(HELLO, "models/gemini-3-pro")


def test_a_token_count_is_read_as_the_request_it_counts() -> None:
    whole = {"generateContentRequest": {"model": "models/m", **HELLO, "system_instruction": "Be brief."}}
    request = decode(whole, "models/m:countTokens")
    assert request.instructions == (Text("Be brief."),)
    assert request.turns == decode(HELLO).turns


def test_calls_without_ids_get_the_same_ones_each_time_and_results_find_them_in_order() -> None:
    call = {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}
    response = {"functionResponse": {"name": "weather", "response": {"output": "Rain"}}}
    body = {
        "contents": [
            *HELLO["contents"],
            {"role": "model", "parts": [call, call]},
            {"role": "function", "parts": [response, response]},
        ]
    }
    request = decode(body)
    calls = [part for part in request.turns[1].parts if isinstance(part, ToolCall)]
    results = [part for part in request.turns[2].parts if isinstance(part, ToolResult)]
    assert [part.call_id for part in results] == [part.id for part in calls]
    assert len({part.id for part in calls}) == 2
    assert decode(body) == request


def test_results_find_their_calls_by_id_first_then_by_order_among_those_of_the_name() -> None:
    calls = [("a", "x"), ("b", "x"), ("c", "y")]
    responses: list[dict[str, Any]] = [
        {"name": "y", "response": {"output": "3"}},
        {"name": "x", "response": {"output": "1"}},
        {"id": "b", "name": "x", "response": {"output": "2"}},
    ]
    model = {"role": "model", "parts": [{"functionCall": {"id": id_, "name": name}} for id_, name in calls]}
    user = {"parts": [{"functionResponse": response} for response in responses]}
    results = decode({"contents": [*HELLO["contents"], model, user]}).turns[2].parts
    assert [part.call_id for part in results if isinstance(part, ToolResult)] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        ({"output": "Rain"}, "Rain", False),
        ({"result": [1]}, "[1]", False),
        ({"error": "No city"}, "No city", True),
        ({"sky": "grey", "error": "none"}, '{"sky":"grey","error":"none"}', False),
    ],
)
def test_an_object_as_a_result_is_kept_and_said_as_text(response: dict[str, Any], text: str, is_error: bool) -> None:
    user = {"parts": [{"functionResponse": {"id": "a", "name": "x", "response": response}}]}
    body = {
        "contents": [*HELLO["contents"], {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "x"}}]}, user]
    }
    request = decode(body)
    assert request.turns[2].parts == (ToolResult("a", (Text(text),), "x", is_error, structured=response),)
    assert encode(request)["contents"][2]["parts"][0]["functionResponse"]["response"] == response


def test_a_streams_chunks_kept_as_contents_of_their_own_are_one_text_and_one_thought() -> None:
    chunks = [
        {"text": "Two ", "thought": True},
        {"text": "cities.", "thought": True},
        {"text": "", "thought": True, "thoughtSignature": SIGNATURE},
        {"text": "Che"},
        {"text": "cking."},
    ]
    request = decode({"contents": [*HELLO["contents"], *({"role": "model", "parts": [part]} for part in chunks)]})
    thought = Reasoning("Two cities.", opaque=Opaque("google", "thought", SIGNATURE))
    assert request.turns[1].parts == (thought, Text("Checking."))


def test_another_familys_token_comes_out_of_its_capsule_before_what_it_was_attached_to() -> None:
    opaque = Opaque("anthropic", "signature", "abc")
    call = {"functionCall": {"id": "a", "name": "x"}, "thought_signature": seal(opaque)}
    answered = {"role": "user", "parts": [{"functionResponse": {"id": "a", "name": "x", "response": {}}}]}
    request = decode({"contents": [*HELLO["contents"], {"role": "model", "parts": [call]}, answered]})
    assert request.turns[1].parts == (Reasoning(opaque=opaque), ToolCall("a", "x", "{}"))


def test_another_familys_token_goes_back_to_the_thought_that_was_shown_before_it() -> None:
    opaque = Opaque("anthropic", "signature", "abc")
    said = [{"text": "Hm", "thought": True}, {"text": "Yes", "thoughtSignature": seal(opaque)}]
    for contents in ([said], [[part] for part in said]):
        turns = [{"role": "model", "parts": parts} for parts in contents]
        assert decode({"contents": [*HELLO["contents"], *turns]}).turns[1].parts == (
            Reasoning("Hm", opaque=opaque),
            Text("Yes"),
        )


def test_openapi_schemas_become_json_schema_and_back() -> None:
    told: dict[str, object] = {
        "type": "OBJECT",
        "nullable": True,
        "properties": {
            "size": {"type": "INTEGER", "enum": ["1", "2"]},
            "tags": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "1"},
            "either": {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}], "nullable": True},
        },
        "required": ["size"],
    }
    schema = from_openapi(told)
    assert schema["type"] == ["object", "null"]
    assert schema["properties"] == {
        "size": {"type": "integer", "enum": [1, 2]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "either": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
    }
    assert from_openapi(to_openapi(schema).schema) == schema


def test_media_are_told_apart_by_their_types_and_addresses() -> None:
    files = [
        {"fileUri": "https://example.com/a.png", "mimeType": "image/png"},
        {"fileUri": "https://youtu.be/abc"},
        {"fileUri": "gs://bucket/a.wav", "mimeType": "audio/x-wav"},
        {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/x", "mimeType": "application/pdf"},
    ]
    assert decode({"contents": {"parts": [{"fileData": file} for file in files]}}).turns[0].parts == (
        Image(Remote("https://example.com/a.png", "image/png")),
        Video(Remote("https://youtu.be/abc")),
        Audio(Stored("gemini", "gs://bucket/a.wav", "audio/wav")),
        Document(Stored("gemini", files[3]["fileUri"], "application/pdf")),
    )


# what is no request


def model_turn(*parts: object) -> dict[str, object]:
    return {"contents": [*HELLO["contents"], {"role": "model", "parts": list(parts)}, {"parts": [{"text": "So?"}]}]}


def responding(*parts: object) -> dict[str, object]:
    return {"contents": [*HELLO["contents"], {"parts": list(parts)}]}


def config(**members: object) -> dict[str, object]:
    return {**HELLO, "generationConfig": members}


CALL = {"functionCall": {"id": "a", "name": "x"}}
RESULT = {"functionResponse": {"id": "a", "name": "x", "response": {}}}
BAD: list[tuple[dict[str, object], str]] = [
    ({}, "contents"),
    ({"contents": []}, "contents"),
    ({"contents": "Hello"}, "contents"),
    ({"contents": [1]}, "contents[0]"),
    ({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}, "contents[0].role"),
    ({"contents": [{"role": 1, "parts": [{"text": "x"}]}]}, "contents[0].role"),
    ({"contents": [{"role": "user"}]}, "contents[0].parts"),
    ({"contents": [{"parts": []}]}, "contents[0].parts"),
    ({"contents": [{"parts": "x"}]}, "contents[0].parts"),
    ({"contents": [{"parts": [{}]}]}, "contents[0].parts[0]"),
    ({"contents": [{"parts": [{"unknown": 1}]}]}, "contents[0].parts[0]"),
    ({"contents": [{"parts": [{"text": 1}]}]}, "contents[0].parts[0].text"),
    ({"contents": [{"parts": [{"text": "x", "thought": 7}]}]}, "contents[0].parts[0].thought"),
    ({"contents": [{"parts": [{"inlineData": {"data": "AA=="}}]}]}, "contents[0].parts[0].inlineData"),
    (
        {"contents": [{"parts": [{"inlineData": {"mimeType": "a/b", "data": "?"}}]}]},
        "contents[0].parts[0].inlineData.data",
    ),
    ({"contents": [{"parts": [{"fileData": {"mimeType": "a/b"}}]}]}, "contents[0].parts[0].fileData"),
    ({"contents": [{"parts": [CALL]}]}, "contents[0].parts[0].functionCall"),
    (model_turn(CALL), "contents[1].parts[0].functionCall"),
    (model_turn(CALL, CALL), "contents[1].parts[1].functionCall.id"),
    (model_turn({"functionCall": {"id": "a"}}), "contents[1].parts[0].functionCall.name"),
    (model_turn({"functionCall": {"name": "x", "args": []}}), "contents[1].parts[0].functionCall.args"),
    (model_turn({"text": "x", "thoughtSignature": "?!"}), "contents[1].parts[0].thoughtSignature"),
    (responding(RESULT), "contents[1].parts[0].functionResponse"),
    (
        responding({"functionResponse": {"name": "x", "response": "Rain"}}),
        "contents[1].parts[0].functionResponse.response",
    ),
    ({**HELLO, "systemInstruction": 1}, "systemInstruction"),
    ({**HELLO, "systemInstruction": {"parts": [CALL]}}, "systemInstruction.parts[0]"),
    ({**HELLO, "tools": "x"}, "tools"),
    ({**HELLO, "tools": [1]}, "tools[0]"),
    ({**HELLO, "tools": [{"functionDeclarations": "x"}]}, "tools[0].functionDeclarations"),
    ({**HELLO, "tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0]"),
    ({**HELLO, "tools": [{"functionDeclarations": [{"name": ""}]}]}, "tools[0].functionDeclarations[0].name"),
    (
        {**HELLO, "tools": [{"functionDeclarations": [{"name": "x"}, {"name": "x"}]}]},
        "tools[0].functionDeclarations[1].name",
    ),
    (
        {**HELLO, "tools": [{"functionDeclarations": [{"name": "x", "parameters": {}, "parametersJsonSchema": {}}]}]},
        "tools[0].functionDeclarations[0].parameters",
    ),
    ({**HELLO, "toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}}}, "toolConfig.functionCallingConfig.mode"),
    ({**HELLO, "toolConfig": {"functionCallingConfig": {"mode": 1}}}, "toolConfig.functionCallingConfig.mode"),
    ({**HELLO, "toolConfig": []}, "toolConfig"),
    ({**HELLO, "serviceTier": 1}, "serviceTier"),
    (config(temperature="hot"), "generationConfig.temperature"),
    (config(topK=1.5), "generationConfig.topK"),
    (config(seed=1.5), "generationConfig.seed"),
    (config(stopSequences=[1]), "generationConfig.stopSequences[0]"),
    (config(candidateCount=0), "generationConfig.candidateCount"),
    (config(responseSchema=[]), "generationConfig.responseSchema"),
    (config(responseSchema={}, responseJsonSchema={}), "generationConfig.responseSchema"),
    (config(thinkingConfig={"thinkingLevel": "VERY"}), "generationConfig.thinkingConfig.thinkingLevel"),
    (
        config(thinkingConfig={"thinkingLevel": "LOW", "thinkingBudget": 1}),
        "generationConfig.thinkingConfig.thinkingBudget",
    ),
]


@pytest.mark.parametrize(("body", "field"), BAD, ids=[f"{at}-{field}" for at, (_, field) in enumerate(BAD)])
def test_a_bad_request_is_refused_by_the_name_of_its_field(body: dict[str, object], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        decode(body)
    assert refused.value.param == field


# every field


def test_every_parameter_of_the_sdk_has_its_place() -> None:
    kinds = {
        "": types.GenerateContentConfigDict,
        "content.": types.ContentDict,
        "part.": types.PartDict,
        "blob.": types.BlobDict,
        "fileData.": types.FileDataDict,
        "functionCall.": types.FunctionCallDict,
        "functionResponse.": types.FunctionResponseDict,
        "tool.": types.ToolDict,
        "functionDeclaration.": types.FunctionDeclarationDict,
        "toolConfig.": types.ToolConfigDict,
        "functionCallingConfig.": types.FunctionCallingConfigDict,
        "thinkingConfig.": types.ThinkingConfigDict,
    }
    named = {prefix + name for prefix, kind in kinds.items() for name in camel(dict.fromkeys(kind.__annotations__, 1))}
    assert named | {"model", "contents"} == set(TRANSLATION.fields)


def test_every_canonical_field_and_kind_has_its_fate() -> None:
    parts = {f"part.{re.sub('(?<=[a-z])(?=[A-Z])', '_', kind.__name__).lower()}" for kind in typing.get_args(Part)}
    others = {"tool.function", "tool.custom", "tool.server", "tool.web_search"}
    others |= {f"search.{option.name}" for option in fields(WebSearch)}
    choices = {f"choice.{name}" for name in ("auto", "none", "required", "one", "subset")}
    assert set(TRANSLATION.fates) == {field.name for field in fields(Request)} | parts | others | choices


# recorded


def normal(value: Any) -> Any:
    """Alike what Gemini itself takes as alike: spelling of members and alphabets of base64."""
    if isinstance(value, dict):
        return {name: normal(item) for name, item in camel(value).items() if item not in ({}, [])}
    if isinstance(value, list):
        return [normal(item) for item in value]
    return value.replace("-", "+").replace("_", "/") if isinstance(value, str) and len(value) > 100 else value


def as_sent(body: dict[str, Any]) -> dict[str, Any]:
    """Without what has no meaning: the role of instructions, empty texts beside others, contents cut in two."""
    body = normal(body)
    body.get("systemInstruction", {}).pop("role", None)
    contents: list[dict[str, Any]] = []
    for content in body["contents"]:
        if contents and contents[-1]["role"] == content["role"]:
            contents[-1]["parts"] += content["parts"]
        else:
            contents.append(content)
    for content in contents:
        content["parts"] = [part for part in content["parts"] if part != {"text": ""}] or content["parts"]
    return {**body, "contents": contents}


def without_ids(value: Any) -> Any:
    """The gateway names calls that had no name."""
    if isinstance(value, dict):
        return {name: without_ids(item) for name, item in value.items() if name != "id"}
    return [without_ids(item) for item in value] if isinstance(value, list) else value


def test_a_recorded_request_is_written_as_it_was(recorded_request: dict[str, Any]) -> None:
    path, body = recorded_request["request"]["path"].partition("?")[0], recorded_request["request"]["body"]
    if "enerateContent" not in path:
        pytest.skip("no request for an answer")
    request = decode(body, path[path.index("models/") :])
    encoded = TRANSLATION.encode_request(request, Target(request.model))
    assert encoded.losses == ()
    assert without_ids(as_sent(json.loads(encoded.call.body))) == without_ids(as_sent(body))
