"""The cache of a teacher's vectors; padding, and batches of texts of like length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

import torch
from edgeembed_export.distillation import teacher_vectors as module
from edgeembed_export.distillation.teacher_vectors import Teacher, batches, padded, teacher_vectors
from edgeembed_export.errors import ExportError


class Counting:
    """Vectors by the length of a text; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        return np.array([[len(text), 1] for text in texts], np.float32)


@pytest.fixture
def embed() -> Counting:
    return Counting()


def test_each_text_is_computed_once_in_whatever_list_it_comes(embed: Counting, tmp_path: Path) -> None:
    teacher = Teacher(embed, "a", "the teacher")
    first = teacher_vectors(teacher, ["boat", "tap", "boat"], tmp_path)
    assert first.dtype == np.float16
    np.testing.assert_array_equal(first, [[4, 1], [3, 1], [4, 1]])
    assert sorted(embed.asked) == ["boat", "tap"]
    second = teacher_vectors(teacher, ["garden", "tap", "\ud800"], tmp_path)  # a lone surrogate, too
    np.testing.assert_array_equal(second, [[6, 1], [3, 1], [1, 1]])
    assert embed.asked[2:] == ["garden", "\ud800"]


def test_another_teacher_has_a_cache_of_its_own(embed: Counting, tmp_path: Path) -> None:
    for key in ("a", "b", "a"):
        teacher_vectors(Teacher(embed, key, "the teacher"), ["boat"], tmp_path)
    assert embed.asked == ["boat", "boat"]
    assert len(list(tmp_path.iterdir())) == 2


def test_an_interruption_keeps_the_blocks_that_were_done(
    embed: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 2)
    texts = ["a", "bb", "ccc", "dddd", "eeeee"]

    def failing(block: Sequence[str]) -> np.ndarray:
        if "eeeee" in block:
            raise KeyboardInterrupt
        return embed(block)

    with pytest.raises(KeyboardInterrupt):
        teacher_vectors(Teacher(failing, "a", "the teacher"), texts, tmp_path)
    done: list[int] = []
    vectors = teacher_vectors(Teacher(embed, "a", "the teacher"), texts, tmp_path, progress=done.append)
    assert vectors[:, 0].tolist() == [1, 2, 3, 4, 5]
    assert embed.asked == texts
    assert done == [4, 5]


def test_no_texts_are_refused(embed: Counting, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no texts"):
        teacher_vectors(Teacher(embed, "a", "the teacher"), [], tmp_path)


def test_texts_are_padded_with_zeros_at_their_end() -> None:
    ids, mask = padded([[5, 6, 7], np.array([8], np.int32), []])
    assert ids.tolist() == [[5, 6, 7], [8, 0, 0], [0, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert ids.dtype == mask.dtype == torch.int64


@pytest.mark.parametrize(
    ("lengths", "tokens", "texts", "expected"),
    [
        ([], 10, 3, []),
        ([3, 5, 4, 5], 10, 9, [[1, 3], [2, 0]]),
        ([50, 1, 2], 10, 9, [[0], [2, 1]]),  # a longer text is a batch of its own
        ([1, 1, 1, 1, 1], 10, 2, [[0, 1], [2, 3], [4]]),
        ([0, 0], 10, 9, [[0, 1]]),
        ([3, 50, 4, 120, 5, 48], 100, 4, [[3], [1, 5], [4, 2, 0]]),
    ],
)
def test_batches_are_of_like_length_and_no_larger_than_allowed(
    lengths: list[int], tokens: int, texts: int, expected: list[list[int]]
) -> None:
    assert list(batches(lengths, tokens=tokens, texts=texts)) == expected
