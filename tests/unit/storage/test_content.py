"""What makes two contents the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from edgeembed import Document
from edgeembed.storage import content as content_module
from edgeembed.storage.content import content_of


def test_a_text_is_itself_whatever_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = content_of(Document("a", text="a text\ud800", metadata={"x": 1}))
    assert whole == content_of(Document("b", text="a text\ud800"))
    assert whole.digest.hex() == "2f7de72f0cadae198490670481444862"  # indexes on disk depend on it
    monkeypatch.setattr(content_module, "_PART", 2)
    assert content_of(Document("a", text="a text\ud800")) == whole


def test_a_document_with_other_chunks_is_another_content() -> None:
    found = [
        content_of(Document("a", text="a text")),
        content_of(Document("a", text="a text.")),
        content_of(Document("a", text="a text", pages=(0, 2))),
        content_of(Document("a", text="a text", lines=False)),
        content_of(Document("a", image=b"a text")),
    ]
    assert len({content.digest for content in found}) == len(found)


def test_an_image_is_the_same_in_a_file_and_in_memory(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2), "red").save(tmp_path / "red.png")
    data = (tmp_path / "red.png").read_bytes()
    content = content_of(Document("a", image=tmp_path / "red.png"))
    assert content == content_of(Document("b", image=data))
    assert (content.kind, content.image) == ("image", data)
    pixels = [content_of(Document("c", image=Image.new("RGB", size, "red"))) for size in ((3, 2), (2, 3), (3, 2))]
    assert pixels[0].digest == pixels[2].digest != pixels[1].digest
