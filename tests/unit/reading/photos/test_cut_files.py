"""Pictures that are cut off, and PNG files with more beside the picture than Pillow takes."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin

from edgeembed.errors import ImageError
from edgeembed.reading.images import opened, translated
from edgeembed.reading.photos.cut_files import CUT, load
from tests.support.images import saved


def photo(width: int = 900, height: int = 600) -> Image.Image:
    """Not one colour anywhere, and not so noisy that a JPEG of it is large."""
    small = np.random.default_rng(1).integers(0, 256, (height // 20, width // 20, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def decoded(data: bytes, *, partial: bool = True) -> tuple[np.ndarray, str | None]:
    with opened(data) as image, translated(data):
        missing = load(image, partial=partial)
        return np.asarray(image.convert("RGB")).astype(int), missing


WHOLE = {
    "jpeg": saved(photo(), "JPEG", quality=90),
    "progressive": saved(photo(), "JPEG", quality=90, progressive=True),
    "png": saved(photo(), "PNG"),
    "gif": saved(photo(), "GIF", interlace=0),
    "webp": saved(photo(), "WEBP", quality=90),
    "lossless": saved(photo(), "WEBP", lossless=True),
    "tiff": saved(photo(), "TIFF"),
    "bmp": saved(photo(), "BMP"),
}


@pytest.mark.parametrize("share", [0.99, 0.95, 0.8, 0.5])
@pytest.mark.parametrize("name", ["jpeg", "progressive", "png", "gif", "tiff", "bmp"])
def test_what_is_there_of_a_cut_picture_is_decoded(name: str, share: float) -> None:
    whole, missing = decoded(WHOLE[name])
    assert missing is None
    data = WHOLE[name][: int(len(WHOLE[name]) * share)]
    part, missing = decoded(data)
    assert missing == CUT
    if name == "bmp":  # which begins with the lowest row
        whole, part = whole[::-1], part[::-1]
    rows = int(share * 0.4 * len(whole))  # rows of a compressed picture do not take the same room
    tolerance = 80 if name == "progressive" else 1  # what refines the picture comes last
    assert np.abs(part[:rows] - whole[:rows]).mean() < tolerance
    with pytest.raises(ImageError, match="damaged picture"):
        decoded(data, partial=False)


@pytest.mark.parametrize("name", ["webp", "lossless"])
def test_of_a_webp_the_last_hundredth_may_be_missing(name: str) -> None:
    whole, _ = decoded(WHOLE[name])
    part, missing = decoded(WHOLE[name][: len(WHOLE[name]) * 99 // 100])
    assert missing == CUT
    assert np.abs(part[:300] - whole[:300]).mean() < 1
    with pytest.raises(ImageError):
        decoded(WHOLE[name][: len(WHOLE[name]) // 2])


def test_a_jpeg_without_its_end_mark_or_with_something_behind_it() -> None:
    whole, _ = decoded(WHOLE["jpeg"])
    part, missing = decoded(WHOLE["jpeg"][:-2])
    assert missing == CUT
    assert (part == whole).all()
    for trailer in (bytes(5000), b"SEFHk\0\0\0" * 40 + b"SEFT", b"\0\0\0\x18ftypmp42" + b"film" * 2000):
        assert decoded(WHOLE["jpeg"] + trailer)[1] is None
        part, _ = decoded(WHOLE["jpeg"][:-2] + trailer)  # the mark alone is missing in the midst
        assert np.abs(part - whole).mean() < 1


def test_of_several_pictures_in_a_cut_jpeg_the_first_is_whole() -> None:
    data = saved(photo(), "MPO", save_all=True, append_images=[photo(600, 400)])
    whole, missing = decoded(data)
    assert missing is None
    part, missing = decoded(data[: len(data) * 9 // 10])
    assert missing is None
    assert (part == whole).all()


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "tiff", "bmp"])
def test_hardly_anything_of_a_picture_is_none(name: str) -> None:
    with pytest.raises(ImageError):
        decoded(WHOLE[name][: max(40, len(WHOLE[name]) // 50)])


def test_the_switch_of_the_process_stays_as_it_is() -> None:
    decoded(WHOLE["png"][:-1000])
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.mark.parametrize("where", ["before", "behind"])
@pytest.mark.parametrize(
    "notes",
    [
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * (5 << 20))),
        chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(b"b" * (5 << 20))),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(5 << 20))),
    ],
    ids=["zTXt", "iTXt", "iCCP"],
)
def test_megabytes_of_text_or_profile_in_a_png_do_no_harm(notes: bytes, where: str) -> None:
    assert len(zlib.decompress(notes[-12 - 4 - 5200 :][notes[-12 - 4 - 5200 :].find(b"\x78\x9c") : -4])) > (
        PngImagePlugin.MAX_TEXT_CHUNK
    )
    data, at = WHOLE["png"], 33 if where == "before" else len(WHOLE["png"]) - 12
    pixels, missing = decoded(data[:at] + notes + data[at:], partial=False)
    assert missing is None
    assert (pixels == decoded(data)[0]).all()


def test_a_text_that_is_too_long_for_a_cut_png() -> None:
    notes = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * (5 << 20)))
    data = WHOLE["png"][:33] + notes + WHOLE["png"][33:]
    assert decoded(data[:-3000])[1] == CUT


def test_a_stream_is_read_as_pillow_reads_it() -> None:
    from edgeembed.reading.photos.cut_files import JpegStream

    stream = JpegStream(b"abc")
    assert (stream.read(2), stream.read(), stream.read(0), stream.was_cut) == (b"ab", b"c", b"", False)
    assert (stream.read(10), stream.read(10), stream.was_cut) == (b"\xff\xd9", b"", True)
    assert isinstance(stream, io.BytesIO)
