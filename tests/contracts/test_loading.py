"""What importing a module must not load besides."""

from __future__ import annotations

import subprocess
import sys

import pytest

import edgeembed.reading.readers

READERS = sorted(f"edgeembed.reading.readers.{reader.module}" for reader in edgeembed.reading.readers.READERS.values())


def loaded(code: str) -> set[str]:
    """Names of all modules that are there after a program has run."""
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


def test_the_catalog_needs_no_arrays() -> None:
    assert not {"numpy", "tokenizers", "onnxruntime", "usearch"} & loaded("import edgeembed.catalog.database")


@pytest.mark.parametrize("modules", [["edgeembed.reading.readers.data.subtitles"], READERS], ids=["subtitles", "all"])
def test_a_reader_loads_neither_its_parent_nor_the_walker(modules: list[str]) -> None:
    names = loaded("\n".join(f"import {module}" for module in ["edgeembed.reading.sandbox.child", *modules]))
    assert set(modules) <= names
    own = {name for name in names if name.startswith("edgeembed.")}
    assert own
    assert all(name.startswith("edgeembed.reading") for name in own - {"edgeembed.errors"})
    assert "edgeembed.reading.sandbox.process" not in names
    assert not {"numpy", "PIL", "sqlite3", "click"} & names


def test_the_worker_reads_a_text_document_without_arrays() -> None:
    names = loaded(
        "from edgeembed.reading.readers import read\n"
        'assert read("html", b"<p>caf\\xe9</p>").text\n'
        'assert read("mail", b"Subject: a\\n\\nb").text\n'
        'assert read("csv", b"a,b\\n1,2\\n").text\n'
        'assert read("subtitles", b"1\\n00:00:01,000 --> 00:00:02,000\\na\\n").text'
    )
    assert not {"numpy", "PIL"} & names
