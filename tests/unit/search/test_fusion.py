"""The judging part of a search, on numbers alone."""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import replace
from typing import Any

import pytest

from edgeembed.catalog.fulltext import Terms
from edgeembed.index_models.calibration import BM25_WEIGHT_FOR_CUTOFF, MIN_Z, Calibration, chance_threshold
from edgeembed.search.fusion import (
    BM25_WEIGHT,
    AskedWords,
    Candidate,
    Evidence,
    FileEvidence,
    RankedDocument,
    Scales,
    file_values,
    judge,
    rank,
    words_weight,
)

TEXT, IMAGE = Calibration(0.1, 0.1, True), Calibration(0.2, 0.05, True)
UNKNOWN = Calibration(0.0, 0.09, False)
_NOTHING_ASKED = AskedWords()
WORDS, NAMES = Terms('"a"', 16.0), Terms('"a"', 4.0)


def scales(
    *,
    text: Calibration = TEXT,
    passages: int = 10,
    words: Terms = WORDS,
    names: Terms = NAMES,
    asked: AskedWords = _NOTHING_ASKED,
) -> Scales:
    return Scales({"text": text, "image": IMAGE}, words, names, {"text": passages, "image": passages}, asked=asked)


def candidate(
    id: str,
    *evidence: tuple[float | None, float | None],
    kind: str = "text",
    name_bm25: float = 0.0,
    words: frozenset[int] = frozenset(),
) -> Candidate:
    passages = {key: Evidence(*item) for key, item in enumerate(evidence)}
    return Candidate(1, id, kind, passages, name_bm25, frozenset(("vector",)), words)


def similarity_of(z: float) -> float:
    return TEXT.mean + z * TEXT.deviation


def ids(ranked: list[RankedDocument]) -> str:
    return "".join(item.candidate.id for item in ranked)


def test_what_stands_around_an_article_stays_below_what_is_preferred_to_it() -> None:
    page = Candidate(1, "page", "text", {1: Evidence(None, 9.0), 2: Evidence(0.1, 0.5)}, 0.0, frozenset(("keyword",)))
    menu = Candidate(2, "menu", "text", {3: Evidence(None, 12.0)}, 0.0, frozenset(("keyword",)))
    note = Candidate(3, "note", "text", {4: Evidence(0.1, 2.0), 5: Evidence(0.1, 1.0)}, 0.0, frozenset(("keyword",)))
    for mode in ("keyword", "hybrid"):
        free = judge([page, menu, note], scales(), mode=mode)
        assert [item.candidate.id for item in free] == ["menu", "page", "note"]
        preferred = {1: [{4, 5}, {2}], 3: [{4, 5}, {9}]}  # nothing is known of 9
        held = judge([page, menu, note], replace(scales(), preferred=preferred), mode=mode)
        assert [item.candidate.id for item in held] == ["note", "menu", "page"]
        scores = [item.score or 0.0 for item in held]
        assert scores == sorted(scores, reverse=True)
        assert held[2].keys == (2, 1)
        assert held[1].value == pytest.approx(held[0].value, abs=1e-5)
        alone = judge([menu], replace(scales(), preferred={3: []}), mode=mode)
        assert alone[0].value == pytest.approx(free[0].value / 2)


def test_a_document_is_ranked_by_its_best_passage_and_its_name() -> None:
    item = rank(candidate("a", (0.3, None), (0.2, 8.0), (None, 9.0), name_bm25=1.0), scales(), "hybrid")
    assert item.keys == (1, 2, 0)  # what has no vector is as if ordinary
    assert item.value == pytest.approx(1.0 + BM25_WEIGHT * 8.0 / 4 + BM25_WEIGHT * 1.0 / 2)
    assert item.score == TEXT.score_of_z(item.value)
    # For the cut the best words count, of whichever passage.
    assert item.z == pytest.approx(1.0 + BM25_WEIGHT_FOR_CUTOFF * (9.0 / 4 + 1.0 / 2))


def test_each_mode_goes_by_what_it_says() -> None:
    meaning, words = candidate("m", (0.9, None)), candidate("w", (0.1, 10.0))
    assert ids(judge([words, meaning], scales(), mode="vector")) == "mw"
    assert ids(judge([meaning, words], scales(), mode="keyword")) == "wm"
    assert judge([meaning], scales(), mode="vector")[0].value == pytest.approx(8)
    assert judge([words], scales(), mode="vector")[0].value == pytest.approx(0)
    equals = [candidate("a", (0.2, 10.0)), candidate("b", (0.3, 10.0)), candidate("c", (0.2, 10.0))]
    assert ids(judge(equals, scales(), mode="keyword")) == "bac"


