"""Metadata as JSON that SQLite reads, and the values that a filter compares with it."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import OrderedDict
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from edgeembed.catalog.metadata import (
    MAX_DEPTH,
    comparable,
    distance_km,
    is_json,
    mended,
    metadata_json,
    named_text,
    taken_ns,
)


class Level(IntEnum):
    HIGH = 3


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("caf\udce9 \U0001f600", "caf\udce9 \U0001f600"),
        (2**63 - 1, 2**63 - 1),
        (2**70, 2**70),
        (-0.5, -0.5),
        (True, True),
        (None, None),
        ((1, "a"), [1, "a"]),
        (Level.HIGH, 3),
        (np.int64(5), 5),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("red"), "red"),
        (np.array(7), 7),
        (MappingProxyType({"a": OrderedDict(b=[None])}), {"a": {"b": [None]}}),
        (nested(MAX_DEPTH - 1), nested(MAX_DEPTH - 1)),
    ],
)
def test_what_is_taken_comes_back_and_sqlite_reads_it(value: Any, stored: Any) -> None:
    text = metadata_json("d", {"field": value})
    assert json.loads(text) == {"field": stored}
    assert text.isascii()
    assert sqlite3.connect(":memory:").execute("SELECT json_valid(?)", (text,)).fetchone() == (1,)
    assert is_json(text)
    assert mended(text) == text


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (math.nan, ValueError, r"document 'd': metadata\['field'\] is nan"),
        ([1, math.inf], ValueError, r"metadata\['field'\]\[1\] is inf"),
        ({"a": {"b": -math.inf}}, ValueError, r"metadata\['field'\]\['a'\]\['b'\] is -inf"),
        (np.float64("nan"), ValueError, "is nan"),
        (np.float32("inf"), ValueError, "is inf"),
        ([1 << 20_000], ValueError, "as a string"),
        ("a\0b", ValueError, "NUL"),
        ({"a\0b": 1}, ValueError, "NUL"),
        ({1: 2}, TypeError, r"metadata\['field'\]: its names must be strings, not 1"),
        ({None: 2}, TypeError, "must be strings"),
        (date(2024, 5, 1), TypeError, r"is a date, .*isoformat"),
        (datetime(2024, 5, 1), TypeError, "isoformat"),
        (time(12), TypeError, "isoformat"),
        (timedelta(1), TypeError, "total_seconds"),
        (Decimal("1.5"), TypeError, r"is a Decimal, .*float\(\)"),
        (Fraction(1, 3), TypeError, "Fraction"),
        (1j, TypeError, "complex"),
        ({1, 2}, TypeError, "sorted list"),
        (frozenset(), TypeError, "sorted list"),
        (b"red", TypeError, "is a bytes, .*base64"),
        (np.array([1, 2]), TypeError, "tolist"),
        (np.datetime64("2024-05-01", "ns"), TypeError, "datetime64"),
        (object(), TypeError, "is a object"),
        (nested(MAX_DEPTH), ValueError, "deeper than 200"),
        (nested(5000), ValueError, "deeper than 200"),
    ],
)
def test_what_is_refused_is_named_with_a_way_out(value: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        metadata_json("d", {"field": value})
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_a_mapping_that_holds_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    with pytest.raises(ValueError, match="deeper than 200"):
        metadata_json("d", loop)


def test_values_of_a_filter_are_those_of_metadata() -> None:
    assert [comparable("n", value) for value in ("a", None, True, 2.5, np.int32(4), math.inf)] == [
        "a",
        None,
        True,
        2.5,
        4,
        math.inf,
    ]
    for value in (math.nan, 2**63, -(2**63) - 1, np.float64("nan")):
        with pytest.raises(ValueError, match=r"where\['n'\]"):
            comparable("n", value)
    for value in (date(2024, 5, 1), Decimal(1), b"a", (1,), {1}, [2], {"a": 1}, nested(5000), np.array([1]), object()):
        with pytest.raises(TypeError, match=r"where\['n'\] must be a string, number, bool or None"):
            comparable("n", value)


@pytest.mark.parametrize(
    ("text", "valid", "better"),
    [
        ('{"a": NaN}', False, '{"a": null}'),
        ('{"a": [Infinity, -Infinity, 1]}', False, '{"a": [null, null, 1]}'),
        ('{"a": "NaN"}', True, '{"a": "NaN"}'),
        ("[1]", False, "[1]"),
    ],
)
def test_what_older_versions_stored_is_seen_and_mended(text: str, valid: bool, better: str) -> None:
    assert (is_json(text), mended(text)) == (valid, better)


def test_what_is_damaged_stays_so() -> None:
    assert mended('{"a": ') == '{"a": '
    with pytest.raises(ValueError, match="Expecting"):
        is_json('{"a": ')


def test_what_a_document_is_called_and_what_is_said_of_its_photo() -> None:
    assert named_text("a.jpg", "{}") == "a.jpg"
    said = {"photo.keywords": ["sea", 5], "photo.caption": "A boat", "photo.taken": "2019-07-14", "from": "photo.x"}
    assert named_text("a.jpg", json.dumps(said)) == "a.jpg\nA boat\nsea, 5"
    for odd in ('{"photo.title": 5, "photo.place": {}, "photo.camera": ""}', '["photo."]', '{"photo.', '"photo.title'):
        assert named_text("a.jpg", odd) == "a.jpg"


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"file.part": 12}, "Mail/a.mbox"),
        ({"file.part": 12, "photo.title": "A boat"}, "Mail/a.mbox\nA boat"),
        ({"file.part": 1}, "Mail/a.mbox/12"),
        ({"file.part": "12"}, "Mail/a.mbox/12"),
        ({"part": 12}, "Mail/a.mbox/12"),
    ],
)
def test_the_number_of_a_part_is_no_word_of_its_name(metadata: dict[str, Any], name: str) -> None:
    assert named_text("Mail/a.mbox/12", json.dumps(metadata)) == name


def test_the_way_over_the_ground() -> None:
    vienna, zanzibar = "[48.2082, 16.3738]", (-6.1659, 39.2026)
    assert distance_km(vienna, 48.2082, 16.3738) == pytest.approx(0, abs=1e-6)
    assert distance_km(vienna, *zanzibar) == pytest.approx(6444, rel=0.01)
    assert distance_km("[0, 179.9]", 0, -179.9) == pytest.approx(22.24, rel=0.001)
    assert distance_km("[90, 0]", -90, 0) == pytest.approx(20015, rel=0.001)
    for odd in ("[1]", "[1, 2, 3]", '["a", "b"]', "{}", "[null, 1]", "x"):
        assert distance_km(odd, 0, 0) is None


def test_when_a_photo_was_taken() -> None:
    assert taken_ns(b'{"photo.taken": "2019-07-14T12:00:00+02:00"}') == 1_563_098_400 * 10**9
    local = datetime(2019, 7, 14, 12).timestamp()
    assert taken_ns(b'{"photo.taken": "2019-07-14T12:00:00"}') == round(local) * 10**9
    for odd in (b"{}", b'{"photo.taken": 5}', b'{"photo.taken": "soon"}', b"[", b'{"photo.taken": null}'):
        assert taken_ns(odd) is None
