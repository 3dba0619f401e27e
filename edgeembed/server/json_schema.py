"""The part of JSON Schema (draft 2020-12) that describes what clients send, and the check by it.

One description serves both the check and the OpenAPI document, so that neither says what the other does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


class SchemaError(ValueError):
    """A value is not as described; ``field`` says where, as in ``plus[2]``."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


def check(value: object, schema: Schema, field: str = "") -> None:
    """Refuse a value that is not as a schema says.

    Raises:
        SchemaError: with the field and what is allowed.
    """
    if "anyOf" in schema:
        _check_any(value, schema["anyOf"], field)
        return
    if "enum" in schema:
        if not any(value == allowed and type(value) is type(allowed) for allowed in schema["enum"]):
            raise SchemaError(field, f"must be one of {', '.join(map(repr, schema['enum']))}, not {value!r:.80}")
        return
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if not any(_is_of(value, name) for name in types):
        raise SchemaError(field, f"must be {' or '.join(types)}, not {value!r:.80}")
    if isinstance(value, dict):
        _check_object(value, schema, field)
    elif isinstance(value, list):
        _check_size(len(value), schema.get("minItems"), schema.get("maxItems"), field, "items")
        for i, item in enumerate(value):
            check(item, schema["items"], f"{field}[{i}]")
    elif isinstance(value, str):
        _check_size(len(value), schema.get("minLength"), schema.get("maxLength"), field, "characters")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
        if not low <= value <= high:  # nor nan
            raise SchemaError(field, f"must be from {low:g} to {high:g}, not {value!r:.40}")


def _is_of(value: object, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _check_any(value: object, schemas: list[Schema], field: str) -> None:
    reasons = []
    for schema in schemas:
        try:
            check(value, schema, field)
        except SchemaError as error:
            reasons.append(str(error).removeprefix(f"{field}: "))
        else:
            return
    raise SchemaError(field, "; or ".join(reasons))


def _check_object(value: dict[str, object], schema: Schema, field: str) -> None:
    properties, prefix = schema.get("properties", {}), f"{field}." if field else ""
    if schema.get("additionalProperties") is False:
        for name in value:
            if name not in properties:
                raise SchemaError(prefix + name[:80], f"is not known; known are {', '.join(sorted(properties))}")
    for name in schema.get("required", ()):
        if name not in value:
            raise SchemaError(prefix + name, "is missing")
    for name, item in value.items():
        if name in properties:
            check(item, properties[name], prefix + name)


def _check_size(size: int, least: int | None, most: int | None, field: str, what: str) -> None:
    if least is not None and size < least:
        raise SchemaError(field, f"must have at least {least:,} {what}, not {size:,}")
    if most is not None and size > most:
        raise SchemaError(field, f"must have at most {most:,} {what}, not {size:,}")
