"""JSON and JSON Lines to text."""

from __future__ import annotations

import json

import pytest

from edgeembed.reading.extracted import ExtractedText
from edgeembed.reading.readers import read


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1, "b": {"c": ["x", "y"], "d": None}, "e": True}, "a: 1\nb.c: x, y\ne: true\n"),
        ([{"n": "Ann", "t": [{"k": 1}, {"k": 2}]}, {"n": "Bob"}], "n: Ann, t: k: 1, t: k: 2\nn: Bob\n"),
        ({"rows": [{"n": 1}, {"n": 2}]}, "rows: n: 1\nrows: n: 2\n"),
        ({"v": [i / 7 for i in range(100)], "w": "iVBORw0KGgo" * 100, "x": "y"}, "v: 100 numbers\nx: y\n"),
        ({"v": list(range(2000)), "x": "y"}, "v: 2000 numbers\nx: y\n"),
        ({"ids": list(range(4700, 4730))}, f"ids: {', '.join(map(str, range(4700, 4730)))}\n"),
        ({"prices": [9.99] * 20}, f"prices: {', '.join(['9.99'] * 20)}\n"),
        (["seen", *[i / 7 for i in range(20)], True, "twice"], "20 numbers, seen, true, twice\n"),
        ({"a": {"rows": [[2000 + i, i] for i in range(20)]}}, "".join(f"a.rows: {2000 + i}, {i}\n" for i in range(20))),
        ([{"line": [[i / 7, i / 9] for i in range(40)]}], None),
        ("words", "words\n"),
    ],
)
def test_json(value: object, expected: str | None) -> None:
    for indent in (None, 2):
        if expected is None:
            assert len(read("json", json.dumps(value, indent=indent).encode()).text) < 1000
            continue
        assert read("json", json.dumps(value, indent=indent).encode()).text == expected


def test_json_that_is_none() -> None:
    lines = b'{"a": 1}\n\n{"a": "two\\nlines"}\n'
    assert read("json", lines) == read("jsonl", lines) == ExtractedText("a: 1\n\na: two lines\n", lines=True)
    comments = b'// about\n{"a": 1,}\n'
    assert read("json", comments) == ExtractedText(comments.decode(), lines=True)
