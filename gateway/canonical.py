"""The canonical model: what any protocol's request, answer and stream amount to. Pure values, no behaviour."""

from typing import Literal

from msgspec import Struct

Protocol = Literal["openai_chat", "openai_responses", "anthropic_messages", "gemini"]
PROTOCOLS: tuple[Protocol, ...] = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")

Finish = Literal[
    "end", "stop_sequence", "tool", "length", "context_full", "filter", "refusal", "pause", "malformed_call", "error"
]
"""Why a model stopped, in one vocabulary."""

TextKind = Literal["text", "reasoning", "tool"]
"""What a piece of passing output is: the answer, the thinking, or a call's name and arguments."""


class Usage(Struct, frozen=True, gc=False):
    """Tokens in disjoint buckets: their sum is what the provider processed. See ExchangeRecord for each."""

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    tool_prompt: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """All tokens, in and out."""
        return (
            self.input
            + self.cache_read
            + self.cache_write_5m
            + self.cache_write_1h
            + self.tool_prompt
            + self.output
            + self.reasoning
        )


class Piece(Struct, frozen=True, gc=False):
    """A piece of output as it passed."""

    kind: TextKind
    text: str


class Asked(Struct, frozen=True):
    """What policy reads of a request, in any protocol. The body itself stays bytes."""

    model: str
    stream: bool = False
    max_output: int | None = None
    choices: int = 1
    """How many answers were asked for (`n`, `candidateCount`)."""
    wants_usage: bool = True
    """False when the client did not ask for usage in its Chat stream, so ours must be taken out again."""


class ModelEntry(Struct, frozen=True):
    """A model as the model lists of all protocols show it."""

    id: str
    created: int
    """Unix seconds."""
    owner: str
