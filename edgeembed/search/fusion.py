"""Judging: meaning and words put on one scale, documents put in order, and what is not relevant left out.

Pure functions on numbers. Similarity and BM25 are added after both were brought to scales of their own: the similarity
as a z-score, that is, in deviations above what is ordinary for the query (see ``index_models.calibration``), BM25
divided by the root of the highest that any text could get. BM25 is a sum of weights of words, and a sum of n
independent parts spreads by the root of n: divided by it, a long query and a short one are on one scale. Such a sum
keeps how far apart results are, and how much of the query was found at all, of which ranks know nothing. Reciprocal
rank fusion (Cormack, Clarke and Büttcher 2009, doi:10.1145/1571941.1572114) was measured beside it, the constants of
each chosen on sets other than the one reported: it gains less on sets of abstracts and loses more among short texts,
where a single word in common can lift a document above the best match. That sums of normalised scores do better is
also what Bruch, Gai and Ingber found (2023, An Analysis of Fusion Functions for Hybrid Retrieval,
doi:10.1145/3596512). ``python -m tests.benchmarks.hybrid`` measures all of this.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..index_models.calibration import (
    BM25_WEIGHT_FOR_CUTOFF,
    LOGISTIC_MIDPOINT,
    MIN_SHARE_OF_BEST_Z,
    MIN_Z,
    Calibration,
    chance_threshold,
)

if TYPE_CHECKING:
    from ..catalog.fulltext import Terms

Mode = Literal["hybrid", "vector", "keyword"]
MinScore = float | Literal["auto"] | None
BM25_WEIGHT = 1.25
"""Weight of BM25 / sqrt(max BM25) against the z-score of the similarity, with the default model, at most."""
_USUAL_BEST_Z = 6.0
_LEAST_SHARE = 0.4
"""Of that weight, where a text matches in meaning as few do."""
_BEST_PASSAGES = 3
"""So many passages of a file of code are judged together."""
_FILE_WEIGHT = 0.75
"""Weight of what is said of a file of code as a whole, against the BM25 of its passages."""
_FILE_K1, _FILE_B = 2.4, 0.75
"""Of BM25 over files: k1 is higher than for passages, as a file says a thing more often."""
_LEAST_FILES = 5
_SIDELINE = 0.5
"""z-score by which tests and what programs made come after others."""
_FEW_WORDS = 2
"""A query of so few words is answered by what holds all of them."""
_MIN_WORD_SHARE = 2 / 3
"""Share of the words' weights from which words alone make a document relevant: most of what is rare in the query."""
_ALL_WORDS_ONCE = 0.45
"""Share of the highest possible BM25 that all words once in a passage of average length give: 1 / (k1 + 1)."""
_ASIDE_WEIGHT = 0.5
"""Of the BM25 of what stands around the article of a page: with two words of a query it counts as another with one."""
_ASIDE_STEP = 1e-6
"""It comes after what is preferred to it by so much at most."""
_NO_LIMITS: Mapping[int, float] = {}
_KEYWORD_STEPS = 2.0
"""z-score that words alone stand for, in keyword mode: from none of them to all of them once."""


@dataclass(frozen=True)
class AskedWords:
    """The words of a query as a person counts them, and what is asked of them."""

    weights: tuple[float, ...] = ()
    """Of each: how rare it is among passages and names."""
    rare: frozenset[int] = frozenset()
    """Numbers of those that are rare in the folder and in the language."""
    required: bool = False
    """Whether there is a phrase in quotes, which every candidate holds."""
    excluding: bool = False
    """Whether there is an excluded word, which no candidate holds."""
    identifiers: bool = False
    """Whether all of them are identifiers and numbers, of which a model of meaning knows nothing."""

    def prove(self, held: frozenset[int]) -> bool:
        """Whether words alone make a document relevant, of however many words it consists.

        Args:
            held: numbers of the words that it holds, in its passages or its name.
        """
        if self.required or held & self.rare or (self.excluding and held):
            return True
        if len(self.weights) <= _FEW_WORDS:
            return 0 < len(self.weights) == len(held)
        total = sum(self.weights)
        return total > 0 and sum(self.weights[i] for i in held) >= _MIN_WORD_SHARE * total