def test_equal_passages_are_in_the_order_of_their_keys_and_documents_of_their_ids() -> None:
    assert rank(candidate("a", (0.3, None), (0.3, None), (0.4, None)), scales(), "hybrid").keys == (2, 0, 1)
    same = [candidate(id, (0.3, None)) for id in "cab"]
    assert ids(judge(same, scales(), mode="hybrid")) == "abc"


def test_kinds_are_compared_by_their_z_scores() -> None:
    photo, text = candidate("p", (0.3, None), kind="image"), candidate("t", (0.29, None))
    assert ids(judge([text, photo], scales(), mode="hybrid")) == "pt"


def test_a_least_score_leaves_out_what_is_below_it_and_keeps_what_has_none() -> None:
    good, bad = candidate("g", (similarity_of(4), None)), candidate("b", (similarity_of(1), None))
    assert ids(judge([bad, good], scales(), mode="hybrid", min_score=0.5)) == "g"
    assert ids(judge([bad, good], scales(), mode="hybrid", min_score=0)) == "gb"
    assert ids(judge([bad, good], scales(text=UNKNOWN), mode="hybrid", min_score=1)) == "gb"


def test_auto_shows_nothing_without_a_match_better_than_chance() -> None:
    best, near, far = (candidate(id, (similarity_of(z), None)) for id, z in (("a", 3.0), ("b", 2.2), ("c", 1.4)))
    assert chance_threshold(10) < 3.0 < chance_threshold(10**6)
    assert ids(judge([best, near, far], scales(passages=10), mode="hybrid", min_score="auto")) == "ab"
    assert ids(judge([best, near, far], scales(passages=10**6), mode="hybrid", min_score="auto")) == ""


def test_auto_leaves_out_what_is_far_below_the_best_of_its_kind() -> None:
    best, half, less = (candidate(id, (similarity_of(z), None)) for id, z in (("a", 8.0), ("b", 4.1), ("c", 3.9)))
    photo = candidate("p", (IMAGE.mean + MIN_Z * 1.01 * IMAGE.deviation, None), kind="image")
    assert ids(judge([less, photo, half, best], scales(), mode="hybrid", min_score="auto")) == "abp"


def test_words_are_proof_whatever_the_length_of_a_text() -> None:
    """Of a query of three words, the rare one counts most; BM25, which falls with length, is not asked."""
    asked = AskedWords((1.0, 1.0, 5.0))
    for held, expected in (({0, 1}, ""), ({2}, "a"), ({0, 2}, "a"), (set(), "")):
        item = candidate("a", (similarity_of(-1), 0.01), words=frozenset(held))
        assert ids(judge([item], scales(asked=asked), mode="hybrid", min_score="auto")) == expected, held
    assert ids(judge([candidate("a", (similarity_of(-1), 0.1))], scales(), mode="keyword", min_score="auto")) == "a"


@pytest.mark.parametrize(
    ("asked", "held", "proved"),
    [
        (AskedWords((1.0,)), {0}, True),
        (AskedWords((1.0, 9.0)), {1}, False),  # two words: all of them
        (AskedWords((1.0, 9.0)), {0, 1}, True),
        (AskedWords((0.0, 0.0)), {0, 1}, True),
        (AskedWords((0.0, 0.0, 0.0)), {0, 1, 2}, False),  # they stand everywhere
        (AskedWords((5.0, 5.0, 5.0, 1.0), rare=frozenset({3})), {3}, True),
        (AskedWords((5.0, 5.0, 5.0), required=True), set(), True),
        (AskedWords((5.0, 5.0, 5.0), excluding=True), {1}, True),
        (AskedWords((5.0, 5.0, 5.0), excluding=True), set(), False),
        (AskedWords(), set(), False),
    ],
)
def test_which_words_are_proof(asked: AskedWords, held: set[int], proved: bool) -> None:
    assert asked.prove(frozenset(held)) == proved


