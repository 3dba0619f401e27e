"""The commands about models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgeembed
from tests.support.commands import edge
from tests.support.tiny_image import tiny_two_tower_bundle


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


def test_embed_an_image(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), "red").save(tmp_path / "red.gif")
    bundle = tiny_two_tower_bundle(tmp_path / "towers")
    run = edge("embed", "red.gif", "--model", bundle, cwd=tmp_path)
    (row,) = [json.loads(line) for line in run.stdout.splitlines()]
    with edgeembed.Embedder.load(bundle) as embedder:
        expected = embedder.embed_images([tmp_path / "red.gif"])
    assert (row["path"], row["path_bytes"]) == ("red.gif", None)
    assert (np.array([row["vector"]], dtype=np.float32) == expected).all()
    assert edge("embed", "red.gif", "-o", "v.npy", "--model", bundle, cwd=tmp_path).returncode == 0
    assert (np.load(tmp_path / "v.npy") == expected).all()


def test_embed_takes_the_model_for_images_that_goes_with_the_one_for_texts(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), "red").save(tmp_path / "red.jpg")
    by_default, named = (
        edge("embed", tmp_path / "red.jpg", *options).stdout for options in ((), ("--model", "photo-minilm"))
    )
    assert by_default == named != ""
    run = edge("embed", tmp_path / "red.jpg", "--model", "minilm-static")
    assert (run.returncode, run.stdout) == (2, "")
    assert "minilm-static embeds text only; load a model that embeds images" in run.stderr


@pytest.mark.slow
def test_embed_refuses_what_is_neither_text_nor_an_image(tmp_path: Path, tiny_bundle: Path) -> None:
    for name, content, reason in (
        ("a.bin", bytes(range(256)) * 40, "not text"),
        ("a.zip", b"PK\3\4" + bytes(50), "not text"),
        ("a.mp3", b"ID3\x03" + bytes(50), "not text: sound or film"),
        ("a.pdf", b"%PDF-1.4\nwritten in letters", "not text"),
        ("a.txt", "two\nlines".encode("utf-16"), "not text"),
    ):
        (tmp_path / name).write_bytes(content)
        run = edge("embed", tmp_path / name, "--model", tiny_bundle)
        assert (run.returncode, run.stdout) == (2, "")
        assert f"{tmp_path / name}: {reason}; give lines of text in UTF-8, or a picture" in run.stderr
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    run = edge("embed", tmp_path / "damaged.png", "--model", "photo-minilm")
    assert (run.returncode, f"{tmp_path / 'damaged.png'}: " in run.stderr) == (2, True)


@pytest.mark.slow
def test_models_and_check() -> None:
    first = json.loads(edge("models", "--json").stdout.splitlines()[0])
    assert (first["name"], first["dim"], first["kinds"]) == ("minilm-l6-int8", 384, ["text"])
    run = edge("check")
    assert run.returncode == 0
    assert all(line.startswith("ok") for line in run.stdout.splitlines())