class FileEvidence(NamedTuple):
    """What is known of a file of code as a whole."""

    holding: tuple[int, ...] = ()
    """How many of its passages hold each word of the query, and then, how many define a name with it."""
    passages: int = 1
    """How many it has; with them the length of the file is measured."""
    is_sideline: bool = False
    """Whether it is a test, or was made by a program."""


class Evidence(NamedTuple):
    """What speaks for one passage."""

    similarity: float | None
    """Cosine of the passage and the query; ``None``: one of them has no vector, because the model cannot read it."""
    bm25: float | None
    """``None``: the full text did not bring it up."""


@dataclass(frozen=True)
class Candidate:
    """A document that may become a hit, and the evidence for it."""

    document: int
    id: str
    kind: str
    """``text`` or ``image``: of its passages."""
    passages: Mapping[int, Evidence]
    """By the key of the chunk; at least one."""
    name_bm25: float
    """Of its name; 0: no word of the query is in it."""
    matched: frozenset[str]
    """What brought it up: ``vector``, ``keyword``."""
    words: frozenset[int] = frozenset()
    """Numbers of the query's words that it holds; looked up only where the score is cut by ``auto``."""
    file: FileEvidence | None = None
    """``None``: it is not code."""

    @property
    def evidence(self) -> Mapping[int, Evidence]:
        """Its passages; one for which nothing speaks is among them only if there is no other."""
        return {key: item for key, item in self.passages.items() if item != (None, None)} or self.passages


@dataclass(frozen=True)
class Scales:
    """How the evidence of one query is measured."""

    calibrations: Mapping[str, Calibration]
    """By kind of documents."""
    words: Terms
    """The words of the query as weighed among passages."""
    names: Terms
    """The words of the query as weighed among names."""
    passage_counts: Mapping[str, int]
    """By kind: how many passages were searched. Needed only where the score is cut by ``auto``."""
    by_words_only: frozenset[str] = frozenset()
    """Kinds of documents with which the query is not compared, because the model cannot read it."""
    asked: AskedWords = AskedWords()
    """What the words of the query prove; likewise."""
    preferred: Mapping[int, Sequence[Set[int]]] = field(default_factory=dict)
    """For each passage that stands around the article of a page, groups of others, by their keys: the best of each
    group comes before it. See :func:`aside_limits`."""


@dataclass(frozen=True)
class RankedDocument:
    """A candidate with all numbers by which it is judged."""

    candidate: Candidate
    keys: tuple[int, ...]
    """Keys of its passages, the best one first."""
    value: float
    """By which documents are put in order."""
    score: float | None
    """0 to 1, of :attr:`value`; ``None``: not calibrated."""
    z: float
    """Z-score of its best passage, its words counted in, by which it is decided whether it is shown."""
    has_enough_words: bool
    """Whether its words alone make it relevant."""


def judge(
    candidates: Iterable[Candidate], scales: Scales, *, mode: Mode, min_score: MinScore = None
) -> list[RankedDocument]:
    """The candidates to show, the best one first; equals in the order of their ids."""
    candidates = list(candidates)
    weight = words_weight(candidates, scales)
    files = file_values(candidates, scales)
    limits = aside_limits(candidates, scales, mode, weight)
    ranked = [rank(item, scales, mode, weight, files.get(item.document, 0.0), limits) for item in candidates]
    if min_score == "auto":
        if scales.asked.identifiers and any(item.candidate.words for item in ranked):
            ranked = [item for item in ranked if item.candidate.words]
        ranked = relevant(ranked, scales)
    elif isinstance(min_score, (int, float)):
        ranked = [item for item in ranked if item.score is None or item.score >= min_score]
    return sorted(ranked, key=lambda item: (-item.value, item.candidate.id))