def test_who_asks_for_a_number_gets_what_holds_it() -> None:
    near, exact = candidate("n", (0.9, None)), candidate("e", (0.0, 0.1), words=frozenset({0}))
    asked = AskedWords((3.0,), rare=frozenset({0}), identifiers=True)
    assert ids(judge([near, exact], scales(asked=asked), mode="hybrid", min_score="auto")) == "e"
    assert ids(judge([near], scales(asked=asked), mode="hybrid", min_score="auto")) == "n"
    assert ids(judge([near, exact], scales(asked=asked), mode="hybrid", min_score=0)) == "ne"


@pytest.mark.parametrize("mode", ["hybrid", "vector", "keyword"])
def test_the_score_falls_from_hit_to_hit(mode: Any) -> None:
    rng = random.Random(1)
    items = [
        candidate(
            f"{number:03}",
            *((rng.uniform(-1, 1), rng.choice([None, rng.uniform(0, 16)])) for _ in range(3)),
            kind=rng.choice(["text", "image"]),
            name_bm25=rng.choice([0.0, rng.uniform(0, 4)]),
        )
        for number in range(200)
    ]
    scores = [item.score for item in judge(items, scales(), mode=mode)]
    assert all(score is not None and 0 <= score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)


def test_the_score_of_a_hit_by_meaning_alone_is_that_of_its_similarity() -> None:
    for mode in ("hybrid", "vector"):
        assert rank(candidate("a", (0.3, None)), scales(), mode).score == TEXT.score(0.3)
    once = candidate("a", (0.1, 0.45 * 16))
    assert rank(once, scales(), "keyword").score == pytest.approx(0.786, abs=0.001)  # all words, one time each


def test_auto_shows_all_where_nothing_is_known_of_z_scores() -> None:
    items = [candidate("a", (0.9, None)), candidate("b", (-0.9, None))]
    assert ids(judge(items, scales(text=UNKNOWN), mode="hybrid", min_score="auto")) == "ab"


def test_a_query_without_words_is_judged_by_meaning_alone() -> None:
    none = Terms("", 0.0)
    item = rank(candidate("a", (0.3, None)), scales(words=none, names=none), "hybrid")
    assert (item.value, item.z) == (pytest.approx(2.0), pytest.approx(2.0))
    assert not item.has_enough_words


def test_no_candidates_are_no_hits() -> None:
    assert judge([], scales(), mode="hybrid", min_score="auto") == []


def test_the_order_is_that_of_the_formula_whatever_the_order_of_candidates() -> None:
    rng = random.Random(0)
    items = []
    for number in range(200):
        evidence = [(rng.uniform(-1, 1), rng.choice([None, rng.uniform(0, 16)])) for _ in range(rng.randint(1, 4))]
        items.append(candidate(f"{number:03}", *evidence, name_bm25=rng.choice([0.0, rng.uniform(0, 4)])))

    weight = words_weight(items, scales())

    def value(item: Candidate) -> float:
        passages = [(s - 0.1) / 0.1 + weight * (b or 0) / 4 for s, b in item.passages.values() if s is not None]
        return max(passages) + weight * item.name_bm25 / 2

    expected = sorted(items, key=lambda item: (-value(item), item.id))
    rng.shuffle(items)
    ranked = judge(items, scales(), mode="hybrid")
    assert [item.candidate.id for item in ranked] == [item.id for item in expected]
    assert all(math.isclose(item.value, value(item.candidate)) for item in ranked)


def test_words_weigh_less_the_nearer_the_best_text_is_in_meaning() -> None:
    def weight(z: float) -> float:
        rest = [candidate(f"{n}", (similarity_of(1.0), 2.0)) for n in range(3)]
        return words_weight([candidate("w", (similarity_of(z), None)), *rest], scales())

    assert [weight(z) for z in (-5.0, 2.0, 6.0)] == pytest.approx([BM25_WEIGHT] * 3)
    assert weight(8.0) == pytest.approx(BM25_WEIGHT * (6 / 8) ** 2)
    assert weight(30.0) == weight(40.0) == 0.4 * BM25_WEIGHT


def test_words_weigh_more_beside_a_weak_model_and_as_ever_where_nothing_can_be_compared() -> None:
    weak = TEXT._replace(words=1.6)
    assert words_weight([candidate("a", (0.2, 1.0))], scales(text=weak)) == pytest.approx(1.6 * BM25_WEIGHT)
    unread, photo = candidate("a", (None, 2.0)), candidate("p", (0.9, None), kind="image")
    for items in ([], [unread], [photo]):
        assert words_weight(items, scales()) == BM25_WEIGHT
    assert words_weight([candidate("a", (0.9, 2.0))], scales(text=UNKNOWN)) == BM25_WEIGHT
    assert words_weight([photo], Scales({"image": IMAGE}, WORDS, NAMES, {})) == BM25_WEIGHT


