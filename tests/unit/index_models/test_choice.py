"""An index of texts and images from two bundles: of one vector space, and of two."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgeembed
from edgeembed import Document, Folder, Index, ModelMismatchError, UnsupportedInputError
from edgeembed.bundle import bundle
from edgeembed.bundle import shipped as shipped_bundles
from edgeembed.cli.messages import images_left_out
from edgeembed.errors import BundleError
from edgeembed.reading.entries import IMAGE_LEFT_OUT
from tests.support.tiny import tiny_text_bundle
from tests.support.tiny_image import tiny_image_bundle, tiny_two_tower_bundle

TEXTS = {"boat.txt": "the boat leaves the harbour", "garden.txt": "tomato seedlings for the garden"}
COLOURS = ("red", "green", "blue")


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The models in the package: one for texts, one for images in its space."""
    root = tmp_path / "shipped"
    tiny_text_bundle(root / "words")
    tiny_image_bundle(root / "sights")
    for module in (bundle, shipped_bundles):
        monkeypatch.setattr(module, "models_root", lambda: root)
        monkeypatch.setattr(module, "default_name", lambda: "words")
    return root


@pytest.fixture
def towers(tmp_path: Path) -> Path:
    """Two towers, of another space and length than the shipped models."""
    return tiny_two_tower_bundle(tmp_path / "towers", dim=24, seed=7)


@pytest.fixture
def things(tmp_path: Path) -> Path:
    root = tmp_path / "things"
    root.mkdir()
    for name, text in TEXTS.items():
        (root / name).write_text(text)
        age(root / name)
    for i, colour in enumerate(COLOURS):
        noise = np.random.default_rng(i).integers(0, 120, (30, 40, 3), dtype=np.uint8)
        noise[..., i] += 120
        Image.fromarray(noise).save(root / f"{colour}.png")
        age(root / f"{colour}.png")
    return root


def age(file: Path) -> None:
    """Make a file so old that its time alone tells whether it changed."""
    os.utime(file, (1_600_000_000, 1_600_000_000))


def kinds(hits: list[edgeembed.Hit]) -> dict[str, str]:
    return {hit.id: hit.kind for hit in hits}


ALL = {**dict.fromkeys(TEXTS, "text"), **dict.fromkeys((f"{colour}.png" for colour in COLOURS), "image")}


def test_a_shipped_model_of_the_same_space_embeds_the_images(things: Path, shipped: Path) -> None:
    with Folder.open(things) as folder:
        assert folder.status().image_model == "sights"  # it would be
        report = folder.sync()
        assert (report.added, report.embedded, report.skipped) == (5, 5, ())
        assert kinds(folder.search("boat", k=9)) == ALL
        with edgeembed.Embedder.load("words") as words, edgeembed.Embedder.load("sights") as sights:
            expected = words.embed_texts(["boat"], role="query") @ sights.embed_images([things / "red.png"]).T
        hit = next(hit for hit in folder.search("boat", k=9, mode="vector") if hit.id == "red.png")
        assert hit.similarity == pytest.approx(expected.item(), abs=0.01)
        assert hit.score is not None
        assert kinds(folder.search(things / "red.png", k=9)) == ALL
        assert folder.search(things / "red.png", k=9, where={"document.kind": "image"})[0].id == "red.png"
        assert len(folder.search("boat", plus=[things / "red.png"], minus=["garden"], k=9)) == 5
        assert kinds(folder.similar(things / "boat.txt", k=9)).items() < ALL.items()
        assert kinds(folder.similar(things / "red.png", k=9)) == {k: v for k, v in ALL.items() if k != "red.png"}
        assert folder.index.verify().ok
    with Folder.open(things) as again:
        assert again.plan().is_empty
        status = again.status()
        assert (status.model, status.image_model, status.space) == ("words", "sights", status.image_space)


def test_a_search_for_words_opens_no_image_graph(things: Path, shipped: Path) -> None:
    with Folder.open(things) as folder:
        folder.sync()
    graph = shipped / "sights" / "image.onnx"
    graph.write_bytes(b"\0" * graph.stat().st_size)  # whoever opens or hashes it fails
    with Folder.open(things) as folder:
        assert kinds(folder.search("boat", k=9)) == ALL
        assert all(hit.score is not None for hit in folder.search("boat", k=9))
        (things / "new.txt").write_text("another boat")
        assert folder.sync().added == 1
        with pytest.raises(BundleError, match=r"image\.onnx"):
            folder.search(things / "red.png")


