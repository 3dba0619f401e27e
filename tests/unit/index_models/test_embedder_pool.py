"""Embedders that indexes share."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from edgeembed import Document, Index
from edgeembed.bundle.bundle import read_bundle
from edgeembed.index_models.embedder_pool import EmbedderPool


def test_one_embedder_serves_all_until_the_last_gives_it_back(tiny_bundle: Path) -> None:
    pool, bundle = EmbedderPool(), read_bundle(tiny_bundle)
    first, second = pool.take(bundle, None), pool.take(bundle, None)
    assert first is second
    assert pool.take(bundle, 1) is not first
    pool.give_back(first)
    assert len(second.embed_texts(["a boat"])) == 1
    pool.give_back(second)
    with pytest.raises(ValueError, match="closed"):
        second.embed_texts(["a boat"])
    assert pool.take(bundle, None) is not first


def test_what_is_let_go_is_not_kept(tiny_bundle: Path) -> None:
    pool, bundle = EmbedderPool(), read_bundle(tiny_bundle)
    pool.take(bundle, None)
    gc.collect()
    assert [entry.embedder() for entry in pool._entries.values()] == [None]
    embedder = pool.take(bundle, None)
    pool.give_back(embedder)
    assert pool._entries == {}


def test_indexes_of_one_model_share_it(tmp_path: Path, tiny_bundle: Path) -> None:
    with Index.open(tmp_path / "a", model=tiny_bundle) as first:
        with Index.open(tmp_path / "b", model=tiny_bundle) as second:
            second.add([Document("x", text="a boat")])
            first.add([Document("x", text="a boat")])
            assert first.embedder is second.embedder
        assert first.search("boat")[0].id == "x"
