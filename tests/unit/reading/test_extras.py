"""Formats that an optional package reads, and the reason that is given where it is missing."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from edgeembed.reading.extras import EXTRA, LACKS, Unreadable, is_broken_build, is_there_now, lacks, needs


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


@pytest.mark.parametrize(
    ("error", "reason", "passes"),
    [
        (ModuleNotFoundError("No module named 'nowhere'", name="nowhere"), "nowhere", False),
        (ModuleNotFoundError("No module named 'json'", name="json"), "json", True),
        (ModuleNotFoundError("No module named 'a.b'", name="edgeembed.reading.readers.no"), None, False),
        (ModuleNotFoundError("No module named 'a.b'", name="edgeembed.reading.readers.pdf"), None, True),
        (ImportError("DLL load failed while importing _x: not found"), "cannot be loaded: DLL load failed", False),
        (ImportError(), "cannot be loaded: ImportError", False),
    ],
)
def test_a_build_that_lacks_a_module_is_told_so_and_the_reason_passes_with_it(
    error: ImportError, reason: str | None, passes: bool
) -> None:
    said = lacks(error).reason
    assert said.startswith(f"{LACKS}{reason or error.name}")
    assert is_there_now(said) == passes
    assert is_broken_build(said) == ("cannot be loaded" in said)


def test_what_older_versions_said_of_such_a_build_passes_too() -> None:
    assert is_there_now("damaged: No module named 'json'")
    assert not is_there_now("damaged: No module named 'nowhere'")


def test_a_reason_loads_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index may come from somebody else."""
    package = tmp_path / "trap"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('loaded')")
    monkeypatch.syspath_prepend(tmp_path)
    assert is_there_now(f"{LACKS}trap.inner")
    assert not is_there_now(f"{LACKS}../../trap")
