"""OpenAI Responses."""

from gateway.protocols.openai_responses.native import CODEC

__all__ = ["CODEC"]
