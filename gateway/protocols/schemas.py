"""JSON Schema as each provider takes it: which part of the language, and what must be written otherwise.

Pure functions from schema to schema, bounded in depth and size whatever they are given. What they take out that
constrained values is told, so that it can be reported.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from gateway.canonical import JSON
from gateway.errors import BadRequest

DEPTH_LIMIT = 64
SIZE_LIMIT = 20_000
"""Schemas within a schema, references written out."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAPS = _words("properties patternProperties $defs definitions dependentSchemas")
LISTS = _words("anyOf oneOf allOf prefixItems")
SINGLES = _words(
    "items additionalProperties not if then else contains propertyNames additionalItems unevaluatedItems"
    " unevaluatedProperties"
)
"""The keywords that hold schemas: by name, in a list, or one."""

CONSTRAINTS = _words(
    "type enum const multipleOf minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength pattern items"
    " prefixItems additionalItems minItems maxItems uniqueItems contains minContains maxContains properties required"
    " additionalProperties patternProperties propertyNames minProperties maxProperties dependentRequired"
    " dependentSchemas dependencies allOf anyOf oneOf not if then else unevaluatedItems unevaluatedProperties"
)
"""The keywords that say which values are valid. The others describe, and go without a word."""

SHARED = _words("type title description enum items properties required anyOf format")


class Fitted(Struct, frozen=True):
    """A schema in the words of one target."""

    schema: JSON
    removed: tuple[str, ...] = ()
    """The constraints that the target cannot say, by their place: `properties.age.multipleOf`."""


class Subset(Struct, frozen=True):
    """What of JSON Schema a target takes."""

    keywords: frozenset[str]
    formats: frozenset[str] = frozenset()
    """The formats of strings; empty for all."""
    recursive: bool = False
    """Takes references that lead back to themselves, by optional properties."""
    closed: bool = False
    """Every object must refuse further properties."""
    describes: bool = False
    """Bounds that it cannot say go into the description."""


GEMINI = Subset(
    SHARED
    | _words("$id $defs $ref $anchor prefixItems minItems maxItems minimum maximum oneOf additionalProperties")
    | {"propertyOrdering"},
    recursive=True,
)
"""Gemini's `parametersJsonSchema` and `responseJsonSchema`."""

OPENAPI = Subset(
    SHARED
    | _words("minItems maxItems minProperties maxProperties minimum maximum minLength maxLength pattern default")
    | _words("nullable example propertyOrdering")
)
"""What Gemini's `parameters` and `responseSchema` can say, in JSON Schema's spelling."""

ANTHROPIC = Subset(
    SHARED | _words("$defs $ref const default pattern additionalProperties"),
    formats=_words("date-time time date duration email hostname uri ipv4 ipv6 uuid"),
    closed=True,
    describes=True,
)
"""Anthropic's `output_config.format` and strict tools."""

LONGEST_INDEX = 6
"""Digits of a place in a list."""

NOTHING = Subset(frozenset())

STRICT_KEYWORDS = SHARED | _words(
    "$defs definitions $ref const pattern multipleOf minimum maximum exclusiveMinimum exclusiveMaximum minItems"
    " maxItems additionalProperties"
)
STRICT_FORMATS = _words("date-time time date duration email hostname ipv4 ipv6 uuid")
STRICT_DEPTH = 10
STRICT_PROPERTIES = 5000
STRICT_ENUM = 1000


def fit(schema: JSON, subset: Subset) -> Fitted:
    """The schema with only what this target takes, the same values valid as far as that can be said."""
    return _Fitting(schema, subset).result()


def for_tool(schema: JSON | None) -> Fitted:
    """With a plain object at its root, as every provider wants a tool's arguments; below it stays as it was."""
    root = {key: value for key, value in (schema or {}).items() if key != "$schema"}
    fitting = _Fitting(root, NOTHING)
    root = fitting.merged(root, "", ())
    removed = [key for key in ("anyOf", "oneOf", "not", "enum", "const", "if") if key in root]
    plain = {key: value for key, value in root.items() if key not in {*removed, "then", "else"}}
    properties = dict(_dict(root.get("properties")))
    for variant in _dicts(root.get("anyOf") or root.get("oneOf")):
        properties = {**_dict(fitting.merged(variant, "", ()).get("properties")), **properties}
    return Fitted({**plain, "type": "object", "properties": properties}, (*fitting.removed, *removed))


