"""The process that is asked, without starting one: what it says of a build that lacks a module."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgeembed.reading.extras import LACKS, is_there_now
from edgeembed.reading.sandbox.child import _answer


def test_a_reader_that_is_not_in_the_build_is_no_damage_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "letter.rtf"
    path.write_bytes(rb"{\rtf1 a letter}")
    request = {"task": "document", "path": str(path), "kind": "rtf"}
    with monkeypatch.context() as patched:
        for name in [
            name for name in sys.modules if name.partition(".")[0] == "striprtf" or name.endswith("office.rtf")
        ]:
            patched.delitem(sys.modules, name)
        patched.setitem(sys.modules, "striprtf", None)
        header, _ = _answer(request)
        assert header["reason"].startswith(f"{LACKS}striprtf")
    assert is_there_now(header["reason"])  # and the file is read again
    assert _answer(request)[1].strip() == b"a letter"