def test_an_index_without_images_does_not_look_for_a_model(tmp_path: Path, shipped: Path) -> None:
    with Index.open(tmp_path / "index") as index:
        index.add([Document(name, text=text) for name, text in TEXTS.items()])
        (shipped / "sights" / "manifest.json").write_text("nothing that could be read")
        assert len(index.search("boat")) == 2
    with Index.open(tmp_path / "index") as index:
        assert len(index.search("boat")) == 2
        index.add([Document("more", text="one more boat")])


def test_images_are_left_out_for_good(things: Path, shipped: Path) -> None:
    with Folder.open(things, image_model="none") as folder:
        report = folder.sync()
        assert {item.reason for item in report.skipped} == {IMAGE_LEFT_OUT}
    with Folder.open(things) as folder:
        assert folder.plan().is_empty
        assert folder.status().image_model is None
        assert kinds(folder.search("boat", k=9)) == dict.fromkeys(TEXTS, "text")
        with pytest.raises(UnsupportedInputError, match=r"pictures out; .* with --image-model \(image_model=\)$"):
            folder.search(things / "red.png")
    with Folder.open(things, image_model="sights") as folder:  # a change of mind
        report = folder.sync()
        assert (report.added, report.embedded) == (3, 3)
    with Folder.open(things) as folder:
        assert kinds(folder.search("boat", k=9)) == ALL


def test_an_index_made_before_gets_a_model_for_images_and_embeds_no_text_again(things: Path, shipped: Path) -> None:
    shutil.move(shipped / "sights", shipped.parent / "later")
    with Folder.open(things) as folder:
        assert len(folder.sync().skipped) == 3
        with folder.index._store.writing() as writer:  # what earlier versions said
            for path, row in folder.index._store.read(lambda snapshot: snapshot.files()).items():
                if row.reason == IMAGE_LEFT_OUT:
                    writer.skip(path, row._replace(reason="not text: a picture"), keep=False)
        assert images_left_out(folder.status().skipped).startswith("3 pictures left out")
        assert folder.status().image_model is None
        with pytest.raises(UnsupportedInputError, match="words embeds text only"):
            folder.search(things / "red.png")
    shutil.move(shipped.parent / "later", shipped / "sights")
    with Folder.open(things, read_only=True) as folder:
        assert {stat.path for stat in folder.plan().recheck} == ALL.keys() - TEXTS.keys()
        assert kinds(folder.search(things / "red.png")) == dict.fromkeys(TEXTS, "text")
    with Folder.open(things) as folder:
        report = folder.sync()
        assert (report.added, report.embedded, report.unchanged, report.skipped) == (3, 3, 2, ())
        assert kinds(folder.search("boat", k=9)) == ALL


def test_a_model_of_two_towers_beside_the_text_model(things: Path, shipped: Path, towers: Path) -> None:
    with Folder.open(things, image_model=towers) as folder:
        assert folder.sync().added == 5
    with Folder.open(things) as folder:
        hits = folder.search("boat", k=9)
        assert kinds(hits) == ALL
        assert all(hit.score is not None for hit in hits)
        with edgeembed.Embedder.load(towers) as both, edgeembed.Embedder.load("words") as words:
            for hit in folder.search("boat", k=9, mode="vector"):
                model, item = (both, things / hit.id) if hit.kind == "image" else (words, TEXTS[hit.id])
                embed = model.embed_images if hit.kind == "image" else model.embed_texts
                (query,) = model.embed_texts(["boat"], role="query")
                assert hit.similarity == pytest.approx(float(query @ embed([item])[0]), abs=0.01)  # type: ignore[operator]
        images = {name: kind for name, kind in ALL.items() if kind == "image"}
        assert kinds(folder.search(things / "red.png", k=9)) == images
        assert kinds(folder.search("boat", plus=[things / "red.png"], k=9)) == images
        assert kinds(folder.similar(things / "red.png", k=9)).items() < images.items()
        assert kinds(folder.similar(things / "boat.txt", k=9)) == {"garden.txt": "text"}
        assert folder.index.verify().ok
        status = folder.status()
        assert (status.model, status.image_model) == ("words", "towers")
        assert status.space != status.image_space


