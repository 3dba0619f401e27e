"""Files to documents, or a reason to skip them."""

from __future__ import annotations

import os
import random
import tarfile
import tempfile
import time
import tracemalloc
from pathlib import Path

import pytest

from edgeembed.document import Document
from edgeembed.reading.decode import decode
from edgeembed.reading.detect import NOT_TEXT, OTHER_IMAGE
from edgeembed.reading.entries import IMAGE_LEFT_OUT, FileStat, Skipped
from edgeembed.reading.read_file import EMPTY, MAX_FILE_BYTES, read_document
from edgeembed.reading.sandbox.process import Worker
from edgeembed.sync.walk import walk

GERMAN = "Über den Wolken muss die Freiheit wohl grenzenlos sein. Die Bäume blühen schön, und die Vögel singen."
ENGLISH = "The café’s “menu” — with naïve résumé prices — costs £5 or €6. It's a long story."
POLISH = "Zażółć gęślą jaźń. W Szczebrzeszynie chrząszcz brzmi w trzcinie. Książka leży na stole."
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. Дети играли в саду."
GREEK = "Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί."
TURKISH = "Pijamalı hasta yağız şoföre çabucak güvendi. Dün akşam sinemaya gittik."
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。ニャーニャー泣いていた。"
CHINESE = "我们昨天晚上去看电影，然后在餐馆吃饭。孩子们在花园里玩耍。今天天气很好。"
KOREAN = "어제 저녁에 우리는 영화를 보러 갔고 그 다음에 식당에서 저녁을 먹었습니다."


def read(path: Path, data: bytes, **options: int) -> Document | Skipped:
    path.write_bytes(data)
    return read_document(path.parent, FileStat(path.name, len(data), 0), **options)


def skipped(document: Document | Skipped) -> str:
    assert isinstance(document, Skipped), document
    return document.reason


def text(document: Document | Skipped) -> str:
    assert isinstance(document, Document), document
    assert document.text is not None
    return document.text


def test_a_document_is_named_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "note").write_text("hello")
    assert read_document(tmp_path, FileStat("sub/note", 5, 0)) == Document("sub/note", text="hello")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"plain", "plain"),
        ("naïve 日本".encode(), "naïve 日本"),
        (b"\xef\xbb\xbfmark", "mark"),
        (b"\xef\xbb\xbfdamage \xff here", "damage \ufffd here"),
        (b"\xff\xfe" + "日本 e\u0301 👩".encode("utf-16-le"), "日本 e\u0301 👩"),
        (b"\xfe\xff" + "Grüße".encode("utf-16-be"), "Grüße"),
        (b"\xff\xfe\0\0" + "Grüße".encode("utf-32-le"), "Grüße"),
        (b"\0\0\xfe\xff" + "Grüße".encode("utf-32-be"), "Grüße"),
        (b"\xff\xfe" + "odd".encode("utf-16-le") + b"x", "odd\ufffd"),
        ("Grüße, größer, schöner, 日本 ".encode() * 3 + b"\xe9", "Grüße, größer, schöner, 日本 " * 3 + "\ufffd"),
    ],
)
def test_unicode(tmp_path: Path, data: bytes, expected: str) -> None:
    assert text(read(tmp_path / "a", data)) == expected


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (GERMAN, "cp1252"),
        (GERMAN, "cp850"),
        (GERMAN[:40], "cp1252"),
        (ENGLISH, "cp1252"),
        ("The café was closed on Monday.", "latin-1"),
        ("# Copyright © 2001 Someone Ltd", "latin-1"),
        (POLISH, "cp1250"),
        (POLISH, "iso8859-2"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        (GREEK, "cp1253"),
        (TURKISH, "cp1254"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc-jp"),
        (JAPANESE, "iso2022-jp"),
        (CHINESE, "gb18030"),
        (KOREAN, "cp949"),
        ("int n; // 変数の数です\nint m;\n" * 20, "shift-jis"),
    ],
)
def test_older_encodings(tmp_path: Path, words: str, encoding: str) -> None:
    assert text(read(tmp_path / "a.txt", words.encode(encoding))) == words
    # The rest of the file may be anything.
    long = "plain text in a long file\n" * 1000 + words + "\n"
    assert text(read(tmp_path / "a.txt", long.encode(encoding))) == long


