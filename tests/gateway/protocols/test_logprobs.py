"""How likely an answer's tokens were comes through every pair of protocols that have a word for it, if it was asked."""

import json
from typing import Any

import pytest
from grammars import GRAMMARS

from gateway.canonical import (
    Ending,
    Event,
    PartDelta,
    PartEnded,
    PartStarted,
    Protocol,
    Request,
    ResponseEnded,
    ResponseStarted,
    Text,
    TokenLogprob,
    Turn,
    Usage,
    UsageReported,
)
from gateway.protocols.codec import Call
from gateway.protocols.registry import TRANSLATIONS, codec_for
from gateway.protocols.translation import Target

LIKELY: tuple[Protocol, ...] = ("openai_chat", "openai_responses", "gemini")
OTHERS = (TokenLogprob("High", -0.25), TokenLogprob("Low", -2.5))
HIGH = TokenLogprob("High", -0.25, alternatives=OTHERS)
TIDE = TokenLogprob(" tide", -0.5, alternatives=(TokenLogprob(" tide", -0.5),))
TOP: list[dict[str, Any]] = [{"token": one.token, "logprob": one.logprob} for one in OTHERS]
ENTRIES: list[dict[str, Any]] = [
    {"token": "High", "logprob": -0.25, "top_logprobs": TOP},
    {"token": " tide", "logprob": -0.5, "top_logprobs": [{"token": " tide", "logprob": -0.5}]},
]
MESSAGE = {"role": "assistant", "content": "High tide"}
SAID = {"type": "output_text", "text": "High tide", "annotations": [], "logprobs": ENTRIES}
ANSWERS: dict[Protocol, Any] = {
    "openai_chat": {
        "id": "c1",
        "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop", "logprobs": {"content": ENTRIES}}],
    },
    "openai_responses": {
        "id": "r1",
        "status": "completed",
        "output": [{"type": "message", "role": "assistant", "content": [SAID]}],
    },
    "gemini": {
        "responseId": "g1",
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": "High tide"}]},
                "finishReason": "STOP",
                "logprobsResult": {
                    "chosenCandidates": [
                        {"token": "High", "logProbability": -0.25, "tokenId": 1},
                        {"token": " tide", "logProbability": -0.5, "tokenId": 2},
                    ],
                    "topCandidates": [
                        {"candidates": [{"token": one.token, "logProbability": one.logprob} for one in OTHERS]},
                        {"candidates": [{"token": " tide", "logProbability": -0.5}]},
                    ],
                },
            }
        ],
    },
}


def asked(logprobs: int | None = 2) -> Request:
    return Request(model="m", turns=(Turn("user", (Text("Tides?"),)),), logprobs=logprobs)


def weights(logprobs: tuple[TokenLogprob, ...]) -> list[tuple[str, float, list[tuple[str, float]]]]:
    """Without the bytes, which not every protocol tells."""
    return [(one.token, one.logprob, [(other.token, other.logprob) for other in one.alternatives]) for one in logprobs]


def told(protocol: Protocol, body: bytes) -> tuple[TokenLogprob, ...]:
    parts = TRANSLATIONS[protocol].decode_response(body).parts
    return tuple(one for part in parts if isinstance(part, Text) for one in part.logprobs)


@pytest.mark.parametrize("upstream", LIKELY)
@pytest.mark.parametrize("client", LIKELY)
def test_a_whole_answer_tells_them_in_the_clients_words(client: Protocol, upstream: Protocol) -> None:
    answer = TRANSLATIONS[upstream].decode_response(json.dumps(ANSWERS[upstream]).encode())
    body = TRANSLATIONS[client].encode_response(answer, asked())
    assert weights(told(client, body)) == weights((HIGH, TIDE))
    assert told(client, TRANSLATIONS[client].encode_response(answer, asked(None))) == ()


@pytest.mark.parametrize("client", LIKELY)
def test_a_stream_tells_them_with_the_text_they_belong_to(client: Protocol) -> None:
    encoder = TRANSLATIONS[client].new_encoder(asked())
    events: list[Event] = [
        ResponseStarted("a1", "m"),
        PartStarted(0, Text()),
        PartDelta(0, "High", (HIGH,)),
        PartDelta(0, " tide", (TIDE,)),
        PartEnded(0),
        UsageReported(Usage(input=1, output=2)),
        ResponseEnded(Ending("end")),
    ]
    stream = b"".join(map(encoder.encode, events))
    GRAMMARS[client](stream, False)
    deltas = [event for event in decoded(client, stream) if isinstance(event, PartDelta) and event.text]
    assert [(event.text, weights(event.logprobs)) for event in deltas] == [
        ("High", weights((HIGH,))),
        (" tide", weights((TIDE,))),
    ]


def decoded(protocol: Protocol, stream: bytes) -> list[Event]:
    query = {"alt": "sse"} if protocol == "gemini" else {}
    framing = codec_for(protocol, query).new_framing(Call("POST", "models/m:streamGenerateContent", query, {}, b""))
    decoder = TRANSLATIONS[protocol].new_decoder()
    events = [event for payload in framing.payloads(framing.feed(stream)) for event in decoder.feed(payload)]
    return [*events, *decoder.end()]


def test_what_of_a_character_a_token_is_stays_known_between_openais_protocols() -> None:
    half = {"token": "\\xf0\\x9f", "logprob": -1.0, "bytes": [240, 159], "top_logprobs": []}
    chat = {"choices": [{"message": MESSAGE, "finish_reason": "stop", "logprobs": {"content": [half]}}]}
    answer = TRANSLATIONS["openai_chat"].decode_response(json.dumps(chat).encode())
    body = json.loads(TRANSLATIONS["openai_responses"].encode_response(answer, asked()))
    assert body["output"][0]["content"][0]["logprobs"] == [half]


@pytest.mark.parametrize("upstream", LIKELY)
def test_they_are_asked_for_in_the_upstreams_words(upstream: Protocol) -> None:
    encoded = TRANSLATIONS[upstream].encode_request(asked(), Target("m"))
    assert "logprobs" not in {loss.field for loss in encoded.losses}
    assert TRANSLATIONS[upstream].decode_request(encoded.call).logprobs == 2


def test_an_upstream_that_does_not_tell_them_answers_all_the_same_and_the_loss_is_told() -> None:
    encoded = TRANSLATIONS["anthropic_messages"].encode_request(asked(), Target("m"))
    assert "logprobs" in {loss.field for loss in encoded.losses}