def refuse_endless(schema: JSON | None, at: str) -> None:
    """Raises `BadRequest` for a reference that leads back to itself, so that it never says what is valid."""
    # written out and searched it takes a fifth of the time of a walk, and few schemas refer to anything
    if schema is None or b'"$ref"' not in msgspec.json.encode(schema):
        return
    for _, _, node in _walk(schema):
        passed: list[str] = []
        while isinstance(reference := node.get("$ref"), str):
            if reference in passed or len(passed) > DEPTH_LIMIT:
                message = f"'{at}' has the reference '{reference[:64]}', which leads back to itself."
                raise BadRequest(message, code="invalid_schema", param=at)
            passed.append(reference)
            node = _resolve(schema, reference) or {}


def strict_problem(schema: JSON) -> str:
    """Why OpenAI would refuse the schema as a strict one; empty when it takes it."""
    if schema.get("type") != "object" or "anyOf" in schema:
        return "its root is not a plain object"
    properties = 0
    for depth, place, node in _walk(schema):
        properties += len(_dict(node.get("properties")))
        if problem := _strict_problem(node):
            return f"{place or 'its root'} {problem}"
        if depth > STRICT_DEPTH or properties > STRICT_PROPERTIES:
            return "it is too large"
    return ""


def _strict_problem(node: JSON) -> str:
    for key, value in node.items():
        if key not in STRICT_KEYWORDS:
            return f"has '{key}'"
        if key == "format" and value not in STRICT_FORMATS:
            return "has an unknown format"
        if key == "enum" and isinstance(value, list) and len(value) > STRICT_ENUM:
            return "has too many values"
    if not _is_object(node):
        return ""
    if node.get("additionalProperties") is not False:
        return "takes further properties"
    required = node.get("required")
    if set(_dict(node.get("properties"))) != set(required if isinstance(required, list) else []):
        return "has optional properties"
    return ""


# fitting


