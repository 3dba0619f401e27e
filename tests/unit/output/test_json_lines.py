"""Paths and lines of JSON."""

from __future__ import annotations

import base64
import os

from edgeembed.output.json_lines import path_facts


def test_a_path_that_is_no_unicode_comes_with_its_bytes() -> None:
    assert path_facts("ä.txt") == {"path": "ä.txt", "path_bytes": None}
    raw = b"caf\xe9.txt"
    facts = path_facts(os.fsdecode(raw))
    assert facts["path"] == "caf\ufffd.txt"
    assert base64.b64decode(facts["path_bytes"] or "") == raw
    assert path_facts("\ud83d.txt")["path_bytes"] is not None
