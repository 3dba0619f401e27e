"""The limit on memory: photos of phones pass it, large ones one at a time, and what is too large is called so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from edgeembed.reading.extras import Unreadable
from edgeembed.reading.sandbox.process import Limits, Worker
from edgeembed.reading.sandbox.protocol import DecodeRequest

NEED = DecodeRequest(200, upright=True)


def picture(path: Path, width: int, height: int) -> Path:
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(path, compression="tiff_lzw")
    return path


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system refuses memory on Linux")
def test_what_is_only_reserved_does_not_count(tmp_path: Path) -> None:
    """Each thread of a decoder reserves an arena of 64 MB and more, and a phone's photo has many."""
    code = (
        "import mmap, threading\n"
        "from edgeembed.reading.sandbox.memory import MemoryLimit\n"
        "limit = MemoryLimit(300_000_000, 600_000_000)\n"
        "gate = threading.Event()\n"
        "threads = [threading.Thread(target=gate.wait, daemon=True) for _ in range(8)]\n"
        "[thread.start() for thread in threads]\n"
        "maps = [mmap.mmap(-1, 64 << 20, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)"
        " for _ in range(40)]\n"
        "def refused(size):\n"
        "    try:\n"
        "        return not bytearray(size)\n"
        "    except MemoryError:\n"
        "        return True\n"
        "assert refused(400_000_000)\n"
        "assert limit.more(250_000_000) and not refused(400_000_000)\n"
        "assert not limit.more(350_000_000)\n"
        "limit.begin()\n"
        "assert refused(400_000_000)\n"
    )
    import subprocess

    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_picture_asks_for_its_room(tmp_path: Path) -> None:
    large, larger = picture(tmp_path / "a.tif", 5000, 4000), picture(tmp_path / "b.tif", 12000, 9000)
    with Worker(Limits(memory_bytes=120_000_000)) as worker:
        assert worker.decode_image(large, NEED).size == (250, 200)
        with pytest.raises(Unreadable, match=r"^too large: takes too much memory to decode \(108 megapixels\)$"):
            worker.decode_image(larger, NEED)
        assert worker.decode_image(large, NEED).size == (250, 200)


@pytest.mark.slow
def test_a_grid_of_tiles_as_phones_write_them(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    image = Image.linear_gradient("L").resize((8064, 6048)).convert("RGB")
    pillow_heif.from_pillow(image).save(tmp_path / "48.heic", quality=30)
    with Worker() as worker:
        assert min(worker.decode_image(tmp_path / "48.heic", NEED).size) >= 200