class _Fitting:
    """One schema on its way into a subset."""

    def __init__(self, schema: JSON, subset: Subset) -> None:
        self.removed: list[str] = []
        self._root = schema
        self._subset = subset
        self._keeps_references = "$ref" in subset.keywords and _can_keep_references(schema, subset)
        self._left = SIZE_LIMIT
        self._depth = 0

    def result(self) -> Fitted:
        return Fitted(self._fit(self._root, "", ()), tuple(self.removed))

    def merged(self, node: JSON, place: str, opened: tuple[str, ...]) -> JSON:
        """With what it refers to, and all that must hold together, written into one schema."""
        if "$ref" in node and not self._keeps_references:
            reference = str(node["$ref"])
            return self.merged(self._written_out(node, place, opened), place, (*opened, reference))
        parts = node.get("allOf")
        if not isinstance(parts, list):
            return node
        whole = {key: value for key, value in node.items() if key != "allOf"}
        for part in _dicts(parts):
            for key in _merge(whole, self.merged(part, place, opened)):
                self._remove(place, f"allOf.{key}")
        return whole

    def _written_out(self, node: JSON, place: str, opened: tuple[str, ...]) -> JSON:
        reference = str(node["$ref"])
        self._left -= 1
        target = None if reference in opened or self._is_spent(opened) else _resolve(self._root, reference)
        if target is None:
            self._remove(place, "$ref")
        return {**(target or {}), **{key: value for key, value in node.items() if key != "$ref"}}

    def _fit(self, value: object, place: str, opened: tuple[str, ...]) -> JSON:
        self._left -= 1
        if not isinstance(value, dict) or self._is_spent(opened):
            if value is not True:
                self._remove(place, "")
            return {}
        reference = value.get("$ref")
        node = self._rewritten(self.merged(value, place, opened), place)
        opened = (*opened, reference) if isinstance(reference, str) else opened
        self._depth += 1
        fitted = {
            key: self._fit_keyword(key, item, _join(place, key), opened)
            for key, item in node.items()
            if self._takes(key, item, place)
        }
        self._depth -= 1
        return self._finished(fitted, node)

    def _fit_keyword(self, key: str, value: object, place: str, opened: tuple[str, ...]) -> object:
        if key in MAPS and isinstance(value, dict):
            return {name: self._fit(item, _join(place, str(name)), opened) for name, item in value.items()}
        if key in LISTS and isinstance(value, list):
            return [self._fit(item, f"{place}[{at}]", opened) for at, item in enumerate(value)]
        if key in SINGLES and isinstance(value, dict):
            return self._fit(value, place, opened)
        return value

    def _takes(self, key: str, value: object, place: str) -> bool:
        if key == "format" and self._subset.formats:
            return value in self._subset.formats
        if key in self._subset.keywords and (key != "$defs" or self._keeps_references):
            return _is_well_formed(key, value)
        if _constrains(key, value):
            self._remove(place, key)
        return False

    def _rewritten(self, node: JSON, place: str) -> JSON:
        """The same in keywords that more targets know."""
        node = dict(node)
        keywords = self._subset.keywords
        if isinstance(node.get("items"), list):
            node["prefixItems"] = node.pop("items")
        if "prefixItems" in node and "prefixItems" not in keywords and "items" not in node:
            self._remove(place, "prefixItems")
            node["items"] = {"anyOf": node.pop("prefixItems")}
        if "const" in node and "const" not in keywords:
            node["enum"] = [node.pop("const")]
        if "oneOf" in node and "oneOf" not in keywords and "anyOf" not in node:
            node["anyOf"] = node.pop("oneOf")
        if "minimum" in keywords:
            _take_bound(node, "exclusiveMinimum", "minimum", 1)
            _take_bound(node, "exclusiveMaximum", "maximum", -1)
        return node

    def _finished(self, fitted: JSON, node: JSON) -> JSON:
        if self._subset.describes:
            _describe(fitted, node)
        if self._subset.closed and _is_object(fitted):
            fitted.setdefault("properties", {})
            fitted["additionalProperties"] = False
        return fitted

    def _is_spent(self, opened: tuple[str, ...]) -> bool:
        return self._left < 0 or self._depth > DEPTH_LIMIT or len(opened) > DEPTH_LIMIT

    def _remove(self, place: str, key: str) -> None:
        self.removed.append(_join(place, key) or "schema")


def _merge(whole: JSON, part: JSON) -> Iterator[str]:
    """Take over what a part demands; yields the keywords where the whole says otherwise already."""
    for key, value in part.items():
        mine = whole.get(key)
        if key not in whole:
            whole[key] = value
        elif key in MAPS and isinstance(mine, dict) and isinstance(value, dict):
            whole[key] = {**value, **mine}
            if any(mine[name] != item for name, item in value.items() if name in mine):
                yield key
        elif key == "required" and isinstance(mine, list) and isinstance(value, list):
            whole[key] = [*mine, *(name for name in value if name not in mine)]
        elif key in CONSTRAINTS and mine != value:
            yield key


def _take_bound(node: JSON, exclusive: str, inclusive: str, step: int) -> None:
    """A bound that is itself no valid value: integers have a next one, for numbers it is as near as can be said."""
    bound = node.get(exclusive)
    if isinstance(bound, bool) or not isinstance(bound, int | float) or inclusive in node:
        return
    if node.get("type") == "integer" and isinstance(bound, int):
        del node[exclusive]
        bound += step
    node[inclusive] = bound


def _describe(fitted: JSON, node: JSON) -> None:
    missing = {key: value for key, value in node.items() if key in CONSTRAINTS and key not in fitted}
    bounds = {key: value for key, value in missing.items() if not isinstance(value, dict | list | bool)}
    if bounds:
        words = ", ".join(f"{key}: {msgspec.json.encode(value).decode()}" for key, value in bounds.items())
        description = fitted.get("description")
        fitted["description"] = f"{description}\n\n{{{words}}}" if description else f"{{{words}}}"


