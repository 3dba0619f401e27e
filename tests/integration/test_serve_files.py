"""Pictures and PDF that a server shows, and files that it never sends."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from tests.support.commands import edge
from tests.support.server import Server, serving

pytest.importorskip("uvicorn", reason="the extra serve is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, two_towers: Path) -> Path:
    folder = tmp_path_factory.mktemp("files") / "files"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    exif[0x010F] = "A camera"
    Image.new("RGB", (2000, 1000), "red").save(folder / "red.jpg", exif=exif)
    Image.new("RGB", (40, 30), "blue").save(folder / "blue.png")
    Image.new("RGB", (300, 200), "green").save(folder / "gone.png")
    Image.new("RGB", (300, 200), "white").save(folder / "swapped.png")
    (folder / "page.html").write_text("<script>alert(1)</script><p>a page about boats</p>")
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    (folder / "run.sh").write_text("echo a script about boats\n")
    canvas = Canvas(str(folder / "report.pdf"))
    canvas.drawString(100, 700, "a report about boats")
    canvas.showPage()
    canvas.save()
    assert edge("index", folder, "--model", two_towers).returncode == 0
    return folder


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what the desktop is told to open is written; beside a program in the place of its own."""
    place = tmp_path_factory.mktemp("desktop")
    (place / "xdg-open").write_text(f'#!/bin/sh\necho "$1" >> "{place}/opened"\n')
    (place / "xdg-open").chmod(0o755)
    return place / "opened"


@pytest.fixture(scope="module")
def server(folder: Path, opened: Path) -> Iterator[Server]:
    with serving(folder, PATH=f"{opened.parent}{os.pathsep}{os.environ['PATH']}") as server:
        server.sync()
        yield server


@pytest.fixture(scope="module")
def ids(server: Server) -> dict[str, str]:
    found = [*server.search("boats", k=50, min_score=None), *server.search("red", k=50, kind="image", min_score=None)]
    return {Path(hit["path"]).name: hit["document"] for hit in found}


def picture(server: Server, id: str, size: str) -> Image.Image:
    answer = server.get(f"/files/{id}/picture?size={size}")
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "image/webp"
    image = Image.open(io.BytesIO(answer.body))
    assert not image.getexif()
    return image


def test_pictures_are_made_anew_upright_and_small(server: Server, ids: dict[str, str]) -> None:
    assert picture(server, ids["red.jpg"], "small").size == (125, 250)
    assert picture(server, ids["red.jpg"], "large").size == (800, 1600)
    assert picture(server, ids["blue.png"], "small").size == (40, 30)
    assert server.get(f"/files/{ids['red.jpg']}/picture?size=huge").status == 400


def test_thumbnails_are_kept_by_content(server: Server, ids: dict[str, str]) -> None:
    picture(server, ids["blue.png"], "small")
    cache = Path(os.environ["XDG_CACHE_HOME"]) / "edgeembed" / "thumbnails"
    assert list(cache.glob("*/*-250.webp"))
    assert not list(cache.glob("*/*-1600.webp"))


def test_a_pdf_is_sent_as_it_is(server: Server, folder: Path, ids: dict[str, str]) -> None:
    answer = server.get(f"/files/{ids['report.pdf']}/pdf")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.body == (folder / "report.pdf").read_bytes()


@pytest.mark.parametrize("name", ["page.html", "run.sh"])
def test_nothing_that_could_run_is_sent(server: Server, ids: dict[str, str], name: str) -> None:
    for what in ("pdf", "picture?size=small", "picture?size=large"):
        answer = server.get(f"/files/{ids[name]}/{what}")
        assert answer.status == 404
        assert answer.headers["content-type"] == "application/json"
        assert b"<script>" not in answer.body
    assert server.post(f"/files/{ids[name]}/open", {}).status == 403


def test_only_text_of_a_page_is_told(server: Server, ids: dict[str, str]) -> None:
    answer = server.get(f"/api/documents/{ids['page.html']}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["text"] == "a page about boats"


def test_files_that_went_or_lead_out_of_the_folder_are_not_sent(
    server: Server, folder: Path, ids: dict[str, str]
) -> None:
    (folder / "gone.png").unlink()
    assert server.get(f"/files/{ids['gone.png']}/picture?size=large").status == 404
    outside = folder.parent / "outside.png"
    Image.new("RGB", (300, 200), "black").save(outside)
    (folder / "swapped.png").unlink()
    (folder / "swapped.png").symlink_to(outside)
    assert server.get(f"/files/{ids['swapped.png']}/picture?size=large").status == 404


@pytest.mark.parametrize("what", ["picture", "pdf"])
@pytest.mark.parametrize("id", ["made-up", "..%2f..%2fetc%2fpasswd", "red.jpg"])
def test_ids_that_were_made_up_are_of_nothing(server: Server, id: str, what: str) -> None:
    assert server.get(f"/files/{id}/{what}").status == 404


@pytest.mark.parametrize("what", ["open", "show"])
def test_the_desktop_is_not_for_other_pages(server: Server, ids: dict[str, str], what: str) -> None:
    path = f"/files/{ids['blue.png']}/{what}"
    assert server.post(path, {}, token=False).status == 401
    assert server.post(path, {}, headers={"Origin": "http://evil.example"}).status == 403
    assert server.get(path).status == 405


@pytest.mark.skipif(sys.platform != "linux", reason="other systems open files by other programs")
def test_the_desktop_opens_what_it_shows_and_shows_where_the_rest_is(
    server: Server, folder: Path, opened: Path, ids: dict[str, str]
) -> None:
    assert server.post(f"/files/{ids['blue.png']}/open", {}).status == 200
    assert server.post(f"/files/{ids['run.sh']}/show", {}).status == 200
    end = time.monotonic() + 10
    while not opened.exists() or len(opened.read_text().splitlines()) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert sorted(opened.read_text().splitlines()) == sorted([str(folder / "blue.png"), str(folder)])
