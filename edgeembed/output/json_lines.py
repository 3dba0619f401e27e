"""JSON as edgeembed gives it: one object a line, in UTF-8, whatever is in files and their names."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

LONE = re.compile("[\ud800-\udfff]")
"""Half of a character of UTF-16 without its other half: in texts that were cut, and for bytes in odd file names."""


def path_facts(path: str) -> dict[str, str | None]:
    """``path``, and ``path_bytes`` in base64 where the path is not Unicode (else null)."""
    try:
        path.encode()
    except UnicodeEncodeError:
        try:
            raw = os.fsencode(path)
        except UnicodeEncodeError:  # from an index that was made on another system
            raw = path.encode("utf-8", "surrogatepass")
        return {"path": raw.decode("utf-8", "replace"), "path_bytes": base64.b64encode(raw).decode()}
    return {"path": path, "path_bytes": None}


def json_line(record: Any) -> str:
    """A value as JSON without a line break: lone surrogates, which JSON has no place for, become U+FFFD, one for one.

    Raises:
        TypeError: it holds what is no value of JSON, nor a path.
    """
    line = LONE.sub("\ufffd", json.dumps(record, ensure_ascii=False, default=_plain))
    # Many programs that read line by line take these for ends of lines too.
    return re.sub("[\x7f-\x9f\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", line)


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
