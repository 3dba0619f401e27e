"""Searching by words and meaning: what must occur, what must not, what follows changes, what hits carry."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import edgeembed
from edgeembed import Document, Folder, Index
from edgeembed.catalog import fulltext
from edgeembed.catalog.database import Catalog
from edgeembed.index_models.query_vectors import is_picture
from edgeembed.index_models.records import models_at
from edgeembed.reading.detect import PICTURE_SUFFIXES
from edgeembed.reading.pictures import FORMATS
from edgeembed.search import vector_search as nearest
from tests.support.tiny_image import tiny_two_tower_bundle

TEXTS = {
    "boat": "the boat leaves the harbour at dawn",
    "garden": "tomato seedlings for the garden, not for the boat",
    "fence": "an invoice for painting the garden fence",
    "code": "def parseConfigFile(path): return load_user_settings(path)",
    "müll": "Die Müllabfuhr kommt dienstags in die Lange Straße",
    "kyoto": "桜は京都の春に咲く",
    "thai": "ฉันรักภาษาไทยมาก",
    "hindi": "मुझे किताबें पढ़ना पसंद है",
}


@pytest.fixture
def index(tmp_path: Path, tiny_bundle: Path) -> Index:
    index = Index.open(tmp_path / "index", model=tiny_bundle)
    index.add(Document(name, text=text) for name, text in TEXTS.items())
    return index


def ids(hits: list[edgeembed.Hit]) -> list[str]:
    return [hit.id for hit in hits]


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
    assert hit.matched == ("vector", "keyword")


def test_keyword_mode_finds_only_what_holds_a_word(index: Index) -> None:
    hits = index.search("garden zebra", mode="keyword")
    assert sorted(ids(hits)) == ["fence", "garden"]
    assert all(hit.matched == ("keyword",) for hit in hits)
    assert index.search("zebra", mode="keyword") == []
    vector = {hit.id: hit for hit in index.search("garden zebra", mode="vector")}
    assert len(vector) == len(TEXTS)
    assert {hit.id: hit.similarity for hit in hits} == pytest.approx(
        {hit.id: vector[hit.id].similarity for hit in hits}
    )


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


def test_the_names_of_documents_count_also_those_of_pictures(tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    Image.new("RGB", (40, 30), "red").save(picture)
    with Index.open(tmp_path / "index", model=tiny_two_tower_bundle(tmp_path / "towers")) as index:
        index.add([Document("holidays 2019/seaBeach/IMG_1.jpg", image=picture), Document("other/a.txt", text="a boat")])
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


def test_an_index_of_before_is_brought_up_to_date(index: Index, downgrade: Callable[[Path], None]) -> None:
    index.close()
    downgrade(index.path)
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
        assert len(opened.search("boat")) == len(TEXTS) - 1


def test_the_best_of_words_and_of_meaning_come_first(index: Index) -> None:
    index.add(Document(f"filler-{i}", text=f"a boat and a garden and {i} more things") for i in range(150))
    hits = index.search("invoice for painting the fence", k=3)
    assert hits[0].id == "fence"
    assert hits[0].score is not None
    scores = [hit.score for hit in index.search("invoice for painting the fence", k=50, mode="vector")]
    assert scores == sorted(scores, reverse=True)


def test_hits_below_the_least_score_are_left_out(index: Index) -> None:
    every = index.search("garden fence", k=50)
    assert len(every) == len(TEXTS)
    half = sorted(hit.score or 0 for hit in every)[4]
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


# Other queries than words


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, Path]:
    out = {}
    for name in ("red", "green", "blue"):
        out[name] = tmp_path / f"{name}.png"
        Image.new("RGB", (40, 30), name).save(out[name])
    return out


@pytest.fixture
def both(tmp_path: Path, pictures: dict[str, Path]) -> Index:
    index = Index.open(tmp_path / "both", model=tiny_two_tower_bundle(tmp_path / "towers"))
    index.add([Document(name, image=path) for name, path in pictures.items()])
    index.add([Document(name, text=text) for name, text in TEXTS.items()])
    return index


def test_a_picture_is_a_query(both: Index, pictures: dict[str, Path]) -> None:
    for given in (pictures["red"], pictures["red"].read_bytes(), Image.open(pictures["red"])):
        hits = both.search(given, k=2, where={"document.kind": "image"})
        assert hits[0].id == "red"
        assert hits[0].similarity == pytest.approx(1, abs=0.01)
        assert hits[0].matched == ("vector",)
    with pytest.raises(
        ValueError, match="a picture has no words, and the mode keyword goes by them alone: take hybrid"
    ):
        both.search(pictures["red"], mode="keyword")


def test_every_picture_that_can_be_opened_is_known_by_its_name() -> None:
    with suppress(ImportError):
        importlib.import_module("pillow_heif").register_heif_opener()
    Image.init()
    formats = Image.registered_extensions()
    assert {suffix for suffix, name in formats.items() if name in FORMATS} <= set(PICTURE_SUFFIXES)
    assert {formats.get(suffix, "HEIF") for suffix in PICTURE_SUFFIXES} <= set(FORMATS)
    assert all(is_picture(f"Scan 1{suffix.upper()}") for suffix in PICTURE_SUFFIXES)
    assert not is_picture("a scan.pdf")


def test_a_picture_needs_a_model_that_knows_pictures(index: Index, pictures: dict[str, Path]) -> None:
    with pytest.raises(edgeembed.UnsupportedInputError, match="embeds text only"):
        index.search(pictures["red"])
    with pytest.raises(TypeError, match="cannot search for a int"):
        index.search(5)  # type: ignore[arg-type]


def test_meanings_are_added_and_taken_away(both: Index, pictures: dict[str, Path]) -> None:
    embedder = both.embedder
    boat, garden = embedder.embed_texts(["boat", "garden"], role="query")
    (red,) = embedder.embed_images([pictures["red"]])
    wanted = boat + 2 * red - 0.5 * garden
    expected = (embedder.embed_texts([TEXTS["fence"]])[0] @ wanted) / (wanted @ wanted) ** 0.5
    hits = both.search("boat", plus=[(2, pictures["red"])], minus=[(0.5, "garden")], k=20, mode="vector")
    assert next(hit for hit in hits if hit.id == "fence").similarity == pytest.approx(float(expected), abs=0.01)
    with pytest.raises(ValueError, match="leaves nothing"):
        both.search("boat", minus=["boat"])
    with pytest.raises(TypeError, match="plus must be a sequence"):
        both.search("boat", plus="garden")


def test_similar_documents_of_both_kinds(both: Index, pictures: dict[str, Path]) -> None:
    both.add([Document("red again", image=pictures["red"]), Document("boat again", text=TEXTS["boat"])])
    hits = both.similar("red", k=20)
    assert "red" not in ids(hits)
    assert {hit.kind for hit in hits} == {"text", "image"}
    photos = [hit for hit in hits if hit.kind == "image"]
    assert photos[0].id == "red again"
    assert photos[0].similarity == pytest.approx(1, abs=0.01)
    assert ids(both.similar("boat", k=1)) == ["boat again"]
    assert ids(both.similar(Document("x", text=TEXTS["fence"]), k=1)) == ["fence"]
    assert ids(both.similar(Document("x", image=pictures["blue"]), k=1, where={"document.kind": "image"})) == ["blue"]
    with pytest.raises(KeyError, match="no document 'nothing'"):
        both.similar("nothing")


def test_the_path_of_a_documents_picture_may_be_a_string(both: Index, pictures: dict[str, Path]) -> None:
    by_string, by_path = (
        both.similar(Document("q", image=path), k=9) for path in (str(pictures["red"]), pictures["red"])
    )
    assert by_string == by_path
    with pytest.raises(FileNotFoundError, match=r"photos.gone\.jpg"):
        both.similar(Document("q", image="photos/gone.jpg"))


def test_what_is_no_id_is_refused_with_what_is_allowed(both: Index, pictures: dict[str, Path]) -> None:
    others: list[Any] = [pictures["red"], pictures["red"].read_bytes(), Image.open(pictures["red"]), None, 5]
    for other in others:
        with pytest.raises(
            TypeError, match=r'item must be an id, or a document such as Document\("q", image=\.\.\.\), not'
        ):
            both.similar(other)
        for ask in (lambda id: both.explain("cat", id), lambda id: both.lines(id, 1, 2), lambda id: both.remove([id])):
            with pytest.raises(TypeError, match="an id must be a string, not"):
                ask(other)
    with pytest.raises(TypeError, match="ids must be a sequence of strings, not int"):
        both.remove(5)  # type: ignore[arg-type]


def test_no_kind_starves_the_other(both: Index) -> None:
    """Similarities of texts and pictures are not comparable, but what is usual for each is known."""
    hits = both.search("boat", k=20, mode="vector")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for kind in ("text", "image"):
        of_kind = [hit.similarity for hit in hits if hit.kind == kind]
        assert of_kind == sorted(of_kind, reverse=True)


def test_a_file_outside_the_folder_can_be_compared(tmp_path: Path, tiny_bundle: Path) -> None:
    (tmp_path / "notes").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "notes" / f"{name}.txt").write_text(text)
    (tmp_path / "outside.txt").write_text(TEXTS["garden"])
    (tmp_path / "empty.txt").write_text("")
    with Folder.open(tmp_path / "notes", model=tiny_bundle) as folder:
        folder.sync()
        assert folder.similar(tmp_path / "outside.txt", k=1)[0].id == "garden.txt"
        assert folder.similar(tmp_path / "notes" / "garden.txt", k=1)[0].id != "garden.txt"
        with pytest.raises(ValueError, match="empty; there is nothing to compare"):
            folder.similar(tmp_path / "empty.txt")


# Filters


@pytest.fixture
def mails(tmp_path: Path, tiny_bundle: Path) -> Index:
    index = Index.open(tmp_path / "mails", model=tiny_bundle)
    facts = [
        {"from": "ann@example.org", "year": 2022, "size": 1.5, "tags": ["red", "blue"], "done": True},
        {"from": "bob@example.org", "year": 2023, "size": 20, "tags": ["blue"], "done": False},
        {"from": "eve@example.com", "year": 2024, "tags": "red"},
        {"from": None, "year": "2024"},
    ]
    index.add(Document(f"mail/{i}", text=f"a boat number {i}", metadata=fact) for i, fact in enumerate(facts))
    return index


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"year": {">=": 2023}}, "12"),
        ({"year": {">": 2022, "<": 2024}}, "1"),
        ({"year": {"<=": "2024"}}, "3"),
        ({"size": {"<": 1.6}}, "0"),
        ({"from": {"glob": "*@example.org"}}, "01"),
        ({"from": {"glob": ["ann*", "eve*"]}}, "02"),
        ({"from": {"in": ["bob@example.org", None]}}, "13"),
        ({"year": {"in": [2022, "2024"]}}, "03"),
        ({"from": {"!=": "ann@example.org"}}, "123"),
        ({"size": {"!=": 20}}, "023"),
        ({"tags": {"has": "red"}}, "0"),
        ({"done": {"in": [True, False]}}, "01"),
        ({"done": True, "year": {"<": 2023}}, "0"),
        ({"document.id": {"glob": "mail/[0-1]"}}, "01"),
        ({"document.id": "mail/2"}, "2"),
        ({"document.kind": "text"}, "0123"),
        ({"document.kind": "image"}, ""),
        ({"file.size_bytes": {">=": 0}}, ""),
        ({"year": {"in": []}}, ""),
    ],
)
def test_where(mails: Index, where: dict[str, object], expected: str) -> None:
    assert sorted(hit.id[-1] for hit in mails.search("boat", where=where)) == list(expected)
    assert sorted(hit.id[-1] for hit in mails.search("boat", where=where, mode="keyword")) == list(expected)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"year": {"~": 1}}, "must be a value or hold some of"),
        ({"year": {}}, "must be a value or hold some of"),
        ({"year": {">": None}}, "takes a number or a string"),
        ({"year": {"in": "2024"}}, "takes a list"),
        ({"from": {"glob": 5}}, "takes a pattern or a list of patterns, not 5"),
        (
            {"from": {"glob": ["a*", "[z-a]"]}},
            r"^from: '\[z-a\]' is no pattern that can be used: bad character range z-a$",
        ),
        ({"document.kind": "photo"}, "the kinds are text, image, not 'photo'"),
        ({"document.kind": {"!=": "photo"}}, "the kinds are"),
        ({"document.kind": {"in": ["text", None]}}, "the kinds are .* not None"),
        ({"file.modified": {">": "yesterday"}}, "no time such as"),
        ({"file.nothing": 1}, "the facts are document.id"),
    ],
)
def test_where_says_what_it_cannot_do(mails: Index, where: dict[str, object], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        mails.search("boat", where=where)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.md", "a.md sub/b.md sub/deep/c.md"),
        ("sub", "sub/b.md sub/deep/c.md sub/d.txt"),
        ("sub/", "sub/b.md sub/deep/c.md sub/d.txt"),
        ("/sub/*.md", "sub/b.md"),
        ("sub/*.md", "sub/b.md"),
        ("sub/**/*.md", "sub/b.md sub/deep/c.md"),
        ("**/deep", "sub/deep/c.md"),
        ("./a.md", "a.md"),
        ("[ab].*", "a.md sub/b.md"),
        ("[!a].md", "sub/b.md sub/deep/c.md"),
        ("?.txt", "sub/d.txt"),
        ("deep/**", ""),
        ("sub/**", "sub/b.md sub/deep/c.md sub/d.txt"),
        ("A.md", ""),
    ],
)
def test_globs_are_those_of_ignore_files(tmp_path: Path, tiny_bundle: Path, pattern: str, expected: str) -> None:
    root = tmp_path / "root"
    for name in ("a.md", "sub/b.md", "sub/deep/c.md", "sub/d.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"a boat in {name}")
    with Folder.open(root, model=tiny_bundle) as folder:
        folder.sync()
        found = folder.search("boat", where={"file.path": {"glob": pattern}}, k=50)
        assert set(ids(found)) == set(expected.split())


@pytest.mark.skipif(os.name == "nt", reason="no stars in names there")
def test_a_star_behind_a_backslash_is_a_star_and_many_stars_take_no_time(tmp_path: Path, tiny_bundle: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for name in ("a*b.txt", "axb.txt", "a" * 40 + ".txt", "a" * 40 + "b"):
        (root / name).write_text("a boat")
    with Folder.open(root, model=tiny_bundle) as folder:
        folder.sync()
        for pattern, expected in (
            ("a\\*b.txt", ["a*b.txt"]),
            ("a*b.txt", ["a*b.txt", "axb.txt"]),
            ("*a" * 11 + "*b", ["a" * 40 + "b"]),
            ("*a" * 11 + "*c", []),
        ):
            start = time.perf_counter()
            assert sorted(ids(folder.search("boat", where={"file.path": {"glob": pattern}}))) == expected
            assert time.perf_counter() - start < 5


def test_facts_of_files(tmp_path: Path, tiny_bundle: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for name, size, mtime in (("old.TXT", 10, 1_000_000_000), ("new.txt", 2000, 1_700_000_000)):
        (root / name).write_text("boat " * (size // 5))
        os.utime(root / name, (mtime, mtime))
    with Folder.open(root, model=tiny_bundle) as folder:
        folder.sync()
        for where, expected in (
            ({"file.ext": "txt"}, ["new.txt", "old.TXT"]),
            ({"file.name": "old.TXT"}, ["old.TXT"]),
            ({"file.size_bytes": {">": 100}}, ["new.txt"]),
            ({"file.modified": {">=": "2020-01-01"}}, ["new.txt"]),
            ({"file.modified": {"<": 1_600_000_000}}, ["old.TXT"]),
        ):
            assert sorted(ids(folder.search("boat", where=where))) == expected


@pytest.mark.parametrize("few", [0, 20_000])
def test_one_of_many_is_found(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """With few allowed all are compared, with many the graph is asked for more and more: both must be right."""
    monkeypatch.setattr(nearest, "_COMPARE_ALL", few)
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add(
            Document(f"{i}", text=f"boat garden number {i}", metadata={"n": i, "last": i == 6000}) for i in range(6001)
        )
        index.add([Document("odd", text="an invoice for painting the fence", metadata={"n": -1})])
        assert index.status().segments == 1
        for mode in ("hybrid", "vector"):
            for where in ({"n": -1}, {"document.id": "odd"}):
                assert ids(index.search("boat garden", where=where, mode=mode)) == ["odd"]  # type: ignore[arg-type]
            assert ids(index.search("boat garden", where={"last": True}, mode=mode)) == ["6000"]  # type: ignore[arg-type]
        assert ids(index.search("boat garden -boat")) == ["odd"]
        assert len(index.search("boat", where={"n": {">=": 0}}, k=200)) == 200


def test_wrong_modes_are_said(index: Index) -> None:
    with pytest.raises(ValueError, match="mode must be one of hybrid, vector, keyword, not 'fuzzy'"):
        index.search("boat", mode="fuzzy")  # type: ignore[arg-type]
