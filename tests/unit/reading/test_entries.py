"""Reasons why a file is left out of an index."""

from __future__ import annotations

import errno
import os

import pytest

from edgeembed.reading.entries import FORBIDDEN, IMAGE_LEFT_OUT, UNREADABLE, is_left_out_image, unreadable


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EACCES, FORBIDDEN),
        (errno.ENOENT, "not readable: no longer there"),
        (errno.EIO, "not readable: input/output error"),
    ],
)
def test_what_the_system_refuses_is_a_reason_that_may_pass(number: int, expected: str) -> None:
    reason = unreadable(OSError(number, os.strerror(number)))
    assert reason == expected
    assert reason.startswith(UNREADABLE)


def test_an_error_without_words_is_named_by_its_type() -> None:
    assert unreadable(TimeoutError()) == "not readable: timeouterror"


@pytest.mark.parametrize(
    ("reason", "expected"), [(IMAGE_LEFT_OUT, True), ("not text: a picture", True), ("not text", False), (None, False)]
)
def test_which_files_a_model_for_pictures_would_embed(reason: str | None, expected: bool) -> None:
    assert is_left_out_image(reason) is expected
