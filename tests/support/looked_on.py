"""What translation takes over of what relaying learns of an answer."""

from msgspec.structs import replace

from gateway.canonical import NO_DETAILS, Usage
from gateway.protocols.codec import Reader


def buckets(reader: Reader) -> Usage | None:
    """The usage that was read, without the details that only prices need."""
    return replace(reader.usage, details=NO_DETAILS) if reader.usage else None
