"""Archives with the same bytes every time, tiny bundles, cards, graph surgery."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from edgeembed_export.sealing.npz import npz_bytes
from edgeembed_export.sealing.proof.golden import background_texts, golden_arrays, golden_texts

import edgeembed
from edgeembed.bundle.bundle import read_bundle
from tests.support.tiny import tiny_text_bundle


def test_archive_is_read_by_numpy(tmp_path: Path) -> None:
    arrays = {"b": np.arange(6, dtype=np.float32).reshape(2, 3).T, "a": np.array(["", "äöü", "東京 \U0001f642"])}
    (tmp_path / "x.npz").write_bytes(npz_bytes(arrays))
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        assert sorted(found.files) == ["a", "b"]
        for name, expected in arrays.items():
            np.testing.assert_array_equal(found[name], expected)
            assert found[name].dtype == expected.dtype


def test_archive_knows_no_time() -> None:
    arrays = {"a": np.zeros(3), "b": np.ones(3)}
    first = npz_bytes(arrays)
    time.sleep(2.1)  # the zip format counts in steps of two seconds
    assert npz_bytes(dict(reversed(arrays.items()))) == first


def test_archive_holds_no_pickles() -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        npz_bytes({"a": np.array([{}], dtype=object)})


def test_golden_texts_are_hard() -> None:
    texts = golden_texts()
    assert "" in texts
    assert max(map(len, texts)) > 4000
    assert any(ord(character) > 0xFFFF for text in texts for character in text)
    assert len(set(texts)) == len(texts) >= 40
    assert 400 <= len(background_texts()) <= 600
    assert all(text.strip() for text in background_texts())


def test_golden_texts_that_the_archive_would_change(tiny_bundle: Path) -> None:
    with edgeembed.Embedder.load(tiny_bundle) as embedder, pytest.raises(ValueError, match="NUL"):
        golden_arrays(["ends badly\0"], None, embedder)  # type: ignore[arg-type]


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
