"""The commands about models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import edgeembed
from tests.test_cli import edge


def test_embed_lines(tmp_path: Path, tiny_bundle: Path) -> None:
    text = "the boat\nmüde\n\nlast line"
    run = edge("embed", "--model", tiny_bundle, stdin=text)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert [row["text"] for row in rows] == ["the boat", "müde", "", "last line"]
    assert edge("embed", "-o", tmp_path / "v.npy", "--model", tiny_bundle, stdin=text).stdout == ""
    array = np.load(tmp_path / "v.npy")
    assert (array.dtype, array.shape) == (np.float32, (4, 16))
    assert (array == np.array([row["vector"] for row in rows], dtype=np.float32)).all()
    with edgeembed.Embedder.load(tiny_bundle) as embedder:
        assert (array == embedder.embed_texts(["the boat", "müde", "", "last line"])).all()


def test_models_and_check() -> None:
    first = json.loads(edge("models", "--json").stdout.splitlines()[0])
    assert (first["name"], first["dim"], first["kinds"]) == ("minilm-l6-int8", 384, ["text"])
    run = edge("check")
    assert run.returncode == 0
    assert all(line.startswith("ok") for line in run.stdout.splitlines())
