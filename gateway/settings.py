"""What an operator may set for the gateway as a whole: a table of names, each with its type, its bounds and its words.

A new setting is a member of `Settings`: how it is stored, checked, listed and changed follows from its type.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.inspect import BoolType, Field, IntType, Metadata, StructType

from gateway.errors import BadRequest, NotFound

Value = bool | int | str

WORDS: Mapping[object, bool] = {"on": True, "off": False}
"""How people say whether something is to be."""


class Settings(Struct, frozen=True):
    """All of them, with what usually holds."""

    response_retention_days: Annotated[
        int,
        Meta(
            ge=0,
            le=3650,
            title="Keep responses",
            description="Days for which responses can be gone on from; 0 keeps none here.",
        ),
    ] = 30
    exchange_retention_days: Annotated[
        int,
        Meta(
            ge=0,
            le=3650,
            title="Keep requests",
            description="Days for which single requests stay on record; 0 for ever. Totals and the ledger always stay.",
        ),
    ] = 90
    database_gigabytes: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000,
            title="Size of the database",
            description="Gigabytes that it may take; beyond that the oldest requests go. 0 does not limit it.",
        ),
    ] = 10
    fetch_media: Annotated[
        bool,
        Meta(
            title="Fetch media",
            description="Fetch images and PDFs given by address for targets that only take bytes.",
        ),
    ] = False
    fetch_over_http: Annotated[
        bool, Meta(title="Fetch over HTTP", description="Fetch such media from addresses without TLS, too.")
    ] = False
    alert_balance_percent: Annotated[
        int,
        Meta(
            ge=0,
            le=100,
            title="Balance low below",
            description="Percent of what was paid in last; 0 does not tell.",
        ),
    ] = 10
    alert_balance_dollars: Annotated[
        int,
        Meta(ge=0, le=1_000_000, title="Or below", description="Dollars of a balance below which it is low as well."),
    ] = 0
    alert_burn_factor: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            title="Burning from",
            description="How many times the usual cost of a quarter of an hour is too much; 0 does not tell.",
        ),
    ] = 5
    alert_burn_dollars: Annotated[
        int,
        Meta(ge=0, le=1_000_000, title="But not below", description="Dollars in a quarter of an hour that never are."),
    ] = 5


class Setting(Struct, frozen=True):
    """One of them, as it is described."""

    name: str
    title: str
    about: str
    allowed: str
    """The values it takes, in words."""
    choices: tuple[str, ...]
    """Where only these can be chosen."""
    usual: Value


def _described(field: Field) -> Setting:
    told, kind = {}, field.type
    if isinstance(kind, Metadata):
        told, kind = kind.extra_json_schema or {}, kind.type
    allowed = "a text"
    choices: tuple[str, ...] = ()
    if isinstance(kind, BoolType):
        allowed, choices = "on or off", tuple(map(str, WORDS))
    elif isinstance(kind, IntType):
        allowed = f"a whole number from {kind.ge} to {kind.le}"
    return Setting(field.name, told["title"], told["description"], allowed, choices, field.default)


_TYPE = msgspec.inspect.type_info(Settings)

TABLE: Mapping[str, Setting] = {
    field.name: _described(field) for field in (_TYPE.fields if isinstance(_TYPE, StructType) else ())
}
"""All settings there are, by name."""


def checked(name: str, given: object) -> Value:
    """A value for a setting, as it may be typed. Raises `NotFound` or `BadRequest` saying what is allowed."""
    if name not in TABLE:
        raise NotFound(f"There is no setting {name}; there are: {', '.join(TABLE)}.")
    try:
        settings = msgspec.convert({name: WORDS.get(given, given)}, Settings, strict=False)
    except (msgspec.ValidationError, TypeError):
        raise BadRequest(f"{name} must be {TABLE[name].allowed}.", param=name) from None
    value: Value = getattr(settings, name)
    return value


def shown(value: Value) -> str:
    """A value as people read and write it."""
    return next((word for word, meant in WORDS.items() if value is meant), str(value))  # type: ignore[return-value]
