"""The protocols by name."""

from msgspec.structs import replace

from gateway.canonical import Protocol
from gateway.protocols import anthropic_messages, gemini, openai_chat, openai_responses
from gateway.protocols.anthropic_messages.translation import TRANSLATION as MESSAGES
from gateway.protocols.codec import Codec
from gateway.protocols.gemini.embeddings import EMBEDDINGS as GEMINI_EMBEDDINGS
from gateway.protocols.gemini.translation import TRANSLATION as GEMINI
from gateway.protocols.gemini.translation import new_array_encoder
from gateway.protocols.openai_chat.embeddings import EMBEDDINGS as OPENAI_EMBEDDINGS
from gateway.protocols.openai_chat.translation import TRANSLATION as CHAT
from gateway.protocols.openai_responses.translation import TRANSLATION as RESPONSES
from gateway.protocols.translation import EmbeddingTranslation, Translation

CODECS: dict[Protocol, Codec] = {
    "openai_chat": openai_chat.CODEC,
    "openai_responses": openai_responses.CODEC,
    "anthropic_messages": anthropic_messages.CODEC,
    "gemini": gemini.CODEC,
}
TRANSLATIONS: dict[Protocol, Translation] = {
    "openai_chat": CHAT,
    "openai_responses": RESPONSES,
    "anthropic_messages": MESSAGES,
    "gemini": GEMINI,
}
EMBEDDINGS: dict[Protocol, EmbeddingTranslation] = {
    "openai_chat": OPENAI_EMBEDDINGS,
    "gemini": GEMINI_EMBEDDINGS,
}
"""OpenAI's embeddings go with Chat; the other protocols have none."""
_ARRAY_TRANSLATION = replace(GEMINI, new_encoder=new_array_encoder)


def codec_for(protocol: Protocol, query: dict[str, str]) -> Codec:
    """The codec for a call: with Gemini the query says which of two forms a stream has."""
    if protocol == "gemini" and not gemini.asks_for_events(query):
        return gemini.ARRAY_CODEC
    return CODECS[protocol]


def translation_for(codec: Codec) -> Translation:
    """The translation that goes with a client's codec."""
    return _ARRAY_TRANSLATION if codec is gemini.ARRAY_CODEC else TRANSLATIONS[codec.name]