def test_a_megabyte_of_an_older_encoding_is_soon_read() -> None:
    for words, encoding in ((JAPANESE, "cp932"), (GERMAN, "cp1252"), ("plain words " * 8000 + "café ", "cp1252")):
        long = words * (3_000_000 // len(words))
        data = long.encode(encoding)
        start = time.perf_counter()
        assert decode(data) == long
        assert time.perf_counter() - start < 5


def test_line_ends(tmp_path: Path) -> None:
    assert text(read(tmp_path / "a", b"dos\r\nmac\runix\n\r\n\r")) == "dos\nmac\nunix\n\n\n"
    assert text(read(tmp_path / "a", "a\r\nb\r\n".encode("utf-16"))) == "a\nb\n"


@pytest.mark.parametrize(
    "data",
    [
        b"looks like text\0but is not",
        random.Random(1).randbytes(1000),
        random.Random(2).randbytes(100),
        b"\xff\xfe" + random.Random(3).randbytes(1000),
        b"text first\n" * 1000 + random.Random(4).randbytes(100_000),
    ],
)
def test_binary_data_is_no_text_whatever_it_is_called(tmp_path: Path, data: bytes) -> None:
    assert skipped(read(tmp_path / "a.txt", data)) == NOT_TEXT


@pytest.mark.parametrize(
    "words",
    [
        "page\x0cpage\x0bpage",
        "the end\x1a",
        "private use \ue000 and unassigned \u0378",
    ],
)
def test_odd_characters_that_texts_have(tmp_path: Path, words: str) -> None:
    assert text(read(tmp_path / "a.bin", words.encode())) == words


def test_what_is_not_seen_is_left_out(tmp_path: Path) -> None:
    assert text(read(tmp_path / "a.bin", b"\x1b[31mred\x1b[0m and " * 20)) == "red and " * 20
    assert text(read(tmp_path / "a.bin", b"N\bNA\bAM\bME\bE")) == "NAME"
    assert skipped(read(tmp_path / "a.txt", "\u200b\u00ad".encode())) == "empty"


def test_a_stray_nul_behind_the_start_becomes_a_space(tmp_path: Path) -> None:
    log = "a line of a log\n" * 1000
    found = text(read(tmp_path / "a.log", (log + "\0\0\0" + log).encode()))
    assert found == log + "   " + log


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n \x0c", b"\xef\xbb\xbf", "\u00a0\u3000".encode(), b"\xff\xfe"])
def test_empty(tmp_path: Path, data: bytes) -> None:
    assert skipped(read(tmp_path / "a.txt", data)) == EMPTY


def test_size_limit(tmp_path: Path) -> None:
    assert text(read(tmp_path / "a", b"x" * 2048, max_bytes=2048)) == "x" * 2048
    assert skipped(read(tmp_path / "a", b"x" * 2049, max_bytes=2048)) == "larger than 2 KiB: 2 KiB"
    assert skipped(read(tmp_path / "a", b"x" * 20_000, max_bytes=10_000)) == "larger than 9.8 KiB: 19.5 KiB"
    assert skipped(read(tmp_path / "a", b"x" * 20, max_bytes=10)) == "larger than 10 bytes: 20 bytes"


def test_a_huge_file_costs_nothing(tmp_path: Path) -> None:
    for name, head in (("zeros.txt", b""), ("words.txt", b"words " * 2000)):
        with (tmp_path / name).open("wb") as file:
            file.write(head)
            file.truncate(2 << 30)
    tracemalloc.start()
    reasons = [skipped(read_document(tmp_path, stat)) for stat in walk(tmp_path) if isinstance(stat, FileStat)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reasons == ["larger than 64 MiB: 2 GiB", NOT_TEXT]
    assert peak < 1 << 20
    assert MAX_FILE_BYTES == 64 << 20


@pytest.mark.skipif(os.name == "nt", reason="devices as on POSIX")
def test_no_more_is_read_than_the_limit(tmp_path: Path) -> None:
    endless = Path("/dev/zero")
    if not endless.exists():
        pytest.skip("no /dev/zero")
    assert skipped(read_document(endless.parent, FileStat("zero", 10, 0))) == "not a file"
    os.mkfifo(tmp_path / "pipe")
    assert skipped(read_document(tmp_path, FileStat("pipe", 10, 0))) == "not a file"
    (tmp_path / "folder").mkdir()
    assert skipped(read_document(tmp_path, FileStat("folder", 10, 0))).startswith("not ")


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    assert skipped(read_document(tmp_path, FileStat("gone", 1, 0))) == "not readable: no longer there"


@pytest.mark.skipif(os.name == "nt", reason="permissions as on POSIX")
def test_a_file_that_must_not_be_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, user = Path(name), os.geteuid()
        folder.chmod(0o755)
        (folder / "closed.txt").write_text("secret")
        (folder / "closed.txt").chmod(0)
        if user == 0:
            os.seteuid(65534)
        try:
            assert skipped(read_document(folder, FileStat("closed.txt", 6, 0))) == "not readable: permission denied"
        finally:
            os.seteuid(user)


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX only")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    try:
        (tmp_path / name).write_text("hello")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert read_document(tmp_path, FileStat(name, 5, 0)) == Document(name, text="hello")


def test_random_bytes_raise_nothing() -> None:
    rng = random.Random(7)
    alphabet = [b"a", b" ", b"\n", b"\r", b"\0", b"\xe9", b"\x82\xa0", b"\xff\xfe", b"\x1b$B", "ü".encode(), b"\x80"]
    for _ in range(2000):
        data = b"".join(rng.choices(alphabet, rng.choices(range(1, 12), k=11), k=rng.randint(0, 60)))
        found = decode(data)
        assert found is None or ("\r" not in found and "\0" not in found)


def test_documents_come_from_the_worker(tmp_path: Path) -> None:
    page = b"<h1>Bread</h1><p>Let it rest."
    assert read(tmp_path / "a.html", page) == Document("a.html", text="# Bread\n\nLet it rest.\n", lines=False)
    assert skipped(read(tmp_path / "b.html", b"<p> </p>")) == "no text in it"
    assert skipped(read(tmp_path / "c.html", page, max_bytes=10)) == "larger than 10 bytes: 29 bytes"
    assert skipped(read(tmp_path / "d.html", b"")) == EMPTY
    with Worker() as worker:
        for _ in range(2):
            assert text(read_document(tmp_path, FileStat("a.html", 29, 0), worker=worker)).startswith("# Bread")


# A phrase of each document that holds text, and the page that it is on.
PHRASES = {
    "markitdown/RECEIPT-2024-TXN-98765_retail_purchase.pdf": ("Wireless Noise-Cancelling", 1),
    "markitdown/REPAIR-2022-INV-001_multipage.pdf": ("Bruce Wayne", 2),
    "markitdown/SPARSE-2024-INV-1234_borderless_table.pdf": ("The overall accuracy rate of 97.2% meets our target", 2),
    "markitdown/equations.docx": ("From Eq. 36.1.3", None),
    "markitdown/test.docx": ("# Abstract", 1),
    "markitdown/test.epub": ("This is a blockquote for testing.", None),
    "markitdown/test.json": ("uuid_value: 9700dc99-6685-40b4-9a3a-5e406dcb37f3", None),
    "markitdown/test.pdf": ("Large language models (LLMs) are becoming", 1),
    "markitdown/test.pptx": ("2cdda5c8-e50e-4db4-b5f0-9722a649f455", 2),
    "markitdown/test.xls": ("09060124-b5e7-4717-9d07-3c046eb", None),
    "markitdown/test_mskanji.csv": ("名前: 佐藤太郎, 年齢: 30, 住所: 東京", None),
    "markitdown/test_rss.xml": ("Ignite 2024: Why nearly 70% of the Fortune 500", None),
    "markitdown/test_serp.html": ("Microsoft Corporation is an American multinational", None),
    "markitdown/test_wikipedia.html": ("headquartered in Redmond, Washington", None),
    "markitdown_ocr/docx_complex_layout.docx": ("Authentication | Active", None),
    "markitdown_ocr/pdf_complex_layout.pdf": ("Widget A 5", 1),
    "markitdown_ocr/pdf_image_end.pdf": ("The image will appear at the end.", 1),
    "markitdown_ocr/pdf_image_start.pdf": ("This is text BEFORE the image.", 1),
    "markitdown_ocr/pdf_multiple_images.pdf": ("Text between first and second image.", 1),
    "markitdown_ocr/pptx_image_end.pptx": ("Thank You", 2),
    "markitdown_ocr/pptx_image_middle.pptx": ("Conclusion", 3),
    "markitdown_ocr/xlsx_image_end.xlsx": ("Total Expenses | $300,000", None),
    "markitdown_ocr/xlsx_image_start.xlsx": ("Product: Widget B, Sales: 150", None),
}
WITHOUT_TEXT = {
    "markitdown_ocr/pdf_scanned_meeting_minutes.pdf": "no text in it: its pages are pictures, as a scanner makes them",
    "markitdown_ocr/pdf_scanned_minimal.pdf": "no text in it: its pages are pictures, as a scanner makes them",
    "markitdown_ocr/pdf_scanned_sales_report.pdf": "no text in it: its pages are pictures, as a scanner makes them",
    "markitdown_ocr/pptx_multiple_images.pptx": "no text in it",
    "pillow/duplicate_xref_entry.pdf": "no text in it: its pages are pictures, as a scanner makes them",
    "pillow/trailer_loop.pdf": "no text in it: its pages are pictures, as a scanner makes them",
    "markitdown/test.m4a": "not text: sound or film",
    "pillow/eps/illu10_preview.eps": "not text: a PostScript drawing (save it as PDF)",
}


def test_every_awkward_file_is_read_or_has_a_reason(data: Path, tmp_path: Path) -> None:
    with tarfile.open(data / "messy.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data") if hasattr(tarfile, "data_filter") else archive.extractall(tmp_path)
    stats = [stat for stat in walk(tmp_path) if isinstance(stat, FileStat)]
    assert len(stats) == sum(path.is_file() for path in tmp_path.rglob("*"))
    documents, slowest = {}, 0.0
    with Worker() as worker:
        for stat in stats:
            start = time.perf_counter()
            documents[stat.path] = read_document(tmp_path, stat, worker=worker)
            slowest = max(slowest, time.perf_counter() - start)
    assert slowest < 10
    for path, (phrase, page) in PHRASES.items():
        document = documents[path]
        assert phrase in text(document), path
        assert isinstance(document, Document)
        offset = text(document).index(phrase)
        assert (sum(start <= offset for start in document.pages) or None) == (page or (1 if document.pages else None))
    reasons = {path: found.reason for path, found in documents.items() if isinstance(found, Skipped)}
    assert reasons.items() >= WITHOUT_TEXT.items()
    assert set(reasons.values()) <= {*WITHOUT_TEXT.values(), NOT_TEXT, IMAGE_LEFT_OUT, OTHER_IMAGE}
    offices = (".pdf", ".docx", ".pptx", ".xlsx", ".xls", ".epub", ".html", ".csv", ".json")
    assert {path for path in documents if path.endswith(offices)} <= PHRASES.keys() | WITHOUT_TEXT.keys()
    pictures = (".png", ".jpg", ".gif", ".tif", ".bmp", ".webp", ".avif", ".ico", ".ppm")
    assert all(reasons[path] == IMAGE_LEFT_OUT for path in documents if path.endswith(pictures))
    assert "Large language models" in text(documents["markitdown/expected_outputs/test.md"])
