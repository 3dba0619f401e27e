"""Searching by words and meaning: what must occur, what must not, what follows changes, what hits carry."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import edgeembed
from edgeembed import Document, Index
from edgeembed.catalog import fulltext
from edgeembed.catalog.database import Catalog
from edgeembed.index_models.records import models_at
from edgeembed.search import hybrid_search
from edgeembed.search.fusion import AskedWords, RankedDocument, Scales
from tests.support.old_layouts import downgrade
from tests.support.search_texts import TEXTS, UNREAD, ids
from tests.support.tiny_image import tiny_two_tower_bundle


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("harbor harbour", "boat"),
        ("tomatoes seedling", "garden"),  # stems
        ("parseConfigFile", "code"),
        ("parse config", "code"),
        ("parse_config_file", "code"),
        ("ConfigFile", "code"),
        ("load_user_settings", "code"),
        ("user settings", "code"),
        ("loadUserSettings", "code"),
        ("mullabfuhr", "müll"),
        ("MÜLLABFUHR", "müll"),
        ("Mu\u0308llabfuhr", "müll"),
        ("strasse", "müll"),
        ("京都", "kyoto"),
        ("春", "kyoto"),
        ("京都の桜", "kyoto"),
        ("ภาษาไทย", "thai"),
        ("किताबें", "hindi"),
        ("fence-painting?", "fence"),
        ("don't NEAR fence* AND (^", "fence"),
    ],
)
def test_words_of_code_and_of_other_languages_are_found(index: Index, query: str, expected: str) -> None:
    assert ids(index.search(query, mode="keyword"))[:1] == [expected]
    hit = next(hit for hit in index.search(query) if hit.id == expected)
    assert hit.matched == (("keyword",) if expected in UNREAD else ("vector", "keyword"))


def test_keyword_mode_finds_only_what_holds_a_word(index: Index) -> None:
    hits = index.search("garden zebra", mode="keyword")
    assert sorted(ids(hits)) == ["fence", "garden"]
    assert all(hit.matched == ("keyword",) for hit in hits)
    assert index.search("zebra", mode="keyword") == []
    vector = {hit.id: hit for hit in index.search("garden zebra", mode="vector")}
    assert vector.keys() == TEXTS.keys() - UNREAD
    assert {hit.id: hit.similarity for hit in hits} == pytest.approx(
        {hit.id: vector[hit.id].similarity for hit in hits}
    )


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["hybrid", "vector", "keyword"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('garden "the boat"', {"boat", "garden"}),
        ('"garden fence"', {"fence"}),
        ('"fence garden"', set()),
        ('boat "tomato seedling"', set()),  # a phrase is meant as it stands
        ('"京都の春"', {"kyoto"}),
        ('"lange strasse" Müllabfuhr', {"müll"}),
        ('"the boat" -harbour', {"garden"}),
        ('"the boat" -harbours', {"boat", "garden"}),
        ('"the boat" -"for the garden"', {"boat"}),
        ('"the boat" -京都 -"user settings"', {"boat", "garden"}),
        ('"zebra"', set()),
    ],
)
def test_phrases_must_and_excluded_words_must_not_occur(
    index: Index, mode: str, query: str, expected: set[str]
) -> None:
    assert set(ids(index.search(query, mode=mode))) == expected  # type: ignore[arg-type]


def test_an_excluded_word_counts_anywhere_in_the_document_a_phrase_in_its_passage(index: Index) -> None:
    paragraphs = [f"Paragraph {i}: " + "lorem ipsum dolor sit amet " * 8 for i in range(12)]
    paragraphs[9] += "with a purple zebra"
    index.add([Document("long", text="\n\n".join(paragraphs))])
    assert "long" not in ids(index.search("lorem ipsum -zebra"))
    (hit,) = index.search('lorem "purple zebra"')
    assert len(hit.passages) == 1
    assert "purple zebra" in (hit.passages[0].text or "")
    marked = [(hit.snippet or "")[begin:end] for begin, end in hit.passages[0].marks]
    assert {"purple", "zebra"} <= set(marked)


def test_the_names_of_documents_count_also_those_of_images(tmp_path: Path) -> None:
    image = tmp_path / "p.png"
    Image.new("RGB", (40, 30), "red").save(image)
    with Index.open(tmp_path / "index", model=tiny_two_tower_bundle(tmp_path / "towers")) as index:
        index.add([Document("holidays 2019/seaBeach/IMG_1.jpg", image=image), Document("other/a.txt", text="a boat")])
        for query in ("beach", "sea", "holidays", '"seaBeach"', "img_1.jpg"):
            assert ids(index.search(query, mode="keyword")) == ["holidays 2019/seaBeach/IMG_1.jpg"], query
        assert ids(index.search("boat -holidays")) == ["other/a.txt"]
        assert ids(index.search('boat "holidays"')) == ["holidays 2019/seaBeach/IMG_1.jpg"]


def test_the_keyword_index_follows_every_change(index: Index) -> None:
    index.add([Document("boat", text="the ferry was sold")])
    assert "boat" not in ids(index.search("harbour", mode="keyword"))
    assert ids(index.search("ferry", mode="keyword")) == ["boat"]
    index.remove(["boat", "müll"])
    assert index.search("ferry müllabfuhr müll", mode="keyword") == []
    with Catalog(index.path).write() as transaction:
        assert transaction.full_text_is_intact()
        transaction._db.execute("DELETE FROM chunks WHERE text LIKE 'tomato%'")
        assert not transaction.full_text_is_intact()
        fulltext.rebuild(transaction.connection)
        assert transaction.full_text_is_intact()


def test_a_name_that_is_not_unicode_can_be_added_and_removed(tmp_path: Path, tiny_bundle: Path) -> None:
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        name = "caf\udce9/boatTrip\n.txt"
        index.add([Document(name, text="a \udce9 tomato")])
        assert ids(index.search('trip "tomato"', where={"document.id": {"glob": "caf*"}})) == [name]
        assert index.search("trip -boatTrip") == []
        index.remove([name])
        with Catalog(index.path).write() as transaction:
            assert transaction.full_text_is_intact()


def test_an_index_of_before_is_brought_up_to_date(index: Index) -> None:
    index.close()
    downgrade(index.path, 1)
    with pytest.raises(edgeembed.EdgeEmbedError, match=r"older edgeembed.*edgeembed index"):
        Index.open(index.path, read_only=True)
    assert models_at(index.path) is not None  # a rebuild can still tell
    with Index.open(index.path) as opened:
        assert ids(opened.search("parse", mode="keyword")) == ["code"]
        assert ids(opened.search("京都", mode="keyword")) == ["kyoto"]
        opened.remove(["code"])
        with Catalog(index.path).write() as transaction:
            assert transaction.full_text_is_intact()
    with Index.open(index.path, read_only=True) as opened:
        assert len(opened.search("boat")) == len(TEXTS.keys() - UNREAD) - 1


def test_the_best_of_words_and_of_meaning_come_first(index: Index) -> None:
    index.add(Document(f"filler-{i}", text=f"a boat and a garden and {i} more things") for i in range(150))
    hits = index.search("invoice for painting the fence", k=3)
    assert hits[0].id == "fence"
    assert hits[0].score is not None
    scores = [hit.score for hit in index.search("invoice for painting the fence", k=50, mode="vector")]
    assert scores == sorted(scores, reverse=True)


def test_hits_below_the_least_score_are_left_out(index: Index) -> None:
    every = index.search("garden fence", k=50)
    assert {hit.id for hit in every} == TEXTS.keys() - UNREAD
    half = sorted(hit.score or 0 for hit in every)[2]
    assert {hit.id for hit in index.search("garden fence", min_score=half)} == {
        hit.id for hit in every if (hit.score or 0) >= half
    }
    assert index.search("garden fence", min_score=1.0) == []
    assert index.search("zebra crossing", min_score="auto", mode="keyword") == []
    assert "fence" in ids(index.search("painting invoice", min_score="auto"))  # most of the words


def test_by_default_a_hit_is_near_the_best_or_holds_the_words(index: Index) -> None:
    query = "an invoice for painting the garden fence"
    every = {hit.id: hit for hit in index.search(query, k=50)}
    shown = index.search(query, k=50, min_score="auto")
    assert [hit.id for hit in shown[:1]] == ["fence"]
    scores = index._store.models.calibration("text", "text", index.embedder.embed_texts([query])[0])
    best = scores.z_score(every["fence"].similarity)
    assert all("keyword" in hit.matched or scores.z_score(hit.similarity) >= best / 2 for hit in shown)
    assert len(index.search(query, k=50, min_score=0)) == len(every) > len(shown)


def test_alike_passages_are_shown_once(tmp_path: Path, tiny_bundle: Path) -> None:
    text = "\n\n".join(["# Part\n\nThe very same garden words again and again. " * 6] * 5 + ["# End\n\nA boat."])
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add([Document("d", text=text)])
        (hit,) = index.search("garden words")
        assert index.status().chunks > len(hit.passages)
        texts = [passage.text for passage in hit.passages]
        assert len(set(texts)) == len(texts)


def test_lines_around_a_passage(index: Index) -> None:
    text = "\n\n".join(f"Line {i}: " + "lorem ipsum dolor sit amet " * 8 for i in range(30)) + "\nlast"
    index.add([Document("long", text=text)])
    lines = text.split("\n")
    assert index.lines("long", 9, 13) == [(n, lines[n - 1].rstrip()) for n in range(9, 14)]
    assert index.lines("long", -5, 1) == [(1, lines[0].rstrip())]
    assert index.lines("long", 60, 90) == [(60, "last")]
    assert index.lines("nothing", 1, 5) == []


def test_unknown_modes_are_refused(index: Index) -> None:
    with pytest.raises(ValueError, match="mode must be one of hybrid, vector, keyword, not 'fuzzy'"):
        index.search("boat", mode="fuzzy")  # type: ignore[arg-type]


_OTHER = "def other_thing(x):\n    # about the garden and its fence\n    return x\n"


def test_a_file_that_defines_what_is_asked_for_comes_before_those_that_use_it(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    uses = "def main(x):\n    return tokenizer(x)  # the tokenizer of the garden\n"
    defines = "class Tokenizer:\n    # of the garden\n    def run(self, x):\n        return tokenizer(x)\n"
    texts = {f"src/{name}.py": uses for name in "abcd"} | {f"src/{name}.py": _OTHER + f"# {name}" for name in "efghij"}
    texts |= {"src/z.py": defines, "tests/test_z.py": defines + "# test\n"}
    with Index.open(tmp_path / "i", model=tiny_bundle) as index:
        index.add(Document(id, text=text) for id, text in texts.items())
        for mode in ("hybrid", "keyword"):
            hits = index.search("tokenizer", mode=mode)  # type: ignore[arg-type]
            assert ids(hits)[0] == "src/z.py", mode
            scores = [hit.score for hit in hits if hit.score is not None]
            assert scores == sorted(scores, reverse=True)
        assert "tests/test_z.py" in ids(index.search("tokenizer"))[1:]


def test_copies_of_one_file_of_code_are_each_looked_at(tmp_path: Path, tiny_bundle: Path) -> None:
    texts = {f"{name}.py": "def tokenizer(x): ..." for name in "abc"} | {f"{n}.py": f"{_OTHER}# {n}" for n in "defgh"}
    with Index.open(tmp_path / "i", model=tiny_bundle) as index:
        index.add(Document(id, text=text) for id, text in texts.items())
        assert ids(index.search("tokenizer"))[:3] == ["a.py", "b.py", "c.py"]
        assert ids(index.search("tokenizer", k=2, where={"document.id": "b.py"})) == ["b.py"]


@pytest.mark.parametrize(
    ("query", "proves"),
    [
        ("zyxomat", True),
        ("my zyxomat please", True),
        ("one two three four five six seven eight nine ten eleven zyxomat", False),
        ("one two three four five six seven eight nine ten eleven XK-4471", True),  # identifiers always
    ],
)
def test_a_rare_word_proves_something_unless_it_is_one_of_many(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, query: str, proves: bool
) -> None:
    asked: list[AskedWords] = []

    def noted(candidates: object, scales: Scales, **more: object) -> list[RankedDocument]:
        asked.append(scales.asked)
        return []

    monkeypatch.setattr(hybrid_search, "judge", noted)
    with Index.open(tmp_path / "i", model=tiny_bundle) as index:
        index.add(Document(f"{n}", text=f"the boat {n}") for n in range(9))
        index.add([Document("z", text="zyxomat, number XK-4471")])
        index.search(query, min_score="auto")
    assert bool(asked[0].rare) == proves
