"""Git's wildcard patterns (https://git-scm.com/docs/gitignore) as regular expressions that never take long.

``*`` and ``?`` stand for any characters but ``/``, ``[a-z]`` for one of a set, ``**`` as a whole step for any number of
folders; a backslash takes the next character as it stands.

Matching takes time in proportion to the text, not exponential time, because each wildcard is settled once: a ``*``
takes the first place where the literal part behind it fits, and a ``**`` the first where the steps behind it fit. A
later place would only leave less text for the rest of the pattern. Only the last of each may move.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count

MAX_CHARS = 4096
"""Longer patterns are refused; no real one comes near."""
_STARS = ("*", "**")


def translate(pattern: str) -> str:
    """A regular expression for the whole path that a pattern fits; for the whole name if the pattern has no ``/``.

    Args:
        pattern: without ``!`` in front of it and ``/`` at its end.

    Returns:
        An expression for ``fullmatch``, to be compiled with :data:`re.DOTALL`: a name may hold a newline.

    Raises:
        ValueError: the pattern cannot fit anything, or cannot be translated; with the reason.
    """
    if len(pattern) > MAX_CHARS:
        raise ValueError(f"longer than {MAX_CHARS} characters")
    # Several expressions may be joined into one, in which no two groups may have the same name.
    groups = (f"g{hash(pattern) & 0xFFFFFFFFFFFFFFFF:x}_{number}" for number in count())
    steps: list[list[str]] = [[]]
    for token in _tokens(pattern.removeprefix("/")):
        if token == "/":
            steps.append([])
        else:
            steps[-1].append(token)
    return _path_expression(steps, groups)


def any_of(expressions: Iterable[str]) -> str:
    """One expression that fits whatever one of several fits, each of them made by :func:`translate`."""
    return "|".join(f"(?:{expression})" for expression in dict.fromkeys(expressions))


def _path_expression(steps: list[list[str]], groups: Iterator[str]) -> str:
    runs: list[list[str]] = [[]]  # steps between one "**" and the next
    for number, step in enumerate(steps):
        if step != ["**"]:
            runs[-1].append(_step_expression(step, groups))
        elif number == 0 or steps[number - 1] != ["**"]:
            runs.append([])
    first, *others = ("/".join(run) for run in runs)
    if not others:
        return first
    out = first + "/" if runs[0] else ""
    for run in others[:-1]:
        out += _settled(rf"(?:.*?/)??{run}/", groups)
    return out + (f"(?:.*/)?{others[-1]}" if runs[-1] else ".*")


def _step_expression(tokens: list[str], groups: Iterator[str]) -> str:
    parts = [""]  # what stands between one "*" and the next; two stars are one, unless they are the whole step
    for token in tokens:
        if token not in _STARS:
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


def _tokens(pattern: str) -> Iterator[str]:
    """``/``, ``*``, ``**`` (two stars or more), and for every other character, or set of them, its expression."""
    at = 0
    while at < len(pattern):
        character = pattern[at]
        end = at + 1
        if character == "*":
            while pattern.startswith("*", end):
                end += 1
            yield "*" if end - at == 1 else "**"
        elif character == "?":
            yield "[^/]"
        elif character == "[":
            token, end = _set_expression(pattern, end)
            yield token
        else:
            literal, end = _literal(pattern, at)
            yield re.escape(literal)
        at = end


def _literal(pattern: str, at: int) -> tuple[str, int]:
    """The character that stands at a place, perhaps behind a backslash, and where the next one begins."""
    if pattern[at] != "\\":
        return pattern[at], at + 1
    if at + 1 == len(pattern):
        raise ValueError("ends with a backslash, which takes a character after it")
    return pattern[at + 1], at + 2


def _set_expression(pattern: str, at: int) -> tuple[str, int]:
    """The expression of the set whose ``[`` stands before ``at``, and where the set ends."""
    is_negated = pattern[at : at + 1] in ("!", "^")
    at += is_negated
    first, items, has_slash = at, "", False
    while at == first or not pattern.startswith("]", at):  # in the first place it is a member
        if at >= len(pattern):
            raise ValueError("a [ without ]; the character itself is \\[")
        if re.compile(r"\[:[^]]*:\]").match(pattern, at):
            raise ValueError("named classes of characters are not translated")
        low, at = _literal(pattern, at)
        high = low
        if pattern.startswith("-", at) and at + 1 < len(pattern) and pattern[at + 1] != "]":
            high, at = _literal(pattern, at + 1)
            if high < low:
                raise ValueError(f"bad character range {low}-{high}")
        has_slash = has_slash or low <= "/" <= high
        items += re.escape(low) if low == high else f"{re.escape(low)}-{re.escape(high)}"
    if is_negated:
        return f"[^/{items}]", at + 1
    return f"(?!/)[{items}]" if has_slash else f"[{items}]", at + 1
