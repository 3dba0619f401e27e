"""The syntax of ignore files: one line to one rule."""

from __future__ import annotations

import re
import sys
import warnings
from itertools import count
from pathlib import Path
from typing import NamedTuple

# Bounds for files that someone made on purpose: no real rule comes near.
_MAX_BYTES = 1 << 20
_MAX_RULE_CHARS = 4096
FOLDS_CASE = sys.platform in ("win32", "darwin")  # as git's core.ignorecase, which is set where file systems do


class Rule(NamedTuple):
    ignore: bool
    """``False`` for a rule that begins with ``!``."""
    folders_only: bool
    kind: str
    """``name``, ``prefix`` or ``suffix`` of a name, ``path``, or a regular expression: ``name_re``, ``path_re``."""
    text: str


def read_lines(file: Path) -> list[str]:
    """The lines of an ignore file. Bytes that are not UTF-8 stay what they are in file names, as for git."""
    with file.open("rb") as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError("ignore file larger than 1 MiB")
    if b"\0" in data:  # such as UTF-16, which some editors write
        raise ValueError("ignore file that is not UTF-8")
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").split("\n")


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
    return Rule(ignore, folders_only, *_classify(body.lower() if FOLDS_CASE else body))


def _classify(body: str) -> tuple[str, str]:
    """Kind and text of a rule, see ``Rule``; ``body`` is without ``!`` in front and ``/`` at the end."""
    wild = re.search(r"[*?\[\\]", body)
    if "/" in body:
        return ("path_re", _translate(body)) if wild else ("path", body.removeprefix("/"))
    if not wild:
        return "name", body
    if not re.search(r"[*?\[\\]", rest := body.lstrip("*")):
        return "suffix", rest
    if not re.search(r"[*?\[\\]", rest := body.rstrip("*")):
        return "prefix", rest
    return "name_re", _translate(body).removeprefix("^(?:.+/)?")


def _translate(body: str) -> str:
    """A regular expression for the whole path of an entry without a ``/`` at its end."""
    from pathspec import GitIgnoreSpec

    if len(body) > _MAX_RULE_CHARS or body.count("**") > 4:
        raise ValueError("would take too long")
    if re.search(r"\[[^]]*\[:", body):
        raise ValueError("named classes of characters are not translated")
    # Two stars or more are "**" if they are a whole step, else "*".
    steps = [re.sub(r"(?<!\\)\*{2,}", "*" if step.strip("*") else "**", step) for step in body.split("/")]
    if steps[-1] == "**":
        steps.append("*")  # all that is inside, but not the folder itself
    body = "/".join(steps)
    if body[0] in "#!":
        body = "\\" + body
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # about "[[" and "--" in a set
            (pattern,) = GitIgnoreSpec.from_lines([body]).patterns
    except re.error as error:
        raise ValueError(str(error)) from error
    expression = getattr(pattern, "regex", None)
    if expression is None:
        raise ValueError("no pattern that could fit anything")
    if expression.pattern == ".":
        return ".+"
    # Group names must not occur twice when patterns are joined.
    return _without_backtracking(re.sub(r"\(\?P<\w+>/\)", "/", expression.pattern))


_GROUPS = count()  # patterns are joined, so each group needs a name of its own


def _without_backtracking(expression: str) -> str:
    """Make each ``*`` but the last of a step take the first fit for good, so that no rule takes exponential time.

    The first fit of what follows a ``*`` up to the next one is as good as any other; ``(?=(…))\\1`` is the way to
    say so before Python 3.11 (as ``fnmatch.translate`` does).
    """
    first, *parts = expression.split("[^/]*")
    out = first
    for i, part in enumerate(parts):
        if i + 1 < len(parts) and part and "/" not in part:
            group = f"g{next(_GROUPS)}"
            out += f"(?=(?P<{group}>[^/]*?{part}))(?P={group})"
        else:
            out += "[^/]*" + part
    return out
