"""What usage is counted in, and for how much of it prices are said."""

from msgspec import Struct


class Unit(Struct, frozen=True):
    """What a price is for."""

    name: str
    per: int
    """How many of what is counted are in it."""


TOKENS = Unit("million tokens", 1_000_000)
INPUT_METERS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "tool_prompt")
BUCKETS = (*INPUT_METERS, "output", "reasoning")
"""Disjoint, and together all tokens of a request."""
PARTS = {
    "input_audio": "input",
    "input_image": "input",
    "input_video": "input",
    "cache_read_audio": "cache_read",
    "cache_read_image": "cache_read",
    "output_audio": "output",
    "output_image": "output",
    "output_video": "output",
}
"""Tokens that may have a price of their own, and the bucket they are in."""
REQUEST = "request"
"""What is charged for each request, whatever is in it."""
OTHERS = {
    "characters": Unit("million characters", 1_000_000),
    "audio_seconds": Unit("minute", 60),
    "video_seconds": Unit("second", 1),
    "web_searches": Unit("thousand searches", 1000),
    "file_searches": Unit("thousand searches", 1000),
}
"""What is counted beside tokens."""
UNITS = dict.fromkeys((*BUCKETS, *PARTS), TOKENS) | OTHERS | {REQUEST: Unit("request", 1)}
"""Everything that may have a price."""
