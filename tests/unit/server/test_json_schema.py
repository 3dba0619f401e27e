"""Checks of what clients send."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from edgeembed.server.json_schema import SchemaError, check
from edgeembed.server.question import SEARCH, SIMILAR, SYNC

GOOD: list[Any] = [
    {"query": "boat"},
    {"query": "boat", "k": 200, "min_score": 0.5, "kind": None, "near": [48.2, 16, 5.5]},
    {"query": "boat", "min_score": None, "ext": ["md"], "plus": ["dog"], "since": "2024-05-01", "max_size": 10},
]
BAD: list[tuple[Any, str]] = [
    ({}, "query: is missing"),
    ([], "must be object"),
    ({"query": 5}, "query: must be string"),
    ({"query": ""}, "query: must have at least 1 characters"),
    ({"query": "x" * 20_001}, "query: must have at most 20,000 characters"),
    ({"query": "boat", "path": "/etc/passwd"}, "path: is not known; known are"),
    ({"query": "boat", "k": True}, "k: must be integer"),
    ({"query": "boat", "k": 1.5}, "k: must be integer"),
    ({"query": "boat", "k": 0}, "k: must be from 1 to 200"),
    ({"query": "boat", "k": 201}, "k: must be from 1 to 200"),
    ({"query": "boat", "mode": "magic"}, "mode: must be one of"),
    ({"query": "boat", "kind": 1}, "kind: must be one of"),
    ({"query": "boat", "min_score": 2}, "min_score: must be one of"),
    ({"query": "boat", "min_score": float("nan")}, "min_score: must be one of"),
    ({"query": "boat", "plus": ["dog", 5]}, r"plus\[1\]: must be string"),
    ({"query": "boat", "plus": ["dog"] * 21}, "plus: must have at most 20 items"),
    ({"query": "boat", "near": [1, 2]}, "near: must have at least 3 items"),
    ({"query": "boat", "near": [1, 2, "3"]}, r"near\[2\]: must be number"),
    ({"query": "boat", "literal": 1}, "literal: must be boolean"),
]


@pytest.mark.parametrize("value", GOOD)
def test_what_is_as_described_is_taken(value: Any) -> None:
    check(value, SEARCH)
    jsonschema.Draft202012Validator(SEARCH).validate(value)


@pytest.mark.parametrize(("value", "reason"), BAD)
def test_what_is_not_is_refused_with_its_field(value: Any, reason: str) -> None:
    with pytest.raises(SchemaError, match=reason):
        check(value, SEARCH)
    if "nan" not in repr(value):
        assert not jsonschema.Draft202012Validator(SEARCH).is_valid(value)


@pytest.mark.parametrize("schema", [SEARCH, SIMILAR, SYNC])
def test_descriptions_are_schemas(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
