"""Typing errors: how many, of what kind, and always the same."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.evaluation.typos import typed

LONG = "the quick brown fox jumps over the lazy dog and runs away " * 40


def test_no_errors_at_rate_zero() -> None:
    assert typed("Émile a mangé; 東京 🙂 42", 0) == "Émile a mangé; 東京 🙂 42"
    assert typed("", 0.5) == ""


def test_single_letters_are_struck_beside_their_key_or_left_out() -> None:
    found = set(typed("g " * 300, 1).split(" "))
    assert found == {"", *"tyfhvb"}
    assert set(typed("G " * 300, 1).split(" ")) == {"", *"TYFHVB"}
    assert set(typed("é " * 300, 1).split(" ")) == {""}  # it has no key


def test_neighbours_change_places() -> None:
    assert {typed("東京", 1, seed=seed) for seed in range(30)} == {"京東", ""}


def test_all_but_letters_stays() -> None:
    text = "1984: 3.14, 42! 🙂\n"
    assert typed(text, 1) == text


def test_the_rate_is_that_of_letters() -> None:
    letters = sum(c.isalpha() for c in LONG)
    lost = [letters - sum(c.isalpha() for c in typed(LONG, rate)) for rate in (0.1, 0.3)]
    # About two fifths of the errors leave a letter out: a third, and swaps at the end of words.
    assert 0.03 * letters < lost[0] < 0.05 * letters
    assert 0.09 * letters < lost[1] < 0.15 * letters


def test_errors_depend_on_text_and_seed_only() -> None:
    assert typed(LONG, 0.1) == typed(LONG, 0.1)
    assert typed(LONG, 0.1, seed=1) != typed(LONG, 0.1)
    assert typed("a" + LONG, 0.1)[1:] != typed(LONG, 0.1)


def test_a_higher_rate_adds_errors() -> None:
    words = [typed(word, 0.05) != word for word in LONG.split()]
    more = [typed(word, 0.2) != word for word in LONG.split()]
    assert sum(words) < sum(more)
    assert all(later for earlier, later in zip(words, more, strict=True) if earlier)
