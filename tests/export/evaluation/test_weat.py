"""The association test, against effect sizes worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.evaluation.weat import (
    EXACT,
    AssociationTest,
    association,
    association_tests,
    audit,
    sentence_templates,
)

EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


def rows(*values: Sequence[float]) -> np.ndarray:
    return np.array(values, np.float32)


def test_the_strongest_effect() -> None:
    """s is 1, 1, -1, -1: mean difference 2, standard deviation sqrt(4/3); one of six divisions is as strong."""
    effect, p = association(rows(EAST, EAST), rows(NORTH, NORTH), rows(EAST), rows(NORTH))
    assert effect == pytest.approx(3**0.5)
    assert p == pytest.approx(1 / 6)
    effect, p = association(rows(NORTH, NORTH), rows(EAST, EAST), rows(EAST), rows(NORTH))
    assert effect == pytest.approx(-(3**0.5))
    assert p == 1


def test_no_effect() -> None:
    effect, p = association(rows(EAST, NORTH), rows(NORTH, EAST), rows(EAST), rows(NORTH))
    assert effect == pytest.approx(0)
    assert p == pytest.approx(5 / 6)  # all but the division that puts both norths first
    assert association(rows(EAST), rows(EAST), rows(NORTH), rows(NORTH)) == (0, 1)


def test_an_effect_in_between() -> None:
    """s is 1 and 0.2 against -1 and 0.2 (0.8 - 0.6): mean difference 1, deviation sqrt(0.68), two of six."""
    effect, p = association(rows(EAST, [0.8, 0.6]), rows(NORTH, [0.8, 0.6]), rows(EAST), rows(NORTH))
    assert effect == pytest.approx(1 / 0.68**0.5)
    assert p == pytest.approx(2 / 6)


def test_divisions_that_are_drawn() -> None:
    x, y = rows(*[EAST] * 10), rows(*[NORTH] * 10)
    effect, p = association(x, y, rows(EAST), rows(NORTH))
    assert effect == pytest.approx(2 / (20 / 19) ** 0.5)
    assert p == pytest.approx(1 / (EXACT + 1))  # C(20, 10) = 184756: never 0, though none of those drawn was as strong
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((26, 5)).astype(np.float32)
    first = association(noise[:10], noise[10:20], noise[20:23], noise[23:], seed=1)
    assert first == association(noise[:10], noise[10:20], noise[20:23], noise[23:], seed=1)
    assert 0.01 < first[1] < 0.99


def test_targets_must_be_of_one_size() -> None:
    with pytest.raises(ValueError, match="1 and 2"):
        association(rows(EAST), rows(EAST, NORTH), rows(EAST), rows(NORTH))


def test_published_lists() -> None:
    tests = {test.name: test for test in association_tests()}
    assert list(tests) == ["WEAT 1", "WEAT 2", "WEAT 5", "WEAT 6", "WEAT 7", "WEAT 8", "WEAT 10"]
    sizes = {name: [len(words) for words in test.words] for name, test in tests.items()}
    assert sizes["WEAT 1"] == sizes["WEAT 2"] == [25] * 4
    assert sizes["WEAT 5"] == [18, 18, 8, 8]
    assert all(sizes[f"WEAT {i}"] == [8] * 4 for i in (6, 7, 8, 10))
    for test in tests.values():
        assert "Science 356" in test.source
        assert all(len(set(words)) == len(words) for words in test.words)
        assert not set(test.words[0]) & set(test.words[1])
    assert tests["WEAT 8"].targets == ("science", "arts")
    assert len(sentence_templates()) == len(set(sentence_templates())) > 3


def test_audit_takes_words_and_sentences() -> None:
    seen: list[str] = []

    def embed(texts: Sequence[str], role: str) -> np.ndarray:
        """East for a rose or joy, north for the others; a word in a sentence half-way towards north."""
        seen.extend(texts)
        whole = [EAST if "rose" in text.lower() or "joy" in text.lower() else NORTH for text in texts]
        found = np.array(whole) + [[0, 1 if " " in text else 0] for text in texts]
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)

    test = AssociationTest(
        "T", "own", ("a", "b"), ("c", "d"), (("rose", "Roses"), ("fly", "flies"), ("joy",), ("pain",))
    )
    words, sentences = audit(embed, tests=[test])
    assert (words.form, sentences.form) == ("words", "sentences")
    assert words.effect_size == sentences.effect_size == round(3**0.5, 3)
    assert words.p_value == 0.17
    assert {"rose", "This is rose.", "Rose is here.", "Flies is there."} <= set(seen)