def _file(
    id: str, *evidence: tuple[float | None, float | None], holding: tuple[int, ...] = (), passages: int = 4, **more: Any
) -> Candidate:
    document = sum(map(ord, id))
    file = FileEvidence(holding, passages, **more)
    return replace(candidate(id, *evidence), document=document, file=file)


def test_a_file_of_code_with_several_good_passages_comes_before_one_with_a_single_one() -> None:
    one = _file("one", (similarity_of(4.0), None), (similarity_of(0.5), None), (similarity_of(0.1), None))
    several = _file("several", *[(similarity_of(z), None) for z in (3.8, 3.0, 2.5, -4.0)])
    assert ids(judge([one, several], scales(), mode="hybrid")) == "severalone"
    assert rank(several, scales(), "hybrid").value == pytest.approx((3.8 + 3.0 + 2.5) / 3)
    # Prose, and search by meaning alone, go by the best passage.
    prose = [replace(item, file=None) for item in (several, one)]
    assert ids(judge(prose, scales(), mode="hybrid")) == "oneseveral"
    assert ids(judge([one, several], scales(), mode="vector")) == "oneseveral"


def test_a_file_of_which_more_passages_hold_a_word_or_define_a_name_with_it_comes_first() -> None:
    same = (similarity_of(3.0), 4.0)
    rest = [_file(f"r{n}", same, holding=(1, 0)) for n in range(4)]
    others = [_file(f"z{n}", same, holding=(0, 0)) for n in range(6)]
    defines, often = _file("defines", same, holding=(1, 1)), _file("often", same, holding=(4, 0))
    ranked = judge([*others, *rest, often, defines], scales(), mode="hybrid")
    assert ids(ranked)[:12] == "definesoften"
    # Equal ones are in the middle, at the value of their passages.
    usual = file_values([*others, *rest, often, defines], scales())
    assert [usual[item.document] for item in rest] == [pytest.approx(usual[rest[0].document])] * 4
    assert sorted(usual.values())[5:7] == pytest.approx([0.0, 0.0], abs=abs(usual[rest[0].document]))
    assert statistics.median(usual.values()) == pytest.approx(0.0)


def test_a_word_that_most_files_hold_says_nothing_and_few_files_are_not_compared() -> None:
    files = [_file(f"f{n}", (0.3, 1.0), holding=(n + 1,)) for n in range(6)]
    assert set(file_values(files, scales()).values()) == {0.0}
    some = [_file(f"f{n}", (0.3, 1.0), holding=(n % 2,)) for n in range(4)]
    assert file_values(some, scales()) == {}
    assert file_values([candidate("a", (0.3, 1.0))] * 9, scales()) == {}


def test_a_long_file_holds_a_word_by_chance() -> None:
    rest = [_file(f"r{n}", (0.3, 1.0), holding=(0,)) for n in range(6)]
    short, long = _file("short", (0.3, 1.0), holding=(2,)), _file("long", (0.3, 1.0), holding=(2,), passages=80)
    values = file_values([*rest, short, long], scales())
    assert values[short.document] > values[long.document] > 0


def test_tests_and_what_programs_made_come_after() -> None:
    files = [_file("a", (0.3, 1.0), is_sideline=True), _file("b", (0.3, 1.0))]
    assert ids(judge(files, scales(), mode="hybrid")) == "ba"
    better = _file("c", (0.3, 4.0), is_sideline=True)
    assert ids(judge([*files, better], scales(), mode="hybrid")) == "cba"


def test_the_score_falls_from_hit_to_hit_with_code_among_them() -> None:
    rng = random.Random(2)
    items = [_file(f"{n:02}", (rng.uniform(0, 0.7), rng.uniform(0, 9)), holding=(rng.randrange(4),)) for n in range(30)]
    items += [candidate(f"p{n}", (rng.uniform(0, 0.7), rng.choice([None, 3.0]))) for n in range(30)]
    for mode in ("hybrid", "keyword", "vector"):
        scores = [item.score for item in judge(items, scales(), mode=mode)]  # type: ignore[arg-type]
        assert None not in scores
        assert scores == sorted(scores, reverse=True), mode
