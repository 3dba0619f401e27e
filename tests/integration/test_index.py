"""An application's own records: add, replace, remove, search."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import edgeembed
from edgeembed import Document, Index
from edgeembed.storage import segment_merger, writer
from tests.support.tiny import tiny_text_bundle
from tests.support.tiny_image import tiny_two_tower_bundle

MAILS = [
    Document("mail-1", text="the boat leaves the harbour at dawn", metadata={"from": "ann", "year": 2023}),
    Document("mail-2", text="tomato seedlings for the garden", metadata={"from": "bob", "year": 2024}),
    Document("mail-3", text="an invoice for painting the fence", metadata={"from": "ann", "year": 2024}),
]


@pytest.fixture
def index(tmp_path: Path, tiny_bundle: Path) -> Index:
    return Index.open(tmp_path / "index", model=tiny_bundle)


def ids(hits: list[edgeembed.Hit]) -> list[str]:
    return [hit.id for hit in hits]


def test_an_added_document_is_found_with_its_metadata_and_span(index: Index) -> None:
    assert index.add(MAILS) == 3
    hit = index.search("garden tomato seedlings", k=2)[0]
    assert (hit.id, hit.kind, hit.matched) == ("mail-2", "text", ("vector", "keyword"))
    assert hit.score is not None
    assert 0 < hit.score < 1
    assert (hit.start, hit.end, hit.start_line, hit.end_line, hit.page) == (0, 31, 1, 1, None)
    assert hit.snippet == "tomato seedlings for the garden"
    assert hit.metadata == {"from": "bob", "year": 2024}
    assert hit.similarity == hit.passages[0].similarity


def test_similarity_is_the_cosine(index: Index) -> None:
    index.add(MAILS)
    vectors = index.embedder.embed_texts([mail.text or "" for mail in MAILS])
    query = index.embedder.embed_texts(["a garden"], role="query")[0]
    found = {hit.id: hit.similarity for hit in index.search("a garden")}
    for mail, expected in zip(MAILS, vectors @ query, strict=True):
        assert found[mail.id] == pytest.approx(expected, abs=0.01)


def test_the_same_id_replaces(index: Index) -> None:
    index.add(MAILS)
    index.add([Document("mail-2", text="a letter about the boat", metadata={"from": "eve"})])
    assert index.status().documents == 3
    hits = {hit.id: hit for hit in index.search("tomato seedlings for the garden")}
    assert hits["mail-2"].snippet == "a letter about the boat"
    assert hits["mail-2"].metadata == {"from": "eve"}
    assert index.status().chunks == 3  # the old text is gone


def test_remove(index: Index) -> None:
    index.add(MAILS)
    assert index.remove(["mail-1", "unknown"]) == 1
    assert sorted(ids(index.search("boat"))) == ["mail-2", "mail-3"]
    assert index.status().chunks == 2
    with pytest.raises(TypeError, match="not one string"):
        index.remove("mail-2")


def test_documents_are_had_by_their_ids(index: Index) -> None:
    index.add([*MAILS, Document("cut \ud83d", text="  # A title\n\n" + "many words of a note. " * 400)])
    first, unknown, odd = index.get(["mail-2", "mail-9", "cut \ud83d"])
    assert first is not None
    assert (first.id, first.kind, first.text) == ("mail-2", "text", "tomato seedlings for the garden")
    assert first.metadata == {"from": "bob", "year": 2024}
    assert unknown is None
    assert odd is not None
    assert odd.text is not None
    assert odd.text.split() == ["#", "A", "title", *["many", "words", "of", "a", "note."] * 400]
    hit = index.search("title", k=1)[0]
    assert odd.text[hit.start : hit.end] == hit.passages[0].text
    with pytest.raises(TypeError, match="not one string"):
        index.get("mail-1")


def test_equal_texts_are_embedded_once_and_found_under_each_id(index: Index) -> None:
    index.add([Document(name, text="the very same words") for name in "abc"])
    assert index.status().chunks == 1
    assert ids(index.search("same words")) == ["a", "b", "c"]
    index.remove(["b"])
    assert ids(index.search("same words")) == ["a", "c"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [({"from": "ann"}, ["mail-1", "mail-3"]), ({"from": "ann", "year": 2024}, ["mail-3"]), ({"from": "zoe"}, [])],
)
def test_where_filters_before_the_best_are_taken(index: Index, where: dict[str, object], expected: list[str]) -> None:
    index.add(MAILS)
    index.add(Document(f"noise-{i}", text=f"garden boat fence {i}", metadata={"from": "noise"}) for i in range(300))
    assert sorted(ids(index.search("garden boat fence", k=3, where=where))) == expected


def test_a_long_document_is_one_hit_with_several_passages(index: Index) -> None:
    text = "\n\n".join(f"Paragraph {i}: " + "lorem ipsum dolor sit amet " * 8 for i in range(20))
    index.add([Document("long", text=text), *MAILS])
    hits = index.search("lorem ipsum dolor", k=2)
    assert ids(hits)[0] == "long"
    assert len(hits) == 2
    assert len(hits[0].passages) > 3
    best = hits[0].passages[0]
    assert text[best.start : best.end].split()[:2] == best.snippet.split()[:2]
    assert text[: best.start].count("\n") + 1 == best.start_line


def test_images_are_documents_too(tmp_path: Path) -> None:
    images = []
    for i, color in enumerate(("red", "green", "blue")):
        file = io.BytesIO()
        Image.new("RGB", (40, 30), color).save(file, "PNG")
        images.append(Document(f"photo-{i}", image=file.getvalue(), metadata={"color": color}))
    (tmp_path / "blue.png").write_bytes(file.getvalue())
    with Index.open(tmp_path / "index", model=tiny_two_tower_bundle(tmp_path / "towers")) as index:
        assert index.add([*images, *MAILS, Document("copy", image=tmp_path / "blue.png")]) == 7
        assert index.status().chunks == 6  # the copy is the same content
        hits = {hit.id: hit for hit in index.search("boat", k=7)}
        assert len(hits) == 7
        photo = hits["photo-1"]
        assert (photo.kind, photo.start, photo.page, photo.snippet) == ("image", None, None, None)
        assert photo.metadata == {"color": "green"}
        expected = index.embedder.embed_texts(["boat"], role="query") @ index.embedder.embed_images([images[1].image]).T
        assert photo.similarity == pytest.approx(expected.item(), abs=0.01)
        assert ids(index.search("boat", where={"color": "red"})) == ["photo-0"]
        with pytest.raises(edgeembed.ImageError, match="document 'broken'"):
            index.add([Document("broken", image=b"no picture at all")])
        assert len(index.search("boat", k=20)) == 7
        assert index.verify().ok


def test_an_image_that_cannot_be_added_is_named_with_its_document(tmp_path: Path) -> None:
    broken, gone = tmp_path / "broken.jpg", tmp_path / "gone.jpg"
    broken.write_bytes(b"no picture at all")
    Image.new("RGB", (400, 300), "red").save(tmp_path / "cut.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:-500])
    closed = Image.new("RGB", (4, 4))
    closed.close()
    with Index.open(tmp_path / "index", model=tiny_two_tower_bundle(tmp_path / "towers")) as index:
        for path in (broken, str(broken)):
            with pytest.raises(edgeembed.ImageError) as caught:
                index.add([Document("x", image=path)])
            assert str(caught.value) == f"{broken}: not a picture that can be read (document 'x')"
            assert (caught.value.path, caught.value.reason) == (broken, "not a picture that can be read")
        with pytest.raises(FileNotFoundError, match=r"document 'x'.*gone\.jpg"):
            index.add([Document("x", image=gone)])
        with pytest.raises(edgeembed.ImageError, match=r"damaged picture: .*truncated.* \(document 'x'\)"):
            index.add([Document("x", image=Image.open(tmp_path / "cut.jpg"))])
        with pytest.raises(edgeembed.ImageError, match=r"picture: was closed before it was used.* \(document 'x'\)"):
            index.add([Document("x", image=closed)])
        with pytest.raises(edgeembed.ImageError, match=r"^picture: not a picture that can be read$"):
            index.search(b"no picture at all")
        assert index.status().documents == 0


def test_an_image_is_let_go_once_it_is_embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands are embedded between two commits."""
    monkeypatch.setattr(writer, "COMMIT_SECONDS", 1e9)
    image = Image.new("RGB", (40, 30), "red")
    held = weakref.ref(image)
    with Index.open(tmp_path / "index", model=tiny_two_tower_bundle(tmp_path / "towers")) as index:
        with index._store.writing() as writes:
            writes.add(Document("photo", image=image))
            del image
            deadline = time.monotonic() + 30
            while held() is not None and time.monotonic() < deadline:
                time.sleep(0.02)
                gc.collect()
            assert held() is None
        assert ids(index.search("red")) == ["photo"]


