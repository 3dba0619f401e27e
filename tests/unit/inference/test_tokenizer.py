"""Texts to token ids: limits, prefixes, padding, odd strings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

import edgeembed
from edgeembed.bundle.bundle import Bundle, read_bundle
from edgeembed.inference.tokenizer import BundleTokenizer

Make = Callable[..., BundleTokenizer]


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return read_bundle(tiny_bundle)


@pytest.fixture
def make(bundle: Bundle) -> Make:
    """An encoder of the tiny bundle with other facts in its text section."""

    def run(**facts: object) -> BundleTokenizer:
        assert bundle.manifest.text is not None
        text = dataclasses.replace(bundle.manifest.text, **facts)  # type: ignore[arg-type]
        return BundleTokenizer(Bundle(bundle.path, dataclasses.replace(bundle.manifest, text=text)))

    return run


def ids(encoder: BundleTokenizer, text: str, role: str = "document") -> list[int]:
    ((row, _),) = encoder.encode([text], role=role)
    return [int(i) for i in row]


@pytest.mark.slow
def test_ids_are_the_tokenizers_own(make: Make, bundle: Bundle) -> None:
    plain = Tokenizer.from_file(str(bundle.file("tokenizer.json")))
    for text in ("renew my passport", "Émile, 40 €", "", "日本"):
        assert ids(make(), text) == plain.encode(text).ids


def test_types_and_mask(make: Make) -> None:
    ((row, mask),) = make().encode(["three short words"], role="document")
    assert row.dtype == mask.dtype == np.int64
    assert row.shape == mask.shape
    assert mask.all()


@pytest.mark.parametrize("limit", [3, 5, 64])
def test_long_texts_are_cut_at_the_end_and_keep_special_tokens(make: Make, limit: int) -> None:
    whole, cut = ids(make(max_tokens=10_000), "ab cd " * 200), ids(make(max_tokens=limit), "ab cd " * 200)
    assert len(cut) == limit
    assert cut == [*whole[: limit - 1], whole[-1]]


def test_limits_in_the_tokenizer_file_do_not_count(bundle: Bundle, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(bundle.file("tokenizer.json")))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=200)
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    encoder = BundleTokenizer(Bundle(tmp_path, bundle.manifest))
    assert len(ids(encoder, "a")) == 3
    assert len(ids(encoder, "a " * 50)) == 52
    assert encoder.count(["a " * 90]) == [90]


def test_prefixes_follow_the_role(make: Make) -> None:
    encoder = make(query_prefix="query: ", document_prefix="text: ")
    assert ids(encoder, "cat", "query") == ids(make(), "query: cat")
    assert ids(encoder, "cat", "document") == ids(make(), "text: cat")
    assert encoder.content_tokens == 64 - 2 - make().count(["text: "])[0]
    assert make().content_tokens == 62


def test_count_leaves_out_special_tokens_prefix_and_limit(make: Make) -> None:
    assert make(document_prefix="text: ").count(["", "a b c", "a " * 500]) == [0, 3, 500]
    assert make().count([]) == []


def test_words_that_are_tokens_as_they_are(make: Make) -> None:
    encoder = make(max_tokens=3, document_prefix="text: ")
    words = ["", "a", "b", "a b", "a b c d e", "\ud800", "\u65e5"]
    assert encoder.are_whole(words) == [count <= 1 for count in encoder.count(words)]
    assert encoder.are_whole(["a", "a b"]) == [True, False]
    assert encoder.are_whole([]) == []


def test_padding(make: Make) -> None:
    ((row, mask),) = make(pad_to=10, pad_id=7).encode(["a b"], role="document")
    assert list(mask) == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert list(row[4:]) == [7] * 6
    assert list(row[:4]) == ids(make(), "a b")


def test_empty_text_is_the_special_tokens(make: Make) -> None:
    assert len(ids(make(), "")) == 2
    assert make().encode([], role="document") == []


def test_lone_surrogates_count_as_replacement_characters(make: Make) -> None:
    assert ids(make(), "caf\udce9 a") == ids(make(), "caf\ufffd a")
    assert make().count(["\ud800 \udc80"]) == make().count(["\ufffd \ufffd"])
    assert ids(make(), "\ud83d\ude42") == ids(make(), "🙂")


@pytest.mark.parametrize("text", ["\0", "a\0b", "\u200b", "🙂" * 300, "a" * 5000, "\r\n\t", "\u0301", "\U0010ffff"])
def test_odd_texts(make: Make, text: str) -> None:
    assert 2 <= len(ids(make(), text)) <= 64


def test_many_threads_at_once(make: Make) -> None:
    encoder = make()
    texts = [f"text {i} " * (i % 40) for i in range(300)]
    expected = [ids(encoder, text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        counted = [pool.submit(encoder.count, texts) for _ in range(8)]
        found = list(pool.map(lambda text: ids(encoder, text), texts))
    assert found == expected
    assert len({tuple(future.result()) for future in counted}) == 1


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b"\xff\xfe\x00"])
def test_tokenizer_that_cannot_be_read(bundle: Bundle, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(edgeembed.BundleError, match="not a tokenizer") as caught:
        BundleTokenizer(Bundle(tmp_path, bundle.manifest))
    assert caught.value.path == tmp_path / "tokenizer.json"


def test_texts_of_unknown_words_are_not_read(tiny_bundle: Path) -> None:
    tokenizer = BundleTokenizer(read_bundle(tiny_bundle))

    def reads(text: str) -> bool:
        return tokenizer.reads(tokenizer.encode([text], role="document")[0][0], role="document")

    assert not any(map(reads, ["ข้าว", "ꙮꙮꙮ!!!", "ข้าว ข้าว milk", "🦄"]))
    assert all(map(reads, ["milk", "ข้าว milk", "done ✅", "...", ""]))
