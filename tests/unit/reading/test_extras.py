"""Formats that an optional package reads, and the reason that is given where it is missing."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from edgeembed.reading.extras import EXTRA, Unreadable, is_there_now, needs


@pytest.mark.parametrize("format", EXTRA)
def test_the_reason_names_the_extra_and_passes_once_its_module_is_there(format: str) -> None:
    extra, module = EXTRA[format]
    error = needs(format)
    assert isinstance(error, Unreadable)
    assert error.reason == str(error) == f"needs edgeembed[{extra}]: {format}"
    assert is_there_now(error.reason) == (find_spec(module) is not None)


@pytest.mark.parametrize("reason", ["not text", "needs edgeembed[documents]: stone tablets", "PDF", "", ": PDF"])
def test_other_reasons_do_not_pass(reason: str) -> None:
    assert not is_there_now(reason)
