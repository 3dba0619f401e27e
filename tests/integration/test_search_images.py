"""Searches with images, sums of meanings, and documents that are like another."""

from __future__ import annotations

import importlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import edgeembed
from edgeembed import Document, Folder, Index
from edgeembed.index_models.meanings import has_image_suffix
from edgeembed.reading.detect import IMAGE_SUFFIXES
from edgeembed.reading.images import FORMATS
from tests.support.search_texts import TEXTS, ids
from tests.support.tiny_image import tiny_two_tower_bundle


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    out = {}
    for name in ("red", "green", "blue"):
        out[name] = tmp_path / f"{name}.png"
        Image.new("RGB", (40, 30), name).save(out[name])
    return out


@pytest.fixture
def both(tmp_path: Path, images: dict[str, Path]) -> Index:
    index = Index.open(tmp_path / "both", model=tiny_two_tower_bundle(tmp_path / "towers"))
    index.add([Document(name, image=path) for name, path in images.items()])
    index.add([Document(name, text=text) for name, text in TEXTS.items()])
    return index


def test_an_image_is_a_query(both: Index, images: dict[str, Path]) -> None:
    for given in (images["red"], images["red"].read_bytes(), Image.open(images["red"])):
        hits = both.search(given, k=2, where={"document.kind": "image"})
        assert hits[0].id == "red"
        assert hits[0].similarity == pytest.approx(1, abs=0.01)
        assert hits[0].matched == ("vector",)
    with pytest.raises(
        ValueError, match="a picture has no words, and the mode keyword goes by them alone: take hybrid"
    ):
        both.search(images["red"], mode="keyword")


def test_every_image_that_can_be_opened_is_known_by_its_name() -> None:
    with suppress(ImportError):
        importlib.import_module("pillow_heif").register_heif_opener()
    Image.init()
    formats = Image.registered_extensions()
    assert {suffix for suffix, name in formats.items() if name in FORMATS} <= set(IMAGE_SUFFIXES)
    assert {formats.get(suffix, "HEIF") for suffix in IMAGE_SUFFIXES} <= set(FORMATS)
    assert all(has_image_suffix(f"Scan 1{suffix.upper()}") for suffix in IMAGE_SUFFIXES)
    assert not has_image_suffix("a scan.pdf")


def test_an_image_needs_a_model_that_knows_images(index: Index, images: dict[str, Path]) -> None:
    with pytest.raises(edgeembed.UnsupportedInputError, match="embeds text only"):
        index.search(images["red"])
    with pytest.raises(TypeError, match="cannot search for a int"):
        index.search(5)  # type: ignore[arg-type]


def test_meanings_are_added_and_subtracted(both: Index, images: dict[str, Path]) -> None:
    embedder = both.embedder
    boat, garden = embedder.embed_texts(["boat", "garden"], role="query")
    (red,) = embedder.embed_images([images["red"]])
    wanted = boat + 2 * red - 0.5 * garden
    expected = (embedder.embed_texts([TEXTS["fence"]])[0] @ wanted) / (wanted @ wanted) ** 0.5
    hits = both.search("boat", plus=[(2, images["red"])], minus=[(0.5, "garden")], k=20, mode="vector")
    assert next(hit for hit in hits if hit.id == "fence").similarity == pytest.approx(float(expected), abs=0.01)
    with pytest.raises(ValueError, match="leaves nothing"):
        both.search("boat", minus=["boat"])
    with pytest.raises(TypeError, match="plus must be a sequence"):
        both.search("boat", plus="garden")


def test_similar_documents_of_both_kinds(both: Index, images: dict[str, Path]) -> None:
    both.add([Document("red again", image=images["red"]), Document("boat again", text=TEXTS["boat"])])
    hits = both.similar("red", k=20)
    assert "red" not in ids(hits)
    assert {hit.kind for hit in hits} == {"text", "image"}
    photos = [hit for hit in hits if hit.kind == "image"]
    assert photos[0].id == "red again"
    assert photos[0].similarity == pytest.approx(1, abs=0.01)
    assert ids(both.similar("boat", k=1)) == ["boat again"]
    assert ids(both.similar(Document("x", text=TEXTS["fence"]), k=1)) == ["fence"]
    assert ids(both.similar(Document("x", image=images["blue"]), k=1, where={"document.kind": "image"})) == ["blue"]
    with pytest.raises(KeyError, match="no document 'nothing'"):
        both.similar("nothing")


def test_the_path_of_a_documents_image_may_be_a_string(both: Index, images: dict[str, Path]) -> None:
    by_string, by_path = (both.similar(Document("q", image=path), k=9) for path in (str(images["red"]), images["red"]))
    assert by_string == by_path
    with pytest.raises(FileNotFoundError, match=r"photos.gone\.jpg"):
        both.similar(Document("q", image="photos/gone.jpg"))


def test_what_is_no_id_is_refused_with_what_is_allowed(both: Index, images: dict[str, Path]) -> None:
    others: list[Any] = [images["red"], images["red"].read_bytes(), Image.open(images["red"]), None, 5]
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


def test_neither_texts_nor_images_crowd_out_the_other(both: Index) -> None:
    """Similarities of texts and images are not comparable, but what is usual for each is known."""
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