def test_an_empty_index_has_no_hits(index: Index) -> None:
    assert index.search("anything") == []
    assert index.search("anything", where={"a": 1}) == []


def test_it_opens_again_with_its_own_model(tmp_path: Path, tiny_bundle: Path) -> None:
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add(MAILS)
    with Index.open(tmp_path / "index") as index:
        assert ids(index.search("tomato garden"))[0] == "mail-2"
        assert index.status().model == "tiny"


def test_another_model_is_an_error_that_says_what_to_do(tmp_path: Path, tiny_bundle: Path) -> None:
    other = tiny_text_bundle(tmp_path / "other", seed=1)
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add(MAILS)
    with pytest.raises(edgeembed.ModelMismatchError, match=r"made with tiny .* not with other .*--rebuild"):
        Index.open(tmp_path / "index", model=other)


def test_without_documents_the_model_may_be_another(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, place = tiny_text_bundle(tmp_path / "other", seed=1, dim=24), tmp_path / "index"
    with Index.open(place, model=other) as index:
        index.add(MAILS)
        index.compact()  # into a segment
        index.remove([mail.id for mail in MAILS])
    with Index.open(place, model=tiny_bundle) as index:
        assert index.status().model == "tiny"
    with Index.open(place) as index:  # what was chosen is kept
        assert index.status().model == "tiny"
        with index._store.writing(), Index.open(place, model=tiny_bundle) as same:
            assert same.status().model == "tiny"
        index.add(MAILS)
        assert index.verify().ok
    with pytest.raises(edgeembed.ModelMismatchError):
        Index.open(place, model=other)


def test_a_loaded_embedder_is_shared(tmp_path: Path, tiny_bundle: Path) -> None:
    embedder = edgeembed.Embedder.load(tiny_bundle)
    for name in "ab":
        with Index.open(tmp_path / name, model=embedder) as index:
            index.add(MAILS)
            assert index.embedder is embedder
    assert embedder.embed_texts(["still alive"]).shape == (1, 16)


def test_read_only(tmp_path: Path, tiny_bundle: Path) -> None:
    with pytest.raises(edgeembed.IndexNotFoundError, match="edgeembed index"):
        Index.open(tmp_path / "index", read_only=True)
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add(MAILS)
    names = sorted(path.name for path in (tmp_path / "index").iterdir())
    with Index.open(tmp_path / "index", read_only=True) as index:
        assert len(index.search("boat")) == 3
        with pytest.raises(edgeembed.EdgeEmbedError, match="read-only"):
            index.remove(["mail-1"])
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == names


def test_only_the_owner_may_enter(index: Index) -> None:
    assert index.path.stat().st_mode & 0o077 == 0


def test_cancel_keeps_the_documents_added_so_far_and_goes_on_later(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "EMBED_CHUNKS", 4)
    text = "\n\n".join(f"Paragraph {i}: " + "lorem ipsum dolor sit amet " * 8 for i in range(60))
    asked = 0

    def cancel() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    assert index.add([*MAILS, Document("long", text=text)], cancel=cancel) < 4
    held = index.status().chunks
    assert held > 3  # part of the long one, which no search shows yet
    assert "long" not in ids(index.search("lorem ipsum"))
    with index._store.writing() as session:
        assert session.add(Document("long", text=text)) == "new"
        session.commit()
        total = index.status().chunks
        assert session.embedded == total - held
    assert ids(index.search("lorem ipsum"))[0] == "long"


def test_what_comes_slowly_is_committed_meanwhile(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "COMMIT_SECONDS", 0.0)
    seen = []

    def documents() -> Iterator[Document]:
        for i in range(4):
            with Index.open(index.path, read_only=True) as other:
                seen.append(other.status().documents)
            yield Document(str(i), text=f"boat number {i}")

    index.add(documents())
    assert seen[0] == 0
    assert seen[3] >= 2  # at most the batch that is under way is missing
    assert index.status().documents == 4


@pytest.mark.slow
@pytest.mark.parametrize("call", ["index.similar('d1')", "index.verify()", "index.search('boat')"])
def test_segments_may_be_opened_before_the_model(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """In a process of its own: usearch loaded before onnxruntime ended in a segmentation fault."""
    monkeypatch.setattr(segment_merger, "FLUSH_ROWS", 20)
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add(Document(f"d{i}", text=f"a boat number {i}") for i in range(30))
        assert index.status().segments == 1
    code = (
        f"import sys, edgeembed\nwith edgeembed.Index.open(sys.argv[1], read_only=True) as index: print(bool({call}))"
    )
    run = subprocess.run([sys.executable, "-c", code, tmp_path / "index"], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "True\n"), run.stderr
