"""Tiny bundles, cards, graph surgery."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import edgeembed
from edgeembed.bundle.bundle import read_bundle
from tests.support.tiny import tiny_text_bundle


def test_tiny_bundles_need_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from tests.support.tiny import tiny_text_bundle; "
        f"tiny_text_bundle(pathlib.Path({str(tmp_path / 'tiny')!r})); "
        "print(sorted({'torch', 'transformers', 'optimum'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_tiny_bundles_follow_their_seed(tiny_bundle: Path, tmp_path: Path) -> None:
    same = tiny_text_bundle(tmp_path / "tiny")
    for path in tiny_bundle.iterdir():
        assert path.read_bytes() == (same / path.name).read_bytes()
    other = read_bundle(tiny_text_bundle(tmp_path / "other", seed=1, dim=8)).manifest
    assert other.dim == 8
    assert other.space != read_bundle(tiny_bundle).manifest.space


def test_tiny_bundles_know_common_words(tiny_bundle: Path) -> None:
    with edgeembed.Embedder.load(tiny_bundle) as embedder:
        query = embedder.embed_texts(["passport renewal"])
        documents = embedder.embed_texts(["a chocolate cake", "renew the passport", "cats and dogs"])
    assert (query @ documents.T)[0].argmax() == 1
