"""Git's wildcard patterns (https://git-scm.com/docs/gitignore) as regular expressions that never take long.

``*`` and ``?`` stand for any characters but ``/``, ``[a-z]`` for one of a set, which may hold POSIX classes such as
``[:alpha:]``, ``**`` as a whole step for any number of folders; a backslash takes the next character as it stands. What
is odd is git's ``wildmatch.c``: ``a**/b`` fits what begins with ``a`` and goes on with any folders, for what stands
before the first wildcard is compared beforehand, and a range whose ends are in the wrong order is its first character.

There are two dialects. Ignore files are compared byte by byte, as git does it: rules and names are handed over with one
character for each byte of theirs (see ``sync.ignore_syntax``). Filters are strict, are compared by characters, and know
braces: :func:`alternatives` takes ``{a,b}`` apart, which an ignore file takes as it stands.

Matching takes time in proportion to the text, not exponential time, because each wildcard is settled once: a ``*``
takes the first place where the literal part behind it fits, and a ``**`` the first where the steps behind it fit. A
later place would only leave less text for the rest of the pattern. Only the last of each may move.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count, pairwise

MAX_CHARS = 4096
"""Longer patterns are refused; no real one comes near."""
_MAX_ALTERNATIVES = 1000
"""Of braces: each pair multiplies them."""
_STAR = "*"
_FOLDERS, _SOME_FOLDERS, _REST = "**/", r"**\/", "**"
"""Any number of folders; one at least, as git reads an escaped slash there; and all that is left."""
_MOVING = {_FOLDERS: "(?:.*/)?", _SOME_FOLDERS: ".*/", _REST: ".*"}
_FIRST = {_FOLDERS: "(?:.*?/)??", _SOME_FOLDERS: ".*?/"}
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r"\t ",
    "cntrl": r"\x01-\x1f\x7f",
    "digit": "0-9",
    "graph": r"!-.0-~",
    "lower": "a-z",
    "print": r" -.0-~",
    "punct": r"!-.:-@\[-`{-~",
    "space": r"\t\n\r ",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
"""POSIX classes of characters as git has them: of ASCII only, and never a slash."""


def translate(pattern: str, *, strict: bool = False) -> str:
    """A regular expression for the whole path that a pattern fits; for the whole name if the pattern has no ``/``.

    Args:
        pattern: without ``!`` in front of it and ``/`` at its end; braces stand for themselves.
        strict: whether a range whose ends are in the wrong order is refused, which nobody means.

    Returns:
        An expression for ``fullmatch``, to be compiled with :data:`re.DOTALL`: a name may hold a newline.

    Raises:
        ValueError: the pattern cannot fit anything, or cannot be translated; with the reason.
    """
    if len(pattern) > MAX_CHARS:
        raise ValueError(f"longer than {MAX_CHARS} characters")
    # Several expressions may be joined into one, in which no two groups may have the same name.
    groups = (f"g{hash(pattern) & 0xFFFFFFFFFFFFFFFF:x}_{number}" for number in count())
    return _path_expression(_tokens(pattern.removeprefix("/"), "/" in pattern, strict), groups)


def any_of(expressions: Iterable[str]) -> str:
    """One expression that fits whatever one of several fits, each of them made by :func:`translate`."""
    return "|".join(f"(?:{expression})" for expression in dict.fromkeys(expressions))


def alternatives(pattern: str) -> list[str]:
    """The patterns that one with braces stands for: ``{a,b}/*.{c,d}`` for four; braces in braces are taken apart too.

    Braces without a comma, without an end, behind a backslash or in a set stand for themselves.

    Raises:
        ValueError: there are too many.
    """
    todo, done = [pattern], list[str]()
    while todo:
        part = todo.pop()
        braces = _first_braces(part)
        if braces is None:
            done.append(part)
        else:
            begin, commas, end = braces
            borders = [begin, *commas, end]
            choices = [part[a + 1 : b] for a, b in pairwise(borders)]
            todo += [part[:begin] + choice + part[end + 1 :] for choice in reversed(choices)]
        if len(todo) + len(done) > _MAX_ALTERNATIVES:
            raise ValueError(f"its braces stand for more than {_MAX_ALTERNATIVES} patterns")
    return done


def _first_braces(pattern: str) -> tuple[int, list[int], int] | None:
    """Where the first braces begin that have a comma, where their commas are, and where they end."""
    opened: list[tuple[int, list[int]]] = []
    closed: list[tuple[int, list[int], int]] = []
    for match in re.finditer(r"\\.|\[[!^]?\]?(?:\\.|\[:\w+:\]|[^]\\])*\]|[{},]", pattern, re.DOTALL):
        at, sign = match.start(), match[0]
        if sign == "{":
            opened.append((at, []))
        elif sign == "," and opened:
            opened[-1][1].append(at)
        elif sign == "}" and opened:
            begin, commas = opened.pop()
            if commas:
                closed.append((begin, commas, at))
    return min(closed, default=None)


def _path_expression(tokens: Iterable[str], groups: Iterator[str]) -> str:
    runs: list[list[str]] = [[]]  # what stands between one "**" and the next
    gaps: list[str] = []
    for token in tokens:
        if token in _MOVING:
            gaps.append(token)
            runs.append([])
        else:
            runs[-1].append(token)
    out = _run_expression(runs[0], groups)
    for gap, run in zip(gaps[:-1], runs[1:-1], strict=True):
        if run or gap == _SOME_FOLDERS:
            out += _settled(_FIRST[gap] + _run_expression(run, groups), groups)
    return out + _MOVING[gaps[-1]] + _run_expression(runs[-1], groups) if gaps else out


def _run_expression(tokens: list[str], groups: Iterator[str]) -> str:
    steps: list[list[str]] = [[]]
    for token in tokens:
        if token == "/":
            steps.append([])
        else:
            steps[-1].append(token)
    return "/".join(_step_expression(step, groups) for step in steps)


def _step_expression(tokens: list[str], groups: Iterator[str]) -> str:
    parts = [""]  # what stands between one "*" and the next
    for token in tokens:
        if token != _STAR:
            parts[-1] += token
        elif parts[-1] or len(parts) == 1:
            parts.append("")
    out = parts[0]
    for part in parts[1:-1]:
        out += _settled(f"[^/]*?{part}", groups)
    return f"{out}[^/]*{parts[-1]}" if len(parts) > 1 else out


def _settled(expression: str, groups: Iterator[str]) -> str:
    """An expression whose first fit is taken for good. Before Python 3.11 ``re`` has no ``(?>…)`` for that."""
    group = next(groups)
    return f"(?=(?P<{group}>{expression}))(?P={group})"


def _tokens(pattern: str, has_folders: bool, strict: bool) -> Iterator[str]:
    """``/``, ``*``, the three that go over folders, and for every other character, or set of them, its expression."""
    wild = re.search(r"[*?\[\\]", pattern)
    first_wild = wild.start() if wild else len(pattern)
    at = 0
    while at < len(pattern):
        character = pattern[at]
        end = at + 1
        if character == "*":
            while pattern.startswith("*", end):
                end += 1
            # Git compares what is before the first wildcard beforehand: then that stands at the beginning of a step.
            is_step = has_folders and end - at > 1 and (at == first_wild or pattern[at - 1] == "/")
            token = _folders(pattern, end) if is_step else _STAR
            yield token
            end += len(token) - len(_REST) if token != _STAR else 0
        elif character == "?":
            yield "[^/]"
        elif character == "[":
            token, end = _set_expression(pattern, end, strict)
            yield token
        else:
            literal, end = _literal(pattern, at)
            yield re.escape(literal)
        at = end


def _folders(pattern: str, end: int) -> str:
    """Which token the stars are that end before ``end`` and begin a step."""
    if end == len(pattern):
        return _REST
    return next((token for token in (_FOLDERS, _SOME_FOLDERS) if pattern.startswith(token[2:], end)), _STAR)


def _literal(pattern: str, at: int) -> tuple[str, int]:
    """The character that stands at a place, perhaps behind a backslash, and where the next one begins."""
    if pattern[at] != "\\":
        return pattern[at], at + 1
    if at + 1 == len(pattern):
        raise ValueError("ends with a backslash, which takes a character after it")
    return pattern[at + 1], at + 2


def _set_expression(pattern: str, at: int, strict: bool) -> tuple[str, int]:
    """The expression of the set whose ``[`` stands before ``at``, and where the set ends."""
    is_negated = pattern[at : at + 1] in ("!", "^")
    at += is_negated
    first, items, previous, has_slash = at, "", "", False
    while at == first or not pattern.startswith("]", at):  # in the first place it is a member
        if at >= len(pattern):
            raise ValueError("a [ without ]; the character itself is \\[")
        if (named := _class_expression(pattern, at)) is not None:
            expression, at = named
            items, previous = items + expression, ""
        elif previous and pattern.startswith("-", at) and at + 1 < len(pattern) and pattern[at + 1] != "]":
            high, at = _literal(pattern, at + 1)
            has_slash = has_slash or previous <= "/" <= high
            if strict and high < previous:
                raise ValueError(f"bad character range {previous}-{high}")
            # In the wrong order it is empty, and its first character is a member already.
            items += f"{re.escape(previous)}-{re.escape(high)}" if previous <= high else ""
            previous = ""
        else:
            previous, at = _literal(pattern, at)
            has_slash = has_slash or previous == "/"
            items += re.escape(previous)
    if is_negated:
        return f"[^/{items}]", at + 1
    return f"(?!/)[{items}]" if has_slash else f"[{items}]", at + 1


def _class_expression(pattern: str, at: int) -> tuple[str, int] | None:
    """The members of a class such as ``[:alpha:]`` that stands at a place, and where it ends; ``None``: none does."""
    if not pattern.startswith("[:", at):
        return None
    end = pattern.find("]", at + 2)
    if end < 0:
        raise ValueError("a [ without ]; the character itself is \\[")
    name, colon = pattern[at + 2 : end - 1], pattern[end - 1]
    if colon != ":" or end == at + 2:
        return None  # a "[" and a ":" as they stand
    if name not in _CLASSES:
        raise ValueError(f"there is no class of characters [:{name}:]; the classes are {', '.join(_CLASSES)}")
    return _CLASSES[name], end + 1