def test_an_image_explains_no_text_of_another_space(things: Path, shipped: Path, towers: Path) -> None:
    with Folder.open(things, image_model=towers) as folder:
        folder.sync()
        with pytest.raises(
            UnsupportedInputError, match=r"boat\.txt: in this index a picture is compared with pictures"
        ):
            folder.explain(things / "red.png", things / "boat.txt")


def test_two_spaces_in_segments_after_repair_and_compaction(
    things: Path, shipped: Path, towers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeembed.storage.segment_merger.FLUSH_ROWS", 2)
    place = things / ".edgeembed"
    with Folder.open(things, image_model=towers) as folder:
        folder.sync()
        assert folder.status().segments == 2
        before = [(hit.id, hit.similarity) for hit in folder.search("boat", k=9)]
        (things / "more.txt").write_text("more of the same")
        folder.sync()
        (things / "more.txt").unlink()
        folder.sync()
        folder.index.compact()
        assert [(hit.id, hit.similarity) for hit in folder.search("boat", k=9)] == before
    next(place.glob("image-*.usearch")).unlink()
    report = Index.repair(place)
    assert set(report.lost) == ALL.keys() - TEXTS.keys()
    with Folder.open(things) as folder:
        assert folder.sync().embedded == 3
        assert [(hit.id, hit.similarity) for hit in folder.search("boat", k=9)] == before
        folder.index.compact(for_shipping=True)
    setting = edgeembed.index_models.records.models_at(place)
    assert setting is not None
    assert setting == setting.without_locations()
    with Folder.open(things, image_model=towers, read_only=True) as folder:
        assert [(hit.id, hit.similarity) for hit in folder.search("boat", k=9)] == before


def test_the_model_of_each_kind_must_stay(things: Path, shipped: Path, towers: Path, tmp_path: Path) -> None:
    with Folder.open(things) as folder:
        folder.sync()
    with pytest.raises(
        ModelMismatchError, match=r"made with sights .* not with towers .*leave out --image-model \(image_model=\) to"
    ):
        Folder.open(things, image_model=towers)
    with pytest.raises(ModelMismatchError, match="not with no model for pictures"):
        Folder.open(things, image_model="none")
    other = tiny_image_bundle(tmp_path / "other", size=64)  # the same space, another encoder: for queries only
    with Folder.open(things, image_model=other) as folder:
        assert len(folder.search(things / "red.png", k=9)) == 5
        Image.new("RGB", (30, 30), "white").save(things / "white.png")
        with pytest.raises(ModelMismatchError, match=r"made with sights .* not with other"):
            folder.sync()


def test_models_for_images_that_make_no_sense(tmp_path: Path, shipped: Path) -> None:
    elsewhere = tiny_image_bundle(tmp_path / "elsewhere", seed=3)
    with pytest.raises(UnsupportedInputError, match="no words could find them"):
        Index.open(tmp_path / "index", image_model=elsewhere)
    with pytest.raises(UnsupportedInputError, match="embeds text only"):
        Index.open(tmp_path / "index", image_model="words")
    with pytest.raises(BundleError, match="no such bundle"):
        Index.open(tmp_path / "index", image_model="nowhere")
    assert not (tmp_path / "index").exists()


def test_a_model_for_images_brings_the_text_model_of_its_space(things: Path, shipped: Path) -> None:
    with Folder.open(things, model="sights") as folder:
        folder.sync()
        assert kinds(folder.search("boat", k=9)) == ALL
        assert (folder.status().model, folder.status().image_model) == ("words", "sights")
    with Folder.open(things, model="sights") as folder:
        assert kinds(folder.search("boat", k=9)) == ALL


def test_a_model_that_is_gone_is_named(things: Path, shipped: Path, towers: Path) -> None:
    with Folder.open(things, image_model=towers) as folder:
        folder.sync()
    shutil.rmtree(towers)
    with Folder.open(things) as folder:
        with pytest.raises(BundleError, match=r"made with towers .*name its bundle with --image-model"):
            folder.search("boat")
        (things / "red.png").write_bytes((things / "blue.png").read_bytes() + b"\0")
        with pytest.raises(BundleError, match="name its bundle with --image-model"):
            folder.sync()


def test_an_open_index_notices_a_model_that_another_one_chose(things: Path, shipped: Path, towers: Path) -> None:
    with Folder.open(things, image_model="none") as folder:
        folder.sync()
        with Folder.open(things, image_model=towers) as other:
            other.sync()
        assert kinds(folder.search("boat", k=9)) == ALL
        assert folder.status().image_model == "towers"


def test_a_rebuild_keeps_both_models_or_takes_new_ones(things: Path, shipped: Path, towers: Path) -> None:
    with Folder.open(things, image_model=towers) as folder:
        folder.sync()
    assert Folder.rebuild(things, cancel=lambda: True).cancelled
    assert Folder.rebuild(things).added == 5

    def models() -> tuple[str, str | None]:
        with Folder.open(things) as folder:
            assert folder.plan().is_empty
            return folder.status().model, folder.status().image_model

    assert models() == ("words", "towers")
    Folder.rebuild(things, image_model="none")
    assert models() == ("words", None)
    Folder.rebuild(things)
    assert models() == ("words", None)
    Folder.rebuild(things, image_model="sights")
    assert models() == ("words", "sights")
    Folder.rebuild(things, model=towers)  # of another space: its own images
    assert models() == ("towers", "towers")


def test_one_embedder_for_all_is_shared(things: Path, shipped: Path) -> None:
    with edgeembed.Embedder.load("words") as words, edgeembed.Embedder.load("sights") as sights:
        with Folder.open(things, model=words, image_model=sights) as folder:
            folder.sync()
            assert folder.index.embedder is words
        assert sights.embed_images([things / "red.png"]).shape == (1, 16)  # still alive


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.update(image="some"),
        lambda facts: facts.update(image={"name": "x"}),
        lambda facts: facts["image"].update(dim=0),
        lambda facts: facts["image"].update(location="//elsewhere/share"),
    ],
)
def test_a_crafted_setting_is_refused(things: Path, shipped: Path, change: Callable[[dict[str, object]], None]) -> None:
    with Folder.open(things) as folder:
        folder.sync()
    catalog = edgeembed.catalog.database.Catalog(things / ".edgeembed")
    with catalog.write() as transaction:
        facts = json.loads(transaction.setting("model") or "")
        change(facts)
        transaction.set("model", json.dumps(facts))
    catalog.close()
    with pytest.raises(edgeembed.IndexCorruptError, match="model"):
        Folder.open(things)


