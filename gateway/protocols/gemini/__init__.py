"""Google Gemini, of AI Studio and of Vertex."""

from gateway.protocols.gemini.native import ARRAY_CODEC, CODEC, asks_for_events

__all__ = ["ARRAY_CODEC", "CODEC", "asks_for_events"]
