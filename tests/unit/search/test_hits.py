"""Hits, passages and explanations share the fields of a span; their constructors, texts and pickles are as before."""

from __future__ import annotations

import inspect
import json
import pickle
from dataclasses import asdict, fields, replace

import pytest

from edgeembed import Hit, Passage
from edgeembed.search.explain import Explanation
from edgeembed.search.hits import Span, span_fields

PASSAGE = Passage(0.5, 3, 9, 1, 2, None, "a tap", ((2, 5),), "a tap!")
HIT = Hit("n", "text", 0.5, 0.9, 3, 9, 1, 2, None, "a tap", (PASSAGE,), ("vector",), {})
EXPLANATION = Explanation("n", 0.5, 0.9, 3, 9, 1, 2, None, "a tap!", (), ("vector",))
SPAN = ["start", "end", "start_line", "end_line", "page"]
PICKLE_OF_0_2 = (
    b"ccopy_reg\n_reconstructor\np0\n(cedgeembed.search.hits\nPassage\np1\nc__builtin__\nobject\np2\nNtp3\nRp4\n"
    b"(dp5\nVsimilarity\np6\nF0.5\nsVstart\np7\nI3\nsVend\np8\nI9\nsVstart_line\np9\nI1\nsVend_line\np10\nI2\nsVpage\n"
    b"p11\nNsVsnippet\np12\nVa tap\np13\nsVmarks\np14\n((I2\nI5\ntp15\ntp16\nsVtext\np17\nVa tap!\np18\nsb."
)
"""``PASSAGE`` by edgeembed 0.2, protocol 0, when each of the three classes had these fields of its own."""


@pytest.mark.parametrize(
    ("cls", "names"),
    [
        (Passage, ["similarity", *SPAN, "snippet", "marks", "text"]),
        (
            Hit,
            [
                "id",
                "kind",
                "similarity",
                "score",
                *SPAN,
                "snippet",
                "passages",
                "matched",
                "metadata",
                "same_content",
                "copies",
                "part",
                "copy_parts",
            ],
        ),
        (Explanation, ["id", "similarity", "score", *SPAN, "text", "words", "matched", "part"]),
    ],
)
def test_the_order_of_fields_is_public(cls: type[Span], names: list[str]) -> None:
    assert list(inspect.signature(cls).parameters) == names
    assert [field.name for field in fields(cls)] == names
    assert issubclass(cls, Span)


@pytest.mark.parametrize("value", [PASSAGE, HIT, EXPLANATION], ids=lambda value: type(value).__name__)
def test_each_names_its_fields_in_that_order(value: Span) -> None:
    names = [field.name for field in fields(type(value))]
    shown = ", ".join(f"{name}={getattr(value, name)!r}" for name in names)
    assert repr(value) == f"{type(value).__name__}({shown})"
    assert list(json.loads(json.dumps(asdict(value)))) == names
    assert pickle.loads(pickle.dumps(value)) == value == replace(value)


def test_a_pickle_made_before_is_read() -> None:
    assert pickle.loads(PICKLE_OF_0_2) == PASSAGE


def test_a_hit_has_similarity_span_and_snippet_of_its_best_passage() -> None:
    page = replace(PASSAGE, similarity=None, start_line=None, end_line=None, page=7)
    hit = Hit.of("n", "text", (page, PASSAGE), {"a": 1}, score=None, matched=("keyword",))
    assert (hit.similarity, hit.snippet, hit.passages) == (None, "a tap", (page, PASSAGE))
    assert [getattr(hit, name) for name in SPAN] == [3, 9, None, None, 7]


def test_the_fields_of_a_span_are_those_of_any_object_that_has_them() -> None:
    assert span_fields(HIT) == span_fields(PASSAGE) == dict(zip(SPAN, (3, 9, 1, 2, None), strict=True))
    assert Span(**span_fields(EXPLANATION)) == Span(3, 9, 1, 2, None)
    assert Span(**span_fields(PASSAGE)) != PASSAGE
    with pytest.raises(AttributeError, match="start"):
        span_fields("a tap")
