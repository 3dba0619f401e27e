"""An archive of some 570 awkward files, as somebody's folder: nothing in it costs much, and what is written is found.

Phrases are taken from the files by other means than the readers: each page of a PDF as pypdfium2 gives it, the runs
of words in the XML of office files, what stands between the tags of web pages. They are searched for in an index, as a
user would, between quotes.
"""

from __future__ import annotations

import html
import re
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeembed import Embedder, Folder
from edgeembed.document import Document
from edgeembed.reading.entries import FileStat, Skipped
from edgeembed.reading.parts import FileParts
from edgeembed.reading.read_file import read_document
from edgeembed.reading.sandbox.process import Worker
from edgeembed.reading.sandbox.protocol import DecodeRequest
from edgeembed.sync.walk import walk

SCANNED = {
    "markitdown_ocr/pdf_scanned_meeting_minutes.pdf",
    "markitdown_ocr/pdf_scanned_minimal.pdf",
    "markitdown_ocr/pdf_scanned_sales_report.pdf",
    "pillow/duplicate_xref_entry.pdf",
    "pillow/trailer_loop.pdf",
}
WORDS = re.compile(r"[A-Za-z]{3,}(?: [A-Za-z]{2,}){0,7}")
"""Some plain words one after the other."""
PARTS = re.compile(r"word/document\.xml|xl/sharedStrings\.xml|xl/worksheets/sheet\d+\.xml|.*\.xhtml")
"""Where the text of office files and books stands; slides besides, which are pages."""
MOST_BYTES = 500_000_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::UserWarning"),  # Pillow's, of what it then reads
]


@pytest.fixture(scope="module")
def archive(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("archive")
    if not (data / "messy.tar.gz").is_file():
        pytest.skip(f"{data / 'messy.tar.gz'} is not there")
    with tarfile.open(data / "messy.tar.gz") as packed:
        packed.extractall(place, filter="data") if hasattr(tarfile, "data_filter") else packed.extractall(place)
    return place


@pytest.fixture(scope="module")
def indexed(archive: Path, tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Folder]:
    with Folder.open(archive, index=tmp_path_factory.mktemp("archive-index") / "index", model=embedder) as folder:
        report = folder.sync()
        files = sum(path.is_file() for path in archive.rglob("*"))
        assert report.added + len(report.skipped) == files > 500  # it went through all of them
        yield folder


def longest(text: str) -> str | None:
    """The longest run of plain words."""
    return max(WORDS.findall(" ".join(text.split())), key=len, default=None)


def of_pdf(path: Path) -> Iterator[tuple[str, int | None]]:
    pdfium = pytest.importorskip("pypdfium2")
    with pdfium.PdfDocument(path) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
    for number, page in enumerate(pages, 1):
        found = [
            phrase for phrase in map(longest, page.splitlines()) if phrase and sum(phrase in p for p in pages) == 1
        ]
        if found:
            yield max(found, key=len), number


def of_office(path: Path) -> Iterator[tuple[str, int | None]]:
    with zipfile.ZipFile(path) as packed:
        for name in packed.namelist():
            slide = re.fullmatch(r"ppt/slides/slide(\d+)\.xml", name)
            if slide or re.fullmatch(
                r"word/document\.xml|xl/sharedStrings\.xml|xl/worksheets/sheet\d+\.xml|.*\.xhtml", name
            ):
                text = packed.read(name).decode()
                runs = re.findall(r"<(?:\w+:)?(?:t|p)(?: [^>]*)?>([^<]+)</", text)
                if found := max(filter(None, map(longest, map(html.unescape, runs))), key=len, default=None):
                    yield found, int(slide[1]) if slide else None


def of_page(path: Path) -> Iterator[tuple[str, int | None]]:
    text = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", "", path.read_text(encoding="utf-8"))
    if found := max(
        filter(None, map(longest, re.findall(r">([^<>]+)</(?:p|h\d|li|b|title)>", text))), key=len, default=None
    ):
        yield found, None


MEANS = {
    **dict.fromkeys((".docx", ".pptx", ".xlsx", ".epub"), of_office),
    ".pdf": of_pdf,
    ".html": of_page,
}


def test_what_is_written_is_found_on_its_page(archive: Path, indexed: Folder) -> None:
    silent = set()
    for path in sorted(archive.rglob("*")):
        if path.suffix not in MEANS:
            continue
        id = path.relative_to(archive).as_posix()
        phrases = list(MEANS[path.suffix](path))
        for phrase, page in phrases:
            hits = {hit.id: hit for hit in indexed.search(f'"{phrase}"', k=50)}
            assert id in hits, (id, phrase)
            pages = {passage.page for passage in hits[id].passages}
            assert page is None or page in pages, (id, phrase, page, pages)
        if not phrases:
            silent.add(id)
    assert silent == {*SCANNED, "markitdown_ocr/pptx_multiple_images.pptx"}


def test_only_what_has_no_text_is_said_to_be_scanned(archive: Path, indexed: Folder) -> None:
    reasons = {item.path: item.reason for item in indexed.plan().skipped}
    assert {path for path, reason in reasons.items() if "scanner" in reason} == SCANNED
    assert all(not list(of_pdf(archive / path)) for path in SCANNED)


def test_no_file_costs_much_time_or_memory(archive: Path) -> None:
    """Each alone: at most ten seconds, and half a gigabyte in the process that takes it apart."""
    slowest, images = (0.0, ""), DecodeRequest(256, True)
    begun = time.perf_counter()
    with Worker() as worker:
        for stat in walk(archive):
            assert isinstance(stat, FileStat)
            start = time.perf_counter()
            found = read_document(archive, stat, worker=worker, images=images)
            whole = found.joined(stat.path, None) if isinstance(found, FileParts) else found
            assert isinstance(whole, (Document, Skipped))
            slowest = max(slowest, (time.perf_counter() - start, stat.path))
            assert peak_bytes(worker) <= MOST_BYTES, stat.path
    assert slowest[0] < 10, slowest
    assert time.perf_counter() - begun < 60


def peak_bytes(worker: Worker) -> int:
    """The most memory that the process of a worker ever held; 0 where it has none, or the system does not say."""
    try:
        assert worker._process is not None
        status = Path(f"/proc/{worker._process._popen.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]
    except (AssertionError, OSError, TypeError):
        return 0
