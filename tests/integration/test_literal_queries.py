"""Queries whose every character is text: through an index, a folder, and the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeembed import Document, Folder, Index
from tests.support.commands import edge
from tests.support.old_files import write

TEXTS = {
    "cold": "It was -5 degrees in the shed last night",
    "wide": 'The shelf: it\'s 5" wide and 30" high',
    "foo": 'What does "foo" mean in the examples of a manual',
    "photo": "The file beach.jpg was lost",
}


@pytest.mark.parametrize(
    ("query", "id"),
    [
        ("-5 degrees", "cold"),
        ("-5", "cold"),
        ("it's 5\" wide", "wide"),
        ('what does "foo" mean', "foo"),
        ('"foo" mean -shed', "foo"),
        ("shed -degrees night", "cold"),
        ("“foo” OR AND NOT ( * ^ :", "foo"),
    ],
)
def test_every_character_is_text(tmp_path: Path, tiny_bundle: Path, query: str, id: str) -> None:
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add(Document(name, text=text) for name, text in TEXTS.items())
        assert index.search(query, mode="keyword", syntax=False)[0].id == id
        assert len(index.search(query, syntax=False)) == len(TEXTS)  # nothing must occur, nothing must not
        assert index.explain(query, id, syntax=False).words


def test_a_folder_and_the_command_line_do_so_too(tmp_path: Path, tiny_bundle: Path) -> None:
    for name, text in TEXTS.items():
        write(tmp_path / "notes" / f"{name}.txt", text)
    write(tmp_path / "beach.jpg", "no picture at all")
    with Folder.open(tmp_path / "notes", model=tiny_bundle) as folder:
        folder.sync()
        assert folder.search("shed -degrees", k=1, syntax=False)[0].id == "cold.txt"
        assert "cold.txt" not in [hit.id for hit in folder.search("shed -degrees")]
        assert folder.explain("-5 degrees", tmp_path / "notes/cold.txt", syntax=False).words
    options = ["--mode", "keyword", "--literal", "--json", "--model", str(tiny_bundle)]
    for query, name in (
        ("-5 degrees", "cold"),
        ('what does "foo" mean', "foo"),
        (str(tmp_path / "beach.jpg"), "photo"),
    ):
        run = edge("search", *options, "--", query, str(tmp_path / "notes"))
        assert run.returncode == 0, run.stderr
        assert json.loads(run.stdout.splitlines()[0])["path"].endswith(f"{name}.txt")
    assert edge("search", *options, "--", "-5", str(tmp_path / "notes")).returncode == 0
    options.remove("--literal")
    assert edge("search", *options, "--", "-5", str(tmp_path / "notes")).returncode == 0  # before a digit it is a sign
    run = edge("search", *options, "--", "-shed", str(tmp_path / "notes"))
    assert (run.returncode, "--literal" in run.stderr) == (2, True)
