"""A folder that is followed: new, changed, renamed, deleted and unreadable files."""

from __future__ import annotations

import os
import shutil
import tarfile
import time
from pathlib import Path

import pytest

from edgeembed import Folder, Skipped
from edgeembed.catalog.checksums import checksum_sql
from edgeembed.catalog.database import Catalog
from edgeembed.reading.entries import OWN_INDEX
from edgeembed.sync.report import SyncProgress
from tests.support.old_files import OLD_NS, write
from tests.support.tiny import tiny_text_bundle


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    root = tmp_path / "notes"
    write(root / "boat.md", "# Boat\n\nThe boat leaves the harbour at dawn.\n")
    write(root / "garden/tomato.txt", "Tomato seedlings want warmth.\n")
    write(root / "Straße/Müll.txt", "Bins are emptied on Tuesday.\n")
    return root


@pytest.fixture
def folder(notes: Path, tiny_bundle: Path) -> Folder:
    return Folder.open(notes, model=tiny_bundle)


def found(folder: Folder, query: str = "boat tomato bins") -> list[str]:
    return sorted(hit.id for hit in folder.search(query, k=100))


def test_a_sync_follows_the_folder(folder: Folder, notes: Path) -> None:
    report = folder.sync()
    assert (report.added, report.updated, report.removed, report.embedded) == (3, 0, 0, 3)
    assert found(folder) == ["Straße/Müll.txt", "boat.md", "garden/tomato.txt"]

    assert folder.plan().is_empty
    report = folder.sync()
    assert (report.added, report.updated, report.removed, report.unchanged, report.embedded) == (0, 0, 0, 3, 0)

    write(notes / "boat.md", "The ferry was sold.\n", mtime_ns=OLD_NS + 1)
    report = folder.sync()
    assert (report.updated, report.embedded) == (1, 1)
    assert folder.search("ferry sold")[0].snippet == "The ferry was sold."

    (notes / "garden/tomato.txt").rename(notes / "garden/Tomaten.txt")
    (notes / "Straße/Müll.txt").unlink()
    report = folder.sync()
    assert (report.added, report.removed, report.embedded) == (1, 2, 0)
    assert found(folder) == ["boat.md", "garden/Tomaten.txt"]
    assert folder.status().chunks == 2


def test_a_touched_file_is_not_embedded_again(folder: Folder, notes: Path) -> None:
    folder.sync()
    os.utime(notes / "boat.md", ns=(OLD_NS + 5, OLD_NS + 5))
    report = folder.sync()
    assert (report.updated, report.unchanged, report.embedded) == (0, 3, 0)


def test_a_file_as_young_as_its_reading_is_looked_at_again(folder: Folder, notes: Path) -> None:
    now = time.time_ns()
    write(notes / "young.txt", "first words", mtime_ns=now)
    folder.sync()
    write(notes / "young.txt", "other words", mtime_ns=now)  # same size, same time
    assert [stat.path for stat in folder.plan().recheck] == ["young.txt"]
    folder.sync()
    assert folder.search("other words")[0].snippet == "other words"


def make_pdf(path: Path, *pages: str) -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path))
    for page in pages:
        canvas.drawString(72, 720, page)
        canvas.showPage()
    canvas.save()
    os.utime(path, ns=(OLD_NS, OLD_NS))


def test_documents_are_found_with_their_page(folder: Folder, notes: Path) -> None:
    make_pdf(notes / "report.pdf", "the budget of the garden", "the ferry to the island")
    write(notes / "page.html", "<title>Recipes</title><p>sourdough bread</p>")
    write(notes / "bees.csv", "hive,queen\nnorth,Elsa\n")
    folder.sync()
    hit = next(hit for hit in folder.search("ferry island", k=100) if hit.id == "report.pdf")
    assert (hit.page, hit.start_line, hit.snippet) == (2, None, "the ferry to the island")
    hits = {hit.id: hit for hit in folder.search("sourdough bread", k=100)}
    assert (hits["page.html"].page, hits["page.html"].start_line) == (None, None)
    assert hits["page.html"].snippet == "# Recipes sourdough bread"
    assert (hits["bees.csv"].start_line, hits["bees.csv"].end_line) == (1, 2)
    assert folder.plan().is_empty


