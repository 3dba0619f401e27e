"""`edgeembed status`, `verify` and `repair`."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

import edgeembed
from tests.support.commands import edge
from tests.support.tiny_image import tiny_two_tower_bundle


@pytest.mark.slow
def test_status_names_a_rebuild_that_did_not_end(notes: Path, tiny_bundle: Path) -> None:
    edge("index", notes, "--model", tiny_bundle)
    assert "rebuild  begun" not in edge("status", notes).stdout
    assert edgeembed.Folder.rebuild(notes, cancel=lambda: True).cancelled
    begun = notes / ".edgeembed.new"
    line = f"rebuild  begun in {begun} and not ended; `edgeembed index --rebuild` goes on with it"
    assert line in edge("status", notes).stdout.splitlines()
    assert json.loads(edge("status", notes, "--json").stdout)["rebuild"] == str(begun)
    assert edge("index", notes, "--rebuild").returncode == 0
    assert json.loads(edge("status", notes, "--json").stdout)["rebuild"] is None


@pytest.mark.slow
def test_verify_counts_the_texts_that_it_embedded_again(notes: Path, tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), "red").save(notes / "red.png")
    edge("index", notes, "--model", tiny_two_tower_bundle(tmp_path / "towers"))
    run = edge("verify", notes)
    assert run.stdout == "ok       3 documents, 3 passages, 0 segments, 2 passages of text embedded again\n"


@pytest.mark.slow
@pytest.mark.parametrize("size", [5000, 0])
def test_what_is_past_repair_is_to_be_made_anew(notes: Path, tiny_bundle: Path, size: int) -> None:
    edge("index", notes, "--model", tiny_bundle)
    os.truncate(notes / ".edgeembed" / "catalog.sqlite", size)
    run = edge("repair", notes)
    assert run.returncode == 2
    assert "too little is left to repair; `edgeembed index --rebuild` makes the index anew" in run.stderr
    assert edge("index", notes, "--rebuild", "--model", tiny_bundle).returncode == 0
    assert edge("search", "boat", notes).returncode == 0


@pytest.mark.slow
def test_status_lists_some_files_for_each_reason(notes: Path, tiny_bundle: Path) -> None:
    for number in range(20):
        (notes / f"{number:02}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (notes / "locked.pdf").write_bytes(b"%PDF-1.4\n")
    edge("index", notes, "--model", tiny_bundle)
    lines = edge("status", notes).stdout.splitlines()
    assert lines[lines.index("skipped  21") + 1 :] == [
        "  locked.pdf: damaged: not a whole PDF",
        *(f"  {number:02}.png: picture left out: no model for pictures (--image-model)" for number in range(5)),
        "  … and 15 more: picture left out: no model for pictures (--image-model) (--all lists them)",
    ]
    assert edge("status", notes, "--all").stdout.count(".png") == 20


@pytest.mark.slow
def test_images_that_want_for_a_model_are_counted_and_the_option_is_named(notes: Path, tiny_bundle: Path) -> None:
    for name in ("a.png", "b.jpg"):
        Image.new("RGB", (30, 20), "red").save(notes / name)
    (notes / "data.bin").write_bytes(bytes(64))
    hint = "2 pictures left out: no model for pictures (--image-model)"
    run = edge("index", notes, "--model", tiny_bundle)
    assert run.stderr.splitlines()[1] == f"3 skipped: {hint}, 1 not text (`edgeembed status` lists them)"
    run = edge("search", "boat", notes, "--min-score", "1")
    assert (run.returncode, hint in run.stderr) == (1, True)
    (notes / "boat.md").unlink()
    shutil.rmtree(notes / "Übung")
    run = edge("search", "boat", notes)
    assert run.stderr.splitlines()[-1] == f"{notes}: no files to search here; {hint}"
    run = edge("similar", notes / "a.png", notes)
    reason = "picture left out: no model for pictures (--image-model); there is nothing to compare"
    assert (run.returncode, f"{notes / 'a.png'}: {reason}" in run.stderr) == (2, True)
    (notes / "a.png").unlink()
    assert "1 picture left out: no model" in edge("search", "boat", notes).stderr
