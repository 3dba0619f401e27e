"""Which words made a passage match: by leaving each out, in Python, as marked text and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import edgeembed
from edgeembed import Document, Index
from edgeembed.search.explain import word_spans
from tests.support.commands import edge
from tests.support.output_schema import validate
from tests.support.tiny_image import tiny_two_tower_bundle

TEXT = "On Monday we met in the office.\nThe plumber comes about the dripping tap in the bathroom.\n"


@pytest.fixture
def index(tmp_path: Path, embedder: edgeembed.Embedder) -> Index:
    index = Index.open(tmp_path / "index", model=embedder)
    index.add([Document("note", text=TEXT), Document("other", text="Tomato seedlings for the garden.")])
    return index


def test_a_weight_is_what_the_similarity_loses_without_the_word(index: Index) -> None:
    found = index.explain("leaking faucet", "note")
    (query,) = index.embedder.embed_texts(["leaking faucet"], role="query")
    strongest = max(found.words, key=lambda word: word.weight)
    without = found.text[: strongest.start] + found.text[strongest.end :]
    whole, rest = index.embedder.embed_texts([found.text, without]) @ query
    assert (found.similarity, strongest.weight) == pytest.approx((whole, whole - rest), abs=1e-5)
    assert found.text[strongest.start : strongest.end] in ("dripping", "tap", "plumber")
    by_word = {found.text[word.start : word.end]: word.weight for word in found.words}
    assert by_word["Monday"] < strongest.weight / 2
    hit = index.search("leaking faucet", k=1)[0]
    assert (found.id, found.start, found.end_line, found.text) == (
        "note",
        hit.start,
        hit.end_line,
        hit.passages[0].text,
    )
    assert found.similarity == pytest.approx(hit.similarity, abs=0.01)


def test_the_query_is_embedded_once(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    roles: list[str] = []

    def counting(embed: Callable[..., Any]) -> Callable[..., Any]:
        def counted(self: edgeembed.Embedder, texts: Sequence[str], *, role: Any = "document") -> Any:
            roles.append(role)
            return embed(self, texts, role=role)

        return counted

    for name in ("embed_texts", "embed_readable"):
        monkeypatch.setattr(edgeembed.Embedder, name, counting(getattr(edgeembed.Embedder, name)))
    index.explain('"dripping tap" -garden', "note")
    assert sorted(roles) == ["document", "query"]


def test_the_best_passage_of_this_very_document_is_explained(index: Index) -> None:
    assert index.explain("leaking faucet", "other").text.startswith("Tomato")
    long = "\n\n".join("Lorem ipsum dolor sit amet. " * 12 for _ in range(8)) + "\n\n# Repairs\n\nThe tap drips."
    index.add([Document("long", text=long)])
    found = index.explain("leaking faucet", "long")
    assert "The tap drips." in found.text
    assert found.start is not None
    assert found.start > 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's a well-known fact.", ["It's", "a", "well", "known", "fact"]),
        ("桜は京都の", ["桜は", "京都", "の"]),
        ("Straße, naïve…", ["Straße", "naïve"]),
        (" \n", []),
    ],
)
def test_words_of_a_text(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in word_spans(text)] == words


def test_what_cannot_be_explained_is_refused_with_the_reason(index: Index, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no document 'nothing'"):
        index.explain("tap", "nothing")
    with pytest.raises(ValueError, match="keeps this document out"):
        index.explain("tap -plumber", "note")
    with pytest.raises(ValueError, match="the query is empty"):
        index.explain(" ", "note")
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    with Index.open(tmp_path / "both", model=tiny_two_tower_bundle(tmp_path / "towers")) as both:
        both.add([Document("red boat", image=tmp_path / "red.png"), Document("text", text="a red boat")])
        with pytest.raises(edgeembed.UnsupportedInputError, match="only texts can be explained"):
            both.explain("boat", "red boat")
        assert len(both.explain(tmp_path / "red.png", "text").words) == 3  # a picture explains a text


@pytest.mark.slow
def test_marked_text_and_json(tmp_path: Path, tiny_bundle: Path) -> None:
    root = tmp_path / "my notes"
    root.mkdir()
    (root / "ta\tp ü.txt").write_text(TEXT)
    path = root / "ta\tp ü.txt"
    run = edge("explain", "the dripping tap", path, root, "--json", "--model", tiny_bundle)
    facts = validate(run.stdout, "explanation")
    assert facts["text"] == TEXT.strip()
    assert len(facts["words"]) == 17  # type: ignore[arg-type]
    plain = edge("explain", "the dripping tap", path, root)
    painted = edge("explain", "the dripping tap", path, root, "--color", "always")
    assert "[[" in plain.stdout
    assert "\x1b[31m\x1b[1m" in painted.stdout
    unmarked = re.sub(r"\[\[?(\w+)\]\]?", r"\1", plain.stdout)
    assert unmarked == re.sub(r"\x1b\]8;;.*?\x1b\\|\x1b\[[0-9;]*m", "", painted.stdout)
    assert all(line in unmarked for line in TEXT.splitlines())
    (root / "empty.txt").touch()
    for query, file, reason in (
        ("tap", tmp_path / "my notes/none.txt", "does not exist"),
        ("tap", Path(__file__), "lies outside of"),
        ("tap", root / "empty.txt", "not in the index of"),
        ('"zebra"', path, "keeps this document out"),
    ):
        run = edge("explain", query, file, root, "--json")
        assert (run.returncode, run.stdout) == (2, "")
        error = validate(run.stderr.splitlines()[-1], "error")
        assert reason in str(error["reason"])
        assert error["path"] == (None if reason == "does not exist" else str(file))


@pytest.mark.slow
def test_the_path_of_a_picture_is_a_picture_on_the_command_line_too(tmp_path: Path) -> None:
    notes, red = tmp_path / "notes", tmp_path / "red.png"
    notes.mkdir()
    (notes / "boat.txt").write_text("a red boat")
    Image.new("RGB", (40, 30), "red").save(red)
    bundle = tiny_two_tower_bundle(tmp_path / "towers")
    run = edge("explain", red, notes / "boat.txt", notes, "--json", "--model", bundle)
    with edgeembed.Folder.open(notes) as folder:
        expected = folder.explain(red, notes / "boat.txt").similarity
    assert validate(run.stdout, "explanation")["similarity"] == pytest.approx(expected, abs=1e-5), run.stderr
    red.unlink()
    run = edge("explain", red, notes / "boat.txt", notes, "--json")
    assert "red.png: no such picture; searching for these words" in run.stderr
    assert validate(run.stdout, "explanation")["similarity"] != pytest.approx(expected, abs=1e-5)


def test_weights_are_numbers(index: Index) -> None:
    found = index.explain("tap", "note")
    assert np.isfinite([word.weight for word in found.words]).all()
    assert json.dumps([vars(word) for word in found.words])
