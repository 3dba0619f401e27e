"""The syntax of ignore files: one line to one rule.

Git compares bytes: ``?`` is one byte of the two of ``é``, and a name need not be UTF-8. So rules, and the names that
they are compared with, are texts with one character for each byte, see :func:`byte_text`.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

from ..text.globs import translate

_MAX_BYTES = 1 << 20  # a bound for files that someone made on purpose: no real one comes near
FOLDS_CASE = sys.platform in ("win32", "darwin")  # as git's core.ignorecase, which is set where file systems do


class Rule(NamedTuple):
    ignore: bool
    """``False`` for a rule that begins with ``!``."""
    folders_only: bool
    kind: str
    """``name``, ``prefix`` or ``suffix`` of a name, ``path``, or a regular expression: ``name_re``, ``path_re``."""
    text: str
    """With one character for each byte."""
    source: str = ""
    """Where it comes from: ``.gitignore:3: *.log``."""

    def fits(self, name: str, path: str) -> bool:
        """Whether it fits an entry, given by its name and its path from the folder of the rule; see ``byte_text``."""
        of = path if self.kind.startswith("path") else name
        if self.kind == "prefix":
            return of.startswith(self.text)
        if self.kind == "suffix":
            return of.endswith(self.text)
        return of == self.text if self.kind in ("name", "path") else re.fullmatch(self.text, of, re.DOTALL) is not None


def byte_text(name: str) -> str:
    """A name or path with one character for each of its bytes; in lower case (of ASCII) where git folds case."""
    if FOLDS_CASE:
        return os.fsencode(name).lower().decode("latin-1")
    return name if name.isascii() else os.fsencode(name).decode("latin-1")


def read_lines(file: Path) -> list[str]:
    """The lines of an ignore file, with one character for each byte."""
    with file.open("rb") as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError("ignore file larger than 1 MiB")
    if b"\0" in data:  # such as UTF-16, which some editors write
        raise ValueError("ignore file that is not UTF-8")
    return data.removeprefix(b"\xef\xbb\xbf").decode("latin-1").split("\n")


def parse_line(line: str) -> Rule | None:
    """One line of an ignore file; ``None`` if it is blank or a comment; ``ValueError`` if it cannot be used."""
    line = line.removesuffix("\r")
    bare = line.rstrip(" ")
    if len(bare) < len(line) and (len(bare) - len(bare.rstrip("\\"))) % 2:
        bare += " "  # a space that is escaped stays
    if not bare or bare.startswith("#"):
        return None
    ignore = not bare.startswith("!")
    body = bare if ignore else bare[1:]
    folders_only = body.endswith("/")
    body = body.removesuffix("/")
    if not body:
        return None
    return Rule(ignore, folders_only, *_classify(_folded(body) if FOLDS_CASE else body))


def _folded(body: str) -> str:
    """A rule in lower case, of ASCII only; where case is folded, what is upper case is any letter."""
    lower = body.encode("latin-1").lower().decode("latin-1")
    return lower.replace("[:upper:]", "[:alpha:]").replace("[:lower:]", "[:alpha:]")


def _classify(body: str) -> tuple[str, str]:
    """Kind and text of a rule, see ``Rule``; ``body`` is without ``!`` in front and ``/`` at the end."""
    wild = re.search(r"[*?\[\\]", body)
    if "/" in body:
        return ("path_re", translate(body)) if wild else ("path", body.removeprefix("/"))
    if not wild:
        return "name", body
    if not re.search(r"[*?\[\\]", rest := body.lstrip("*")):
        return "suffix", rest
    if not re.search(r"[*?\[\\]", rest := body.rstrip("*")):
        return "prefix", rest
    return "name_re", translate(body)
