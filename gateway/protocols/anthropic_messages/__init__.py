"""Anthropic Messages."""

from gateway.protocols.anthropic_messages.native import CODEC

__all__ = ["CODEC"]