def _is_well_formed(key: str, value: object) -> bool:
    if key in MAPS:
        return isinstance(value, dict)
    if key in LISTS or key == "enum":
        return isinstance(value, list) and bool(value)
    return key != "required" or isinstance(value, list)


def _constrains(key: str, value: object) -> bool:
    """Whether leaving it out makes more values valid."""
    if key not in CONSTRAINTS or value is None:
        return False
    if key in ("additionalProperties", "unevaluatedProperties", "items", "additionalItems", "unevaluatedItems"):
        return value is not True and value != {}
    return value not in (False, {}, [])


def _is_object(node: JSON) -> bool:
    kind = node.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in node


# references


def _can_keep_references(schema: JSON, subset: Subset) -> bool:
    """Whether every reference is one that the target can follow itself."""
    definitions = {name: node for name, node in _dict(schema.get("$defs")).items() if isinstance(node, dict)}
    for _, _, node in _walk(schema):
        if any("$ref" in part for part in _dicts(node.get("allOf"))):
            return False
        if "$ref" not in node:
            continue
        reference = node["$ref"]
        if not isinstance(reference, str) or _definition(reference) not in definitions:
            return False
        if any(key[:1] != "$" for key in node):
            return False
    return not _leads_back(definitions, subset)


def _leads_back(definitions: Mapping[str, JSON], subset: Subset) -> bool:
    """Whether a definition needs itself. Where the target lets it, it may do so by optional properties."""
    needs = {name: _needed(node, subset.recursive) for name, node in definitions.items()}
    for name in needs:
        seen: set[str] = set()
        todo = [*needs[name]]
        while todo:
            if (other := todo.pop()) == name:
                return True
            if other not in seen:
                seen.add(other)
                todo += needs.get(other, ())
    return False


def _needed(schema: JSON, skips_optional: bool) -> set[str]:
    found: set[str] = set()
    todo = [schema]
    while todo:
        node = todo.pop()
        if isinstance(reference := node.get("$ref"), str):
            found.add(_definition(reference))
        required = node.get("required")
        named = required if isinstance(required, list) else []
        for keyword, name, child in _children(node):
            if not (skips_optional and keyword == "properties" and name not in named):
                todo.append(child)
    return found


def _definition(reference: str) -> str:
    return _unescaped(reference.removeprefix("#/$defs/"))


def _resolve(root: JSON, reference: str) -> JSON | None:
    """What a reference within the schema points to."""
    if not reference.startswith("#"):
        return None
    target: object = root
    for step in reference[1:].split("/")[1:]:
        if isinstance(target, list):
            at = int(step) if step.isdecimal() and len(step) < LONGEST_INDEX else len(target)
            target = target[at] if at < len(target) else None
        else:
            target = _dict(target).get(_unescaped(step))
    return target if isinstance(target, dict) else None


def _unescaped(step: str) -> str:
    return unquote(step).replace("~1", "/").replace("~0", "~")


# walking


def _walk(schema: JSON) -> Iterator[tuple[int, str, JSON]]:
    """Every schema in a schema, with its depth and place. A property that is named like a keyword is none."""
    todo = [(0, "", schema)]
    while todo:
        depth, place, node = todo.pop()
        yield depth, place, node
        todo += [(depth + 1, _join(_join(place, keyword), name), child) for keyword, name, child in _children(node)]


def _children(node: JSON) -> Iterator[tuple[str, str, JSON]]:
    for keyword, value in node.items():
        if isinstance(value, dict):
            if keyword in MAPS:
                yield from ((keyword, str(name), child) for name, child in value.items() if isinstance(child, dict))
            elif keyword in SINGLES:
                yield keyword, "", value
        elif isinstance(value, list) and (keyword in LISTS or keyword == "items"):
            yield from ((keyword, f"[{at}]", child) for at, child in enumerate(value) if isinstance(child, dict))


def _join(place: str, key: str) -> str:
    return f"{place}{'' if key[:1] == '[' else '.'}{key}" if place and key else place or key


def _dict(value: object) -> JSON:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[JSON]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
