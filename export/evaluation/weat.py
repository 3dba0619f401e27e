"""WEAT, the Word Embedding Association Test (Caliskan, Bryson and Narayanan 2017): an audit of social bias.

A finding says what the vectors associate; not finding anything does not show that there is no bias.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from .. import data as data_files
from ..types import Vectors
from .text_tasks import Embed

EXACT = 20_000
"""Up to so many ways to divide the target words all are tried; above, so many are drawn."""
_BLOCK = 1000


@dataclass(frozen=True)
class AssociationTest:
    """Two sets of target words and two sets of attributes, as published."""

    name: str
    source: str
    """Where the word lists come from."""
    targets: tuple[str, str]
    attributes: tuple[str, str]
    """Names of the sets."""
    words: tuple[tuple[str, ...], ...]
    """The first and second target's, then the first and second attribute's."""


@dataclass(frozen=True, kw_only=True)
class Association:
    """Result of one test."""

    test: str
    targets: tuple[str, str]
    attributes: tuple[str, str]
    form: str
    """``words``: each word alone; ``sentences``: its mean over plain sentences."""
    effect_size: float
    """From -2 to 2; positive: the first target goes with the first attribute, the second with the second."""
    p_value: float
    """Share of all ways to divide the target words in two that give at least this effect (one-sided)."""


def association_tests() -> list[AssociationTest]:
    """The tests of ``data/weat.json``."""
    data = json.loads((files(data_files) / "weat.json").read_text(encoding="utf-8"))
    lists = {name: tuple(words) for name, words in data["words"].items()}
    return [
        AssociationTest(
            test["name"],
            data["source"],
            _shown(test["targets"]),
            _shown(test["attributes"]),
            tuple(lists[name] for name in (*test["targets"], *test["attributes"])),
        )
        for test in data["tests"]
    ]


def sentence_templates() -> list[str]:
    """Sentences that say next to nothing, for any word at ``{}`` (after May et al. 2019)."""
    data = json.loads((files(data_files) / "weat.json").read_text(encoding="utf-8"))
    return [str(template) for template in data["sentences"]]


def audit(embed: Embed, *, tests: Sequence[AssociationTest] | None = None, seed: int = 0) -> list[Association]:
    """Every test with words alone and with words in sentences.

    May et al. take every sentence as an item of its own; here the sentences of a word are averaged, because they are
    not independent, and counting them as if they were makes any difference significant.

    Args:
        embed: texts and role to rows of length 1.
        tests: ``None``: all of :func:`association_tests` (English).
        seed: of the divisions that are drawn where there are too many to try all.
    """
    associations = []
    for test in association_tests() if tests is None else tests:
        for form, templates in (("words", ["{}"]), ("sentences", sentence_templates())):
            x, y, a, b = (_vectors(embed, words, templates) for words in test.words)
            effect, p = association(x, y, a, b, seed=seed)
            associations.append(
                Association(
                    test=test.name,
                    targets=test.targets,
                    attributes=test.attributes,
                    form=form,
                    effect_size=round(effect, 3),
                    p_value=float(f"{p:.2g}"),
                )
            )
    return associations


def association(x: Vectors, y: Vectors, a: Vectors, b: Vectors, *, seed: int = 0) -> tuple[float, float]:
    """Effect size and p-value of Caliskan et al. 2017.

    With s(w) = mean cosine of w to ``a`` - mean cosine of w to ``b``, the effect size is (mean of s over ``x`` - mean
    of s over ``y``) / standard deviation of s over both (n - 1 in its divisor). The p-value is the share of divisions
    of the target words into two halves whose sum of s over the first half is at least that found. Where divisions are
    drawn, the one found counts as one of them, so that p is never 0 (Phipson and Smyth 2010).

    Args:
        x, y: vectors of the target words, of length 1.
        a, b: vectors of the attribute words, of length 1.
        seed: of the divisions that are drawn.

    Raises:
        ValueError: there are fewer than two target words, or not as many in ``x`` as in ``y``.
    """
    if len(x) != len(y) or len(x) < 1:
        raise ValueError(f"both targets must have as many words, at least one, not {len(x)} and {len(y)}")
    targets = np.concatenate([x, y]).astype(np.float64)
    s = (targets @ a.T).mean(axis=1) - (targets @ b.T).mean(axis=1)  # (targets,)
    deviation = float(s.std(ddof=1))
    if deviation == 0:
        return 0.0, 1.0
    effect = (s[: len(x)].mean() - s[len(x) :].mean()) / deviation
    # Sums of the same numbers in another order differ in the last digits.
    least = s[: len(x)].sum() - 1e-9 * np.abs(s).sum()
    hits = sum(int((s[half].sum(axis=1) >= least).sum()) for half in _halves(len(s), seed))
    ways = math.comb(len(s), len(x))
    return float(effect), hits / ways if ways <= EXACT else (hits + 1) / (EXACT + 1)


def _halves(count: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """Halves of ``range(count)``, ``(some, count / 2)`` at a time: all, or where they are too many, as drawn."""
    if math.comb(count, count // 2) <= EXACT:
        every = itertools.combinations(range(count), count // 2)
        while block := list(itertools.islice(every, _BLOCK)):
            yield np.array(block, np.int64)
        return
    rng = np.random.default_rng(seed)
    for _ in range(EXACT // _BLOCK):
        yield rng.random((_BLOCK, count)).argsort(axis=1)[:, : count // 2]


def _vectors(embed: Embed, words: Sequence[str], templates: Sequence[str]) -> Vectors:
    """The mean over the templates for each word, divided by its length, ``(words, dim)``."""
    texts = [_sentence(template, word) for word in words for template in templates]
    means = embed(texts, "document").reshape(len(words), len(templates), -1).mean(axis=1)
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)


def _shown(names: Sequence[str]) -> tuple[str, str]:
    """Names of two lists without what tells them from others of the same subject, which follows a comma."""
    first, second = (name.partition(",")[0] for name in names)
    return first, second


def _sentence(template: str, word: str) -> str:
    text = template.replace("{}", word)
    return text if template == "{}" else text[0].upper() + text[1:]
