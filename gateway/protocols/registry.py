"""The protocols by name."""

from gateway.canonical import Protocol
from gateway.protocols import anthropic_messages, gemini, openai_chat, openai_responses
from gateway.protocols.codec import Codec

CODECS: dict[Protocol, Codec] = {
    "openai_chat": openai_chat.CODEC,
    "openai_responses": openai_responses.CODEC,
    "anthropic_messages": anthropic_messages.CODEC,
    "gemini": gemini.CODEC,
}


def codec_for(protocol: Protocol, query: dict[str, str]) -> Codec:
    """The codec for a call: with Gemini the query says which of two forms a stream has."""
    if protocol == "gemini" and not gemini.asks_for_events(query):
        return gemini.ARRAY_CODEC
    return CODECS[protocol]