def test_equal_text_with_and_without_lines_is_not_the_same(folder: Folder, notes: Path) -> None:
    write(notes / "a.txt", "same words\n")
    write(notes / "b.html", "same words\n")
    folder.sync()
    lines = {hit.id: hit.start_line for hit in folder.search("same words", k=100)}
    assert (lines["a.txt"], lines["b.html"]) == (1, None)


def test_what_a_missing_package_would_read_is_read_once_it_is_there(
    folder: Folder, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeembed.reading import extras

    make_pdf(notes / "report.pdf", "the ferry to the island")
    trap = write(tmp_path / "trap" / "pypdfium2.py", "raise ModuleNotFoundError('pypdfium2')")
    with monkeypatch.context() as patched:
        patched.syspath_prepend(trap.parent)  # the worker imports what this process would
        report = folder.sync()
        assert report.skipped == (Skipped("report.pdf", "needs edgeembed[documents]: PDF"),)
    with monkeypatch.context() as patched:
        patched.setitem(extras.EXTRA, "PDF", ("documents", "not_there"))
        assert folder.plan().is_empty
    assert [stat.path for stat in folder.plan().changed] == ["report.pdf"]
    report = folder.sync()
    assert (report.added, report.skipped) == (1, ())


def test_an_index_of_older_readers_is_read_again_where_they_are_better(folder: Folder, notes: Path) -> None:
    write(notes / "page.html", "<p>words</p>")
    write(notes / "archive.zip", "PK\3\4")
    folder.sync()
    assert folder.plan().is_empty
    with folder.index._store.writing() as writer:
        writer.put_setting("readers", "0")
    plan = folder.plan()
    assert [stat.path for stat in plan.recheck] == ["archive.zip", "page.html"]
    report = folder.sync()
    assert (report.updated, report.embedded, len(report.skipped)) == (0, 0, 1)
    assert folder.plan().is_empty


def test_images_are_indexed_by_a_model_that_sees(notes: Path, two_towers: Path) -> None:
    from PIL import Image

    for name in ("a.png", "b.jpg", "c.gif", "d.bmp", "e.tiff"):
        Image.new("RGB", (300, 200), "red").save(notes / name)
    (notes / "f.png").write_bytes((notes / "a.png").read_bytes()[:60])
    (notes / "g.tif").write_bytes(b"II*\0" + b"\xff" * 40)
    (notes / "h.psd").write_bytes(b"8BPS\0\1")
    with Folder.open(notes, model=two_towers) as folder:
        report = folder.sync()
        assert report.added == 8
        reasons = {item.path: item.reason for item in report.skipped}
        assert reasons.keys() == {"f.png", "g.tif", "h.psd"}
        assert reasons["f.png"].startswith("damaged picture: ")
        assert reasons["h.psd"] == "picture of a rare kind: save it as PNG or JPEG"
        kinds = {id: hit.kind for hit in folder.search("red", k=100) for id in (hit.id, *hit.copies)}
        assert kinds["a.png"] == kinds["e.tiff"] == "image"
        assert kinds["boat.md"] == "text"


def test_photos_of_iphones_are_read_where_their_library_is(
    notes: Path, tmp_path: Path, two_towers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    from PIL import Image

    pillow_heif.from_pillow(Image.new("RGB", (300, 200), "red")).save(notes / "photo.heic")
    trap = write(tmp_path / "trap" / "pillow_heif.py", "raise ModuleNotFoundError('pillow_heif')")
    with Folder.open(notes, model=two_towers) as folder:
        with monkeypatch.context() as patched:
            patched.syspath_prepend(trap.parent)
            assert folder.sync().skipped == (Skipped("photo.heic", "needs edgeembed[heic]: HEIC"),)
        assert folder.sync().skipped == ()
        assert {hit.id: hit.kind for hit in folder.search("red", k=100)}["photo.heic"] == "image"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_every_awkward_image_that_pillow_opens_is_indexed(data: Path, tmp_path: Path, two_towers: Path) -> None:
    from PIL import Image

    from edgeembed.reading.images import FORMATS

    with tarfile.open(data / "messy.tar.gz") as archive:
        archive.extractall(tmp_path / "messy", filter="data")
    with Folder.open(tmp_path / "messy", index=tmp_path / "index", model=two_towers) as folder:
        skipped = {item.path: item.reason for item in folder.sync().skipped}
    listed = [name for name in FORMATS if name != "HEIF"]
    for path, reason in skipped.items():
        try:
            with Image.open(tmp_path / "messy" / path, formats=listed) as image:
                image.load()
        except Exception:  # Pillow raises anything
            continue
        raise AssertionError(f"{path} can be opened, and was skipped: {reason}")
    assert 100 < len(skipped) < 250


def test_the_index_keeps_out_of_git_and_backups_and_of_itself(folder: Folder, notes: Path) -> None:
    folder.sync()
    place = notes / ".edgeembed"
    assert (place / ".gitignore").read_text() == "*\n"
    assert (place / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    assert not any(".edgeembed" in name for name in found(folder))


def test_an_index_elsewhere_leaves_the_folder_alone(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    with Folder.open(notes, index=tmp_path / "elsewhere", model=tiny_bundle) as folder:
        assert folder.sync().added == 3
    assert not (notes / ".edgeembed").exists()


def test_a_folder_with_an_index_of_its_own_belongs_to_itself(folder: Folder, notes: Path, tiny_bundle: Path) -> None:
    folder.sync()
    with Folder.open(notes / "garden", model=tiny_bundle) as inner:
        inner.sync()
    for removed in (1, 0):
        report = folder.sync()
        assert (report.removed, report.skipped) == (removed, (Skipped("garden", OWN_INDEX),))
        assert found(folder) == ["Straße/Müll.txt", "boat.md"]
    shutil.rmtree(notes / "garden" / ".edgeembed")
    assert folder.sync().added == 1


def test_a_folder_that_was_moved_goes_on(folder: Folder, notes: Path) -> None:
    folder.sync()
    folder.close()
    moved = notes.rename(notes.with_name("moved"))
    with Folder.open(moved) as again:
        assert again.plan().is_empty
        assert len(found(again)) == 3


def test_undecodable_and_awkward_names(folder: Folder, notes: Path) -> None:
    names = ["caf\udce9.txt", "new\nline.txt", " space .txt", "🙂.txt", "-dash.txt"]
    for name in names:
        write(notes / name, f"words in {names.index(name)}")
    folder.sync()
    assert set(names) <= set(found(folder))
    assert folder.plan().is_empty


def test_progress_counts_up_to_everything(folder: Folder) -> None:
    steps: list[SyncProgress] = []
    folder.sync(progress=steps.append)
    assert [step.done_files for step in steps] == sorted(step.done_files for step in steps)
    assert steps[-1].done_files == steps[-1].total_files == 3
    assert steps[-1].done_bytes == steps[-1].total_bytes > 0


def test_progress_does_not_count_files_that_are_only_looked_at(folder: Folder, notes: Path) -> None:
    folder.sync()
    with Catalog(folder.index.path).write() as transaction:  # as an older edgeembed leaves it
        transaction.connection.execute("UPDATE files SET inode = NULL, ctime_ns = NULL")
        transaction.connection.execute(f"UPDATE files SET checksum = {checksum_sql('files')}")
    write(notes / "new.md", "the kettle of the neighbours whistles all day")
    steps: list[SyncProgress] = []
    assert folder.sync(progress=steps.append).added == 1
    assert all(step.done_files <= step.total_files == 1 for step in steps)
    assert steps[-1].done_files == 1
    assert folder.plan().unstamped == ()


def test_rebuild_takes_another_model_and_keeps_the_old_index_until_then(
    folder: Folder, notes: Path, tmp_path: Path
) -> None:
    folder.sync()
    folder.close()
    other = tiny_text_bundle(tmp_path / "other", seed=7)
    assert Folder.rebuild(notes, model=other, cancel=lambda: True).cancelled
    with Folder.open(notes) as before:
        assert before.status().model == "tiny"
    assert Folder.rebuild(notes, model=other).added + 3 >= 3
    with Folder.open(notes) as after:
        assert after.status().model == "other"
        assert len(found(after)) == 3
    assert sorted(path.name for path in notes.iterdir() if path.name.startswith(".")) == [".edgeembed"]
