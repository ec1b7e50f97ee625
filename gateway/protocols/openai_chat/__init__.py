"""OpenAI Chat Completions, with the dialects that upstreams make of it."""

from gateway.protocols.openai_chat.native import CODEC

__all__ = ["CODEC"]