def words_weight(candidates: Sequence[Candidate], scales: Scales) -> float:
    """The weight of words for one query.

    It is that of the model (:attr:`Calibration.words`), and less the nearer in meaning the best text is: among short
    notes, any of which has some word in common with the query, the best is much nearer than the others.
    """
    calibration = scales.calibrations.get("text")
    if calibration is None:
        return BM25_WEIGHT
    texts = [passage.similarity for item in candidates if item.kind == "text" for passage in item.passages.values()]
    best = max((similarity for similarity in texts if similarity is not None), default=None)
    if best is None or not calibration.is_calibrated:
        return BM25_WEIGHT * calibration.words
    share = (_USUAL_BEST_Z / max(_USUAL_BEST_Z, calibration.z_score(best))) ** 2
    return BM25_WEIGHT * calibration.words * max(_LEAST_SHARE, share)


def file_values(candidates: Iterable[Candidate], scales: Scales) -> dict[int, float]:
    """How much more than others each file of code has of the words, by the number of the document.

    BM25 over files, where a passage that holds a word counts as one occurrence of it, and one that defines a name with
    it as one of another word. What is rare is found out among these very files: they have been chosen by the words.
    That of the median is 0, so that files are on one scale with texts that are no code.
    """
    files = [(item.document, item.file) for item in candidates if item.file and item.file.holding]
    if len(files) < _LEAST_FILES:
        return {}
    mean = sum(file.passages for _, file in files) / len(files)
    weights = []
    for counts in zip(*(file.holding for _, file in files), strict=True):
        held = sum(count > 0 for count in counts)
        weights.append(max(0.0, math.log((len(files) - held + 0.5) / (held + 0.5))))
    bm25 = {}
    for document, file in files:
        share = _FILE_K1 * (1 - _FILE_B + _FILE_B * file.passages / mean)
        terms = zip(weights, file.holding, strict=True)
        bm25[document] = sum(weight * n * (_FILE_K1 + 1) / (n + share) for weight, n in terms) / scales.words.spread
    usual = statistics.median(bm25.values())
    return {document: value - usual for document, value in bm25.items()}


def aside_limits(
    candidates: Iterable[Candidate], scales: Scales, mode: Mode, weight: float = BM25_WEIGHT
) -> dict[int, float]:
    """The value that each passage around an article stays below, by its key, for the sake of those preferred to it.

    Menus stand on every page of a site and are short, so that BM25 alone would put them first.
    """
    if not scales.preferred:
        return {}
    values: dict[int, float] = {}
    for item in candidates:
        values |= passage_values(item, scales, mode, weight)
    limits = {}
    for key, groups in scales.preferred.items():
        known = [[values[other] for other in group if other in values] for group in groups]
        limits[key] = min([max(group) for group in known if group], default=math.inf)
    return limits


def passage_values(
    candidate: Candidate, scales: Scales, mode: Mode, weight: float, limits: Mapping[int, float] = _NO_LIMITS
) -> dict[int, float]:
    """By which the passages of a candidate are put in order, by their keys; the arguments are those of :func:`rank`."""
    meaning_weight, bm25_weight = _mode_weights(mode, weight)
    word_weight = bm25_weight / scales.words.spread
    values = {}
    for key, (similarity, bm25) in candidate.evidence.items():
        value = meaning_weight * _z_score(similarity, scales.calibrations[candidate.kind])
        value += word_weight * (bm25 or 0.0) * (_ASIDE_WEIGHT if key in scales.preferred else 1.0)
        if key in limits:
            value = min(value, limits[key] - _ASIDE_STEP / (1 + max(0.0, value)))  # among themselves as they were
        values[key] = value
    return values


