"""What readers get out of a folder of documents: accepted, refused by reason, and words against a reference reader.

Run ``python -m tests.benchmarks.documents FOLDER --pdftotext PROGRAM --python INTERPRETER``. Test folders of other
programs say most, since files that one's own writers made prove little. The references are Poppler's ``pdftotext`` for
PDF, and python-docx, openpyxl and python-pptx for office files, run by an interpreter that has them; what is not given
is left out. A file has its words if at least 90 in 100 of those that the reference finds are found, each as often.
Where letters stand far apart one reader sees a word and the other sees letters: so runs of three letters are compared
as well, without the blanks.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgeembed.document import Document
from edgeembed.reading.entries import FileStat, Skipped
from edgeembed.reading.parts import FileParts
from edgeembed.reading.read_file import read_document
from edgeembed.reading.sandbox.process import Worker

OFFICE = (".docx", ".docm", ".xlsx", ".xlsm", ".pptx", ".pptm")
MOST_SECONDS = 60
SHARE = 0.9
_WORD = re.compile(r"\w+")
_REFERENCE = """
import json, signal, sys, warnings

warnings.simplefilter("ignore")


def docx_text(path):
    from docx import Document

    document = Document(path)
    yield from (paragraph.text for paragraph in document.paragraphs)
    for table in document.tables:
        for row in table.rows:
            yield from (cell.text for cell in dict.fromkeys(row.cells))


def xlsx_text(path):
    from openpyxl import load_workbook

    for sheet in load_workbook(path, read_only=True, data_only=True).worksheets:
        for row in sheet.iter_rows(values_only=True):
            # Numbers and dates have as many forms as programs: letters are compared.
            yield from (value for value in row if isinstance(value, str))


def pptx_text(path):
    from pptx import Presentation

    def texts(shapes):
        for shape in shapes:
            if shape.has_text_frame:
                yield shape.text_frame.text
            if getattr(shape, "has_table", False) and shape.has_table:
                yield from (cell.text for row in shape.table.rows for cell in row.cells)
            if hasattr(shape, "shapes"):
                yield from texts(shape.shapes)

    for slide in Presentation(path).slides:
        yield from texts(slide.shapes)


READERS = {"doc": docx_text, "xls": xlsx_text, "ppt": pptx_text}
for line in sys.stdin:
    path = json.loads(line)
    signal.alarm(60)
    try:
        text = "\\n".join(map(str, READERS[path.rpartition(".")[2].lower()[:3]](path)))
    except Exception:
        text = None
    print(json.dumps(text), flush=True)
"""


def words(text: str) -> Counter[str]:
    """How often each word is in a text."""
    return Counter(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def letters(text: str) -> Counter[str]:
    """How often each run of three letters is in a text, its blanks and signs left out."""
    joined = "".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
    return Counter(joined[at : at + 3] for at in range(max(1, len(joined) - 2)))


def share(found: Counter[str], wanted: Counter[str]) -> float:
    """Of ``wanted`` the part that is in ``found``, 0 to 1."""
    return (wanted & found).total() / wanted.total()


def office_texts(paths: Sequence[Path], interpreter: str) -> Iterator[str | None]:
    """The text of each office file by the reference; ``None``: it cannot read it, or the interpreter ended at it."""
    left = list(paths)
    while left:
        lines = "".join(f"{json.dumps(str(path))}\n" for path in left)
        run = subprocess.run([interpreter, "-c", _REFERENCE], input=lines, capture_output=True, text=True, check=False)
        answers = run.stdout.splitlines()[: len(left)]
        yield from map(json.loads, answers)
        left = left[len(answers) :]
        if left:
            yield None
            left = left[1:]


def pdf_texts(paths: Sequence[Path], program: str) -> Iterator[str | None]:
    """The text of each PDF by ``pdftotext``; ``None``: it cannot read it."""
    for path in paths:
        command = [program, "-enc", "UTF-8", str(path), "-"]
        try:
            run = subprocess.run(command, capture_output=True, timeout=MOST_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            yield None
            continue
        yield run.stdout.decode("utf-8", "replace") if run.returncode == 0 else None


def references(paths: Sequence[Path], options: argparse.Namespace) -> dict[Path, str]:
    """What the references read of those files that they can read."""
    texts: dict[Path, str] = {}
    for given, suffixes, read in (
        (options.pdftotext, (".pdf",), pdf_texts),
        (options.python, OFFICE, office_texts),
    ):
        chosen = [path.absolute() for path in paths if path.suffix.lower() in suffixes] if given else []
        texts |= {path: text for path, text in zip(chosen, read(chosen, given), strict=True) if text is not None}
    return texts


def our_texts(root: Path, paths: Sequence[Path]) -> dict[Path, str | Skipped]:
    """What the readers find in each file: its text, or why it was left out."""
    found: dict[Path, str | Skipped] = {}
    with Worker() as worker:
        for path in paths:
            stat = path.stat()
            name = path.relative_to(root).as_posix()
            document = read_document(root, FileStat(name, stat.st_size, stat.st_mtime_ns), worker=worker)
            if isinstance(document, FileParts):
                document = document.joined(name, None)
            found[path.absolute()] = document.text or "" if isinstance(document, Document) else document
    return found


def main() -> int:
    """Print a table by suffix, then the reasons, then the files that lack words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pdftotext", help="Poppler's program; without it PDF is not compared")
    parser.add_argument("--python", help="interpreter with python-docx, openpyxl, python-pptx; without it none is")
    parser.add_argument("--json", type=Path, help="write here what came of each file")
    options = parser.parse_args()
    paths = sorted(path for path in options.folder.rglob("*") if path.is_file())
    ours, theirs = our_texts(options.folder, paths), references(paths, options)
    shares = {
        path: (0.0, 0.0)
        if isinstance(found := ours[path], Skipped)
        else (share(words(found), words(text)), share(letters(found), letters(text)))
        for path, text in theirs.items()
        if words(text)
    }
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    rows: dict[str, list[Path]] = defaultdict(list)
    for path, found in ours.items():
        rows[path.suffix.lower()].append(path)
        if isinstance(found, Skipped):
            reasons[path.suffix.lower()][found.reason] += 1
    print("| kind | files | accepted | with words by the reference | 90 % of its words | or of its letters |")
    print("|---|---|---|---|---|---|")
    for kind, files in sorted(rows.items()):
        known = [shares[path] for path in files if path in shares]
        parts = [sum(max(value[:count]) >= SHARE for value in known) for count in (1, 2)]
        shown = " | ".join(f"{part} ({100 * part / len(known):.1f} %)" if known else "-" for part in parts)
        print(f"| {kind} | {len(files)} | {len(files) - reasons[kind].total()} | {len(known) or '-'} | {shown} |")
    for kind, counts in sorted(reasons.items()):
        for reason, count in counts.most_common():
            print(f"{kind}  {count:5}  {reason}")
    if options.json is not None:
        rest = {
            str(path): {
                "reason": found.reason if isinstance(found, Skipped) else None,
                "characters": 0 if isinstance(found, Skipped) else len(found),
                "shares": shares.get(path),
            }
            for path, found in ours.items()
        }
        options.json.write_text(json.dumps(rest, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
