"""Schemas in Google's dialect of OpenAPI: `parameters` and `responseSchema`, to and from JSON Schema."""

from collections.abc import Mapping

import msgspec

from gateway.canonical import JSON
from gateway.protocols.schemas import DEPTH_LIMIT, LISTS, MAPS, OPENAPI, SINGLES, Fitted, fit

CAMEL = {
    "any_of": "anyOf",
    "additional_properties": "additionalProperties",
    "max_items": "maxItems",
    "max_length": "maxLength",
    "max_properties": "maxProperties",
    "min_items": "minItems",
    "min_length": "minLength",
    "min_properties": "minProperties",
    "property_ordering": "propertyOrdering",
    "ref": "$ref",
    "defs": "$defs",
}
COUNTS = frozenset(["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"])
"""64-bit integers, which Google's JSON also writes as strings."""


# reading


def from_openapi(schema: JSON) -> JSON:
    """The schema as JSON Schema: types in lower case, null as a type, values of their own type."""
    return _read(schema, 0)


def _read(schema: Mapping[str, object], depth: int) -> JSON:
    node: JSON = {}
    if depth > DEPTH_LIMIT:
        return node
    for name, value in schema.items():
        key = CAMEL.get(name, name)
        if value is not None and key != "nullable":
            node[key] = _read_keyword(key, value, depth)
    _read_type(node)
    return _with_null(node) if schema.get("nullable") is True else node


def _read_keyword(key: str, value: object, depth: int) -> object:
    if isinstance(value, dict):
        if key in MAPS:
            return {name: _read_keyword("items", item, depth) for name, item in value.items()}
        return _read(value, depth + 1) if key in SINGLES else value
    if isinstance(value, list) and key in LISTS:
        return [_read_keyword("items", item, depth) for item in value]
    if not isinstance(value, str):
        return value
    match key:
        case "type":
            return value.lower()
        case "$ref":
            return value.replace("#/defs/", "#/$defs/", 1)
        case _:
            return int(value) if key in COUNTS and value.isdecimal() else value


def _read_type(node: JSON) -> None:
    if node.get("type") == "type_unspecified":
        del node["type"]
    enum = node.get("enum")
    if node.get("type") in ("integer", "number") and isinstance(enum, list):
        node["enum"] = [_number(value) if isinstance(value, str) else value for value in enum]


def _number(text: str) -> object:
    try:
        return msgspec.json.decode(text, type=int | float)
    except msgspec.MsgspecError:
        return text


def _with_null(node: JSON) -> JSON:
    kind = node.get("type")
    if isinstance(kind, str):
        enum = node.get("enum")
        return {**node, "type": [kind, "null"], **({"enum": [*enum, None]} if isinstance(enum, list) else {})}
    if isinstance(variants := node.get("anyOf"), list):
        return {**node, "anyOf": [*variants, {"type": "null"}]}
    return node


# writing


def to_openapi(schema: JSON) -> Fitted:
    """The schema in that dialect, with what it cannot say."""
    fitted = fit(schema, OPENAPI)
    return Fitted(_write(fitted.schema), fitted.removed)


def _write(node: JSON) -> JSON:
    """Within first: the schema is bounded already, and there are no references in it."""
    written = {key: _write_keyword(key, value) for key, value in node.items()}
    _take_null(written)
    if isinstance(kinds := written.get("type"), list):
        del written["type"]
        written["anyOf"] = [{"type": str(kind).upper()} for kind in kinds]
    if isinstance(kind := written.get("type"), str):
        written["type"] = kind.upper()
    if isinstance(enum := written.get("enum"), list):
        written["enum"] = [value if isinstance(value, str) else msgspec.json.encode(value).decode() for value in enum]
    if written.get("type") == "ARRAY":
        written.setdefault("items", {})
    if written.get("properties") == {}:
        del written["properties"]
    _keep_known_names(written)
    return written


def _write_keyword(key: str, value: object) -> object:
    if isinstance(value, dict):
        if key in MAPS:
            return {name: _write_keyword("items", item) for name, item in value.items()}
        return _write(value) if key in SINGLES else value
    if isinstance(value, list) and key in LISTS:
        return [_write_keyword("items", item) for item in value]
    return value


def _take_null(node: JSON) -> None:
    """The null type becomes a mark beside the others."""
    kinds, variants = node.get("type"), node.get("anyOf")
    if isinstance(kinds, list) and "null" in kinds:
        others = [kind for kind in kinds if kind != "null"]
        node["type"] = others[0] if len(others) == 1 else others
        node["nullable"] = True
    if isinstance(variants, list):
        rest = [variant for variant in variants if not (isinstance(variant, dict) and variant.get("type") == "NULL")]
        if len(rest) < len(variants):
            node["nullable"] = True
            node["anyOf"] = rest
        if len(rest) == 1 and isinstance(rest[0], dict):
            del node["anyOf"]
            node |= {**rest[0], **node}
    if node.get("nullable") and isinstance(enum := node.get("enum"), list):
        node["enum"] = [value for value in enum if value is not None]


def _keep_known_names(node: JSON) -> None:
    properties = node.get("properties")
    known = properties if isinstance(properties, dict) else {}
    for key in ("required", "propertyOrdering"):
        if isinstance(names := node.get(key), list):
            node[key] = [name for name in names if name in known]
            if not node[key]:
                del node[key]