def _mode_weights(mode: Mode, weight: float) -> tuple[float, float]:
    """Weights of the z-score and of BM25."""
    # In keyword mode the similarity decides between equals only.
    return {"hybrid": (1.0, weight), "vector": (1.0, 0.0), "keyword": (1e-9, 1.0)}[mode]


def _z_score(similarity: float | None, calibration: Calibration) -> float:
    return 0.0 if similarity is None else calibration.z_score(similarity)  # what cannot be read is as if ordinary


def rank(
    candidate: Candidate,
    scales: Scales,
    mode: Mode,
    weight: float = BM25_WEIGHT,
    file_value: float = 0.0,
    limits: Mapping[int, float] = _NO_LIMITS,
) -> RankedDocument:
    """The numbers of one candidate.

    Args:
        weight: of words, where meaning counts as well; see :func:`words_weight`.
        file_value: of :func:`file_values`.
        limits: of :func:`aside_limits`.
    """
    meaning_weight, bm25_weight = _mode_weights(mode, weight)
    name_weight = bm25_weight / scales.names.spread
    calibration, passages = scales.calibrations[candidate.kind], candidate.evidence
    values = passage_values(candidate, scales, mode, weight, limits)
    keys = sorted(values, key=lambda key: (-values[key], key))
    similarity = passages[keys[0]].similarity
    bm25 = max(passage.bm25 or 0.0 for passage in candidate.passages.values())
    words = bm25 / scales.words.spread + candidate.name_bm25 / scales.names.spread
    value = values[keys[0]] + name_weight * candidate.name_bm25
    if candidate.file is not None and bm25_weight > 0:
        best = [values[key] for key in keys[:_BEST_PASSAGES]]
        value += sum(best) / len(best) - best[0] + _FILE_WEIGHT * bm25_weight * file_value
        value -= _SIDELINE * meaning_weight * candidate.file.is_sideline
    by_words = bm25_weight > 0 and (mode == "keyword" or candidate.kind in scales.by_words_only)
    return RankedDocument(
        candidate,
        tuple(keys),
        value=value,
        score=calibration.score_of_z(_z_of_words(value / bm25_weight, scales) if by_words else value),
        z=_z_score(similarity, calibration) + BM25_WEIGHT_FOR_CUTOFF * words,
        has_enough_words=mode == "keyword" or scales.asked.prove(candidate.words),
    )


def _z_of_words(value: float, scales: Scales) -> float:
    """The z-score that BM25 alone stands for; it rises with it, and with all words once it is that of a good match."""
    once = _ALL_WORDS_ONCE * max(scales.words.spread, scales.names.spread)
    return LOGISTIC_MIDPOINT + _KEYWORD_STEPS * (value / once - 0.5)


def relevant(ranked: list[RankedDocument], scales: Scales) -> list[RankedDocument]:
    """What is shown by default: nothing without a good match, nor what is far below the best of its kind."""
    min_z: dict[str, float] = {}
    for item in ranked:
        kind = item.candidate.kind
        least = 0.0 if kind in scales.by_words_only else MIN_Z
        min_z[kind] = max(min_z.get(kind, least), MIN_SHARE_OF_BEST_Z * item.z)
    shown = [item for item in ranked if _is_sure(item, scales) or item.z >= min_z[item.candidate.kind]]
    return shown if any(_is_good(item, scales) for item in shown) else []


def _is_good(item: RankedDocument, scales: Scales) -> bool:
    """Whether it is a better match than the best that chance brings."""
    kind = item.candidate.kind
    is_found = kind in scales.by_words_only  # by chance no text holds the words
    return is_found or _is_sure(item, scales) or item.z >= chance_threshold(scales.passage_counts[kind])


def _is_sure(item: RankedDocument, scales: Scales) -> bool:
    """Whether it is shown whatever its z-score: its words are proof enough, or nothing is known about z-scores."""
    return item.has_enough_words or not scales.calibrations[item.candidate.kind].is_calibrated
