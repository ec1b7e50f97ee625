"""Operations as text, by their names: as they come through the control socket, and as they lie on record."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.errors import BadRequest, NotFound
from gateway.operations import Operation


def read_operation(name: str, fields: bytes | str | Mapping[str, Any]) -> Operation[Any]:
    """The operation of this name with these fields, as JSON or as values; checked."""
    kind = {each.__name__: each for each in Operation.__subclasses__()}.get(name)
    if kind is None:
        raise NotFound(f"This gateway knows no operation {name!r}: it is of another version than the console.")
    try:
        if isinstance(fields, Mapping):
            return msgspec.convert(fields, kind)
        return msgspec.json.decode(fields, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise BadRequest(f"{name} is not understood: {error}.") from None
