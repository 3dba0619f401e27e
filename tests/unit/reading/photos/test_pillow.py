"""Which formats are tried on a file, by its first bytes."""

from __future__ import annotations

import sys

import pytest

from edgeembed.errors import ImageError
from edgeembed.reading.detect import detect
from edgeembed.reading.extras import is_there_now
from edgeembed.reading.photos.pillow import formats

JXL = (b"\xff\x0a\xfa\x1f" + bytes(50), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50))


@pytest.mark.parametrize("head", JXL)
def test_jpeg_xl_names_the_plugin_that_reads_it(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert detect(head, "picture").image == "rare"
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(ImageError, match="needs pillow-jxl-plugin: JPEG XL"):
        formats(head)
    monkeypatch.delitem(sys.modules, "pillow_jxl")
    assert not is_there_now("needs pillow-jxl-plugin: JPEG XL") or formats(head) == ("JXL",)


def test_heif_by_any_of_its_brands() -> None:
    pytest.importorskip("pillow_heif")
    assert "HEIF" in formats(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    assert "HEIF" in formats(b"\0\0\0\x1cftypMiHB\0\0\0\0mif1heic" + bytes(40))
    assert detect(b"\0\0\0\x1cftypMiHB\0\0\0\0mif1heic" + bytes(40), "a.HEIC").image == "rare"
    assert detect(b"\0\0\0\x1cftypqt  \0\0\0\0qt  " + bytes(40), "a.mov").image is None
