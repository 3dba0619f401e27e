"""What is typed on the command line of a search as values: times, sizes, scores, words and images."""

from __future__ import annotations

import math
import os
import re
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import click.shell_completion

from ..system.files import as_on_disk
from . import messages

if TYPE_CHECKING:
    from ..index_models.meanings import Meaning, Weighted

_AGE = re.compile(r"(\d+)\s*(min|h|d|w|mon|y)")
_AGES = {"min": 1 / 1440, "h": 1 / 24, "d": 1, "w": 7, "mon": 30.44, "y": 365.25}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_DEGREES = r"([+-]?\d+(?:\.\d+)?)"
_PLACE = re.compile(rf"{_DEGREES}\s*[,; ]\s*{_DEGREES}\s*[,; ]\s*(\d+(?:\.\d+)?)\s*(?:km)?", re.IGNORECASE)
_WEIGHT = re.compile(r"(\d+\.?\d*|\.\d+):(.*)", re.DOTALL)
_NO_WEIGHT = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+|nan|inf)(e[+-]?\d+)?:.*", re.DOTALL | re.IGNORECASE)
"""Looks like a weight but is not in the accepted form (``-1:dog``, ``1e3:dog``); refused with a hint."""


class ExistingFile(click.Path):  # generic from click 8.4 on
    """The path of a file, as the file system spells it; of a message in a mailbox that of the mailbox with a number."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """What was typed, with letters composed as in the name of the file."""
        path = as_on_disk(Path(value))
        if path.name.isdecimal() and path.parent.is_file():
            return os.fspath(path)
        return super().convert(os.fspath(path), param, ctx)


class When(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic from click 8.4 on
    """A date, a time, or an age."""

    name = "when"

    def __init__(self, *, end: bool = False) -> None:
        self._end = end
        """Whether a day means its end."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """What was typed as a moment of local time; an age is counted back from now."""
        if isinstance(value, datetime):
            return value
        if age := _AGE.fullmatch(value):
            return datetime.now() - timedelta(days=int(age[1]) * _AGES[age[2]])
        try:
            when = datetime.fromisoformat(value)
            return when + timedelta(days=1) if self._end and date.fromisoformat(value) else when
        except ValueError:
            if "T" in value or " " in value or ":" in value:
                try:
                    return datetime.fromisoformat(value)
                except ValueError:
                    pass
        self.fail(f"{value!r} is no date (2024-05-01), time (2024-05-01T18:30) or age (90min, 12h, 7d, 2w, 6mon, 1y)")


class Size(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A number of bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """What was typed as a number of bytes; k, M, G and T are powers of 1024."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(value)
        if match is None:
            self.fail(f"{value!r} is no size such as 800, 20k, 1.5M or 2G")
        return int(float(match[1]) * 1024.0 ** " kmgt".index(match[2].lower() or " "))


class Near(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A place and kilometres around it."""

    name = "near"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float]:
        """What was typed as latitude and longitude in degrees, and kilometres."""
        if isinstance(value, tuple):
            return value
        match = _PLACE.fullmatch(value.strip())
        latitude, longitude, most_km = map(float, match.groups()) if match else (0.0, 0.0, -1.0)
        if most_km < 0 or abs(latitude) > 90 or abs(longitude) > 180:
            self.fail(f"{value!r} is no latitude, longitude and kilometres, such as 48.21,16.37,5 or -33.86,151.21,10")
        return latitude, longitude, most_km


class Score(click.FloatRange):
    """A number in a range, in which ``nan`` is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """What was typed as a number."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number from {self.min:g} to {self.max:g}", param, ctx)
        return number


class Item(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """Words or an image, with a weight or without."""

    name = "item"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Weighted:
        """What was typed as a weight and a meaning."""
        from ..index_models.meanings import MAX_WEIGHT

        match = _WEIGHT.fullmatch(value)
        weight, text = (float(match[1]), match[2]) if match else (1.0, value)
        if weight > MAX_WEIGHT or (match is None and _NO_WEIGHT.fullmatch(value)):
            allowed = f"a weight is a number from 0 to {MAX_WEIGHT}, as in 2:dog or 0.5:dog"
            self.fail(f"{value!r:.80}: {allowed}; 1:{value:.80} means these words as they stand", param, ctx)
        if not text.strip():
            self.fail(f"{value!r} is no meaning, such as dog, nor one with a weight, such as 2:dog", param, ctx)
        return weight, meaning(text)


class ModelName(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """The name of a shipped model, or the path of a bundle; completed as such."""

    name = "text"

    def __init__(self, *also: str) -> None:
        """``also``: what may be said besides."""
        self._also = also

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Names that fit; where none does, folders."""
        from click.shell_completion import CompletionItem

        from ..bundle.shipped import shipped_names

        names = [name for name in (*shipped_names(), *self._also) if name.startswith(incomplete)]
        return [*map(CompletionItem, names)] or [CompletionItem(incomplete, type="dir")]


def complete_files(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[click.shell_completion.CompletionItem]:
    """Names of files, for a query that may be a picture."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def meaning(text: str) -> Meaning:
    """What was typed as a query, or a part of one: words, or the path of an image that is there."""
    from ..index_models.meanings import has_image_suffix

    if _holds_image(Path(text)):
        return Path(text)
    if has_image_suffix(text):
        if Path(text).is_file():
            return Path(text)  # it says what is wrong with it
        messages.note(f"{messages.printable(text)}: no such picture; searching for these words")
    return words(text)


def _holds_image(path: Path) -> bool:
    """Whether there is a file with an image, whatever it is called."""
    from ..reading.detect import HEAD_BYTES, detect
    from ..reading.read_file import open_file

    try:
        if not path.is_file():
            return False
        with open_file(path) as file:
            head = file.read(HEAD_BYTES)
    except (OSError, ValueError):  # words that are too long for a name, or hold a NUL
        return False
    return detect(head, path.name).image is not None


def from_stdin() -> Meaning:
    """What comes on standard input as a query: words, or the content of an image."""
    from ..reading.detect import HEAD_BYTES, detect

    data = sys.stdin.buffer.read()
    head = data[:HEAD_BYTES]
    is_image = b"\0" in head and detect(head, "-").image is not None
    return data if is_image else words(os.fsdecode(data).strip())


def words(text: str) -> str:
    """Words as they were meant: a terminal that is not set to UTF-8 hands over those of another encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        from ..reading.decode import decode

        return decode(os.fsencode(text)) or text
    return text