def image_bytes(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_an_image_that_fails_later_costs_only_itself(tmp_path: Path, shipped: Path) -> None:
    with Index.open(tmp_path / "index") as index:
        before = [Document(f"p{i}", image=image_bytes(i)) for i in range(9)]
        with pytest.raises(edgeembed.ImageError):
            index.add([*before, Document("broken", image=b"none"), Document("t", text="a boat")])
        assert {hit.id for hit in index.search("boat", k=20)} >= {f"p{i}" for i in range(9)}
        with pytest.raises(edgeembed.ImageError):
            index.add([Document("p0", image=b"none")])
        assert "p0" in {hit.id for hit in index.search("boat", k=20)}  # what it was before is kept
        assert index.verify().ok


def test_the_last_of_one_name_wins_also_behind_an_image(tmp_path: Path, shipped: Path) -> None:
    with Index.open(tmp_path / "index") as index:
        index.add(
            [Document("x", image=image_bytes(1)), Document("x", text="a boat"), Document("y", image=image_bytes(1))]
        )
        assert kinds(index.search("boat", k=9)) == {"x": "text", "y": "image"}
        assert index.status().chunks == 2


def test_files_of_one_broken_image_are_all_skipped(things: Path, shipped: Path) -> None:
    cut = image_bytes(3)[:300]
    for i in range(20):
        (things / f"cut-{i}.png").write_bytes(cut)
        (things / f"whole-{i}.png").write_bytes(image_bytes(i))
        age(things / f"cut-{i}.png")
        age(things / f"whole-{i}.png")
    with Folder.open(things, threads=3) as folder:
        report = folder.sync()
        assert (report.added, report.embedded, len(report.skipped)) == (25, 25, 20)
        assert {item.reason.partition(":")[0] for item in report.skipped} == {"damaged picture"}
        again = folder.sync()
        assert (again.added, again.unchanged, len(again.skipped)) == (0, 25, 20)
        assert folder.index.verify().ok
