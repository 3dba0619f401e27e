"""The user's own ignore file, which git reads in every repository: ``core.excludesFile``."""

from __future__ import annotations

import re
from pathlib import Path

_SECTION = re.compile(r'\s*\[\s*([\w.-]+)\s*(?:"[^"]*"\s*)?\]\s*(.*)')
_VALUE = re.compile(r"excludesfile\s*=\s*(.*)", re.IGNORECASE)
_COMMENT = re.compile(r'^((?:[^#;"]|"[^"]*")*?)\s*(?:[#;].*)?$')
_MAX_CHARS = 1 << 20


def user_ignore_file() -> Path | None:
    """Where it is, or would be; ``None``: this user has no home folder. Files that a configuration includes, and the
    system's, are not looked at."""
    from platformdirs.unix import Unix  # git keeps to the XDG base directories on every system

    try:
        home, config = Path.home(), Unix("git").user_config_path
    except RuntimeError:
        return None
    for file in (home / ".gitconfig", config / "config"):  # the first one wins
        value = _excludes_file(file)
        if value is not None:
            return home / value.removeprefix("~/") if value else None
    return config / "ignore"


def _excludes_file(config: Path) -> str | None:
    """The last value of ``core.excludesFile`` in a file of git's configuration; ``None``: it has none."""
    try:
        with config.open(encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read(_MAX_CHARS).split("\n")
    except OSError:
        return None
    section, found = "", None
    for line in lines:
        rest = line.strip()
        if header := _SECTION.match(line):
            section, rest = header[1].lower(), header[2]
        if section == "core" and (value := _VALUE.match(rest)) and (bare := _COMMENT.match(value[1])):
            found = re.sub(r"\\(.)", r"\1", bare[1].strip().replace('"', ""))
    return found
