"""The user's settings: a file in their configuration folder, and above it environment variables ``EDGEEMBED_*``.

Data only; options stand above both. Nothing below the command line reads them. See docs/settings.md.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import path_error

FILE_VARIABLE = "EDGEEMBED_SETTINGS"
"""Names another file; the null device: none."""
_VARIABLE = "EDGEEMBED_{}"
_MAX_BYTES = 1 << 20
_MOST_PATTERNS = 1000
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Settings:
    """What the user prefers; ``None``: nothing is said."""

    model: str | None = None
    """What new indexes are made with, and lines are embedded with: a shipped name, or an absolute path."""
    image_model: str | None = None
    """Likewise for pictures; also ``none``."""
    ignore: tuple[str, ...] = ()
    """Lines as of an ignore file, for every folder."""
    threads: int | None = None
    editor: str | None = None
    """An address with ``{path}``, and perhaps ``{line}``, that opens a text in an editor."""
    file: Path | None = None
    """The file that was read; ``None``: there is none."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where each setting that is set comes from: the name of a variable, or ``file``."""


def settings_file(environment: Mapping[str, str]) -> Path | None:
    """Where the file is, or would be; ``None``: there is none."""
    if named := environment.get(FILE_VARIABLE):
        return None if named == os.devnull else Path(named)
    from platformdirs import user_config_path

    try:
        folder = user_config_path("edgeembed", appauthor=False)
    except RuntimeError:
        return None
    return folder / "settings.toml" if folder.is_absolute() else None


def user_settings() -> Settings:
    """The settings of this user, from the environment and the file.

    Raises:
        ValueError: a variable, or the file, holds what is no setting; with the line.
        OSError: the file is there and cannot be read.
    """
    environment = os.environ
    path = settings_file(environment)
    values, file = ({}, None) if path is None else _from_file(path, is_named=FILE_VARIABLE in environment)
    sources = dict.fromkeys(values, "file")
    for key, read in _VARIABLES.items():
        variable = _VARIABLE.format(key.upper())
        if text := environment.get(variable):
            try:
                values[key], sources[key] = _CHECKS[key](read(text)), variable
            except ValueError as error:
                raise ValueError(f"{variable}: {error}") from None
    return Settings(**values, file=file, sources=sources)


def _from_file(path: Path, *, is_named: bool) -> tuple[dict[str, Any], Path | None]:
    """The checked values of a settings file, and the file if it is there."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        if is_named:
            raise path_error(path, FileNotFoundError, f"no such settings file ({FILE_VARIABLE} names it)") from None
        return {}, None
    except OSError as error:
        reason = f"the settings cannot be read: {(error.strerror or type(error).__name__).lower()}"
        raise path_error(path, type(error), reason) from error
    if len(data) > _MAX_BYTES:
        raise path_error(path, ValueError, "larger than 1 MiB, which is no settings file")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise path_error(path, ValueError, f"line {line}: not UTF-8; save it as UTF-8") from None
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise path_error(path, ValueError, f"not TOML: {error}") from None
    return {key: _checked(path, text, key, value) for key, value in values.items()}, path


def _checked(path: Path, text: str, key: str, value: object) -> Any:
    if key not in _CHECKS:
        close = get_close_matches(key, _CHECKS, n=1, cutoff=0.6)
        advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(_CHECKS)}"
        raise path_error(path, ValueError, f"line {_line_of(text, key)}: unknown key {key!r:.60}; {advice}")
    try:
        return _CHECKS[key](value)
    except ValueError as error:
        raise path_error(path, ValueError, f"line {_line_of(text, key)}: {key}: {error}") from None


def _line_of(text: str, key: str) -> int:
    """The line, counted from 1, in which a top-level key of a TOML document is set."""
    lines, begin = text.split("\n"), 1
    for number in range(1, len(lines) + 1):
        try:
            known = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue  # within a value of several lines
        if key in known:
            return begin
        begin = number + 1
    return begin


def _model(value: object) -> str:
    from ..bundle.shipped import shipped_names

    text = os.path.expanduser(_text(value))  # noqa: PTH111 (a name stays as it is)
    if text not in (names := shipped_names()) and not os.path.isabs(text):  # noqa: PTH117
        raise ValueError(f"{text!r:.80} is neither a model in the package ({', '.join(names)}) nor an absolute path")
    return text


def _image_model(value: object) -> str:
    return "none" if value == "none" else _model(value)


def _patterns(value: object) -> tuple[str, ...]:
    from ..sync.ignore_syntax import parse_line

    if not isinstance(value, list):
        raise ValueError(f"must be a list of patterns, such as ['*.log', 'build/'], not {_named(value)}")
    if len(value) > _MOST_PATTERNS:
        raise ValueError(f"{len(value):,} patterns are too many; at most {_MOST_PATTERNS:,}")
    for number, pattern in enumerate(value, 1):
        if not isinstance(pattern, str):
            raise ValueError(f"item {number} must be a text, not {_named(pattern)}")
        try:
            if "\n" in pattern or "\0" in pattern:
                raise ValueError
            parse_line(pattern.encode("utf-8", "surrogateescape").decode("latin-1"))
        except ValueError:
            raise ValueError(f"item {number}: {pattern!r:.80} is no pattern of an ignore file") from None
    return tuple(value)


def _threads(value: object) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"must be a whole number, at least 1, not {_named(value)}")
    return value


def _editor(value: object) -> str:
    text = _text(value)
    if "{path}" not in text or not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+:", text):
        raise ValueError(f"{text!r:.80} is no address with {{path}} in it, such as vscode://file{{path}}:{{line}}")
    try:
        address = urlsplit(text)
        is_remote = address.scheme in ("http", "https", "ftp") and address.hostname not in _LOOPBACK
    except ValueError:
        is_remote = True
    if is_remote:
        raise ValueError(f"{text!r:.80} leads to another machine; paths stay on this one")
    return text


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"must be a text, not {_named(value)}")
    return value


def _named(value: object) -> str:
    """A value for a message, as TOML has it or nearly so."""
    if isinstance(value, bool):
        return str(value).lower()
    return "a table" if isinstance(value, dict) else f"{value!r:.60}"


def _number(text: str) -> object:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else text


_CHECKS: dict[str, Callable[[object], Any]] = {
    "model": _model,
    "image_model": _image_model,
    "ignore": _patterns,
    "threads": _threads,
    "editor": _editor,
}
_VARIABLES: dict[str, Callable[[str], object]] = {
    "model": str,
    "image_model": str,
    "ignore": str.splitlines,
    "threads": _number,
    "editor": str,
}
"""How the text of a variable becomes a value as in the file."""
