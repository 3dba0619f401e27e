"""What tells programs from prose: the names of their files, and the names that they define.

Of definitions those count that begin in the first column of a line, which are about all of a file: in Python, C, Java,
JavaScript, Go, Rust and their like functions, classes and types. What a class defines inside says less about a file;
names that begin with ``_`` are for the file alone. A line of prose seldom looks like a definition, and does no harm if
it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SUFFIXES = (
    "py pyi pyx js mjs cjs jsx ts tsx c h cc cpp cxx hh hpp m mm java kt kts scala go rs rb php pl pm lua swift cs fs "
    "vb r jl hs ml mli ex exs erl clj cljs lisp el scm dart groovy sh bash zsh ps1 sql v sv vhd asm zig nim d pas f90"
)
_CODE = frozenset(_SUFFIXES.split())
_SIDELINE = re.compile(
    r"(?:^|/)(?:tests?|testing|__tests__|specs?|fixtures|testdata|node_modules|vendor|_vendor|third_party)/"
    r"|(?:^|/)(?:test_[^/]*|conftest\.py|[^/]*[._-](?:tests?|spec|generated|pb2|pb2_grpc|min|bundle)\.\w+)$"
    r"|(?:Test|Tests)\.(?:java|kt|cs|scala|swift)$|\.pb\.(?:go|cc|h)$"
)


def is_code(name: str) -> bool:
    """Whether a file of this name holds a program."""
    stem, dot, suffix = name.rpartition(".")
    return bool(stem and dot) and suffix.lower() in _CODE


def is_sideline(name: str) -> bool:
    """Whether a file of a program is a test, somebody else's, or made by a program, by its path."""
    return _SIDELINE.search(name.replace("\\", "/")) is not None


_DEFINES = (
    *("def", "class", "function", "func", "fn", "fun", "struct", "enum", "trait", "interface", "type", "module"),
    *("namespace", "protocol", "record", "object", "impl"),
)
_BEFORE = (
    *("export", "default", "public", "pub", "abstract", "final", "static", "async", "unsafe", "open", "sealed", "data"),
    *("internal", "inline", "extern", "typedef"),
)
_OPENINGS = tuple(f"{word} " for word in _DEFINES + _BEFORE)
_DEFINITION = re.compile(
    rf"(?:(?:{'|'.join(_BEFORE)})[ \t]+)*(?:{'|'.join(_DEFINES)})[ \t]+([A-Za-z][\w$]+)"
    r"(?=[ \t]*(?:[(:{<=;\[]|$|(?:extends|implements|struct|interface)\b))"
)


def defined_names(text: str) -> Iterator[tuple[int, int]]:
    """Where the names stand that a passage defines in the first column: characters, half open, ascending."""
    if not text.startswith(_OPENINGS) and "\n" not in text:
        return
    at = 0
    for line in text.split("\n"):
        if line.startswith(_OPENINGS) and (found := _DEFINITION.match(line)):
            yield at + found.start(1), at + found.end(1)
        at += len(line) + 1
