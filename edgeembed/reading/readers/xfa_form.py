"""Forms in XML that a PDF holds beside its pages, or instead of them: XFA (XML Forms Architecture, 3.3).

A dynamic one has a single page that asks to wait for a program that shows the form: what is to be seen stands in its
template, and what was typed into it in its data.
"""

from __future__ import annotations

from ..extras import Unreadable
from .zip_archive import parse_xml

_HOLDERS = ("caption", "draw")
"""Elements of a template whose text is seen."""
_UNSEEN = ("items", "script", "validate", "event", "calculate", "assist", "extras", "desc")


class _Template:
    """The handler for a template: collects captions and what is drawn."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._open: list[str] = []
        self._pieces: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._open.append(name)
        if name in ("p", "br", "li", "text"):
            self._pieces.append(" ")

    def end(self, name: str) -> None:
        self._open.pop()
        if name in ("text", "exData"):
            self.texts.append("".join(self._pieces))
            self._pieces.clear()

    def data(self, text: str) -> None:
        names = set(self._open)
        if names.intersection(("text", "exData")) and names.intersection(_HOLDERS) and not names.intersection(_UNSEEN):
            self._pieces.append(text)


class _Data:
    """The handler for data sets: collects the values of fields by their names, as ``name: value``."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._depth = 0
        """Of the element ``data``, which holds what was typed; beside it are lists to choose from."""
        self._pieces: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += bool(self._depth) or name == "data"
        self._pieces.clear()

    def end(self, name: str) -> None:
        value = " ".join("".join(self._pieces).split())
        if any(map(str.isalpha, value)) or len(value) > 1:  # no marks of boxes
            self.texts.append(f"{name.replace('_', ' ').strip()}: {value}")
        self._depth -= bool(self._depth)
        self._pieces.clear()

    def data(self, text: str) -> None:
        if self._depth:
            self._pieces.append(text)


def form_texts(template: bytes, data: bytes, shown: str) -> list[str]:
    """What a form shows and what was typed into it, each once, without what is shown on the pages already.

    Args:
        template, data: packets of the form; empty: there is none.
        shown: the text of the pages.
    """
    known = " ".join(shown.split())
    captions = [text for text in _texts(_Template(), template) if text not in known]
    values = [text for text in _texts(_Data(), data) if text.partition(": ")[2] not in known]
    return list(dict.fromkeys([*captions, *values]))


def _texts(handler: _Template | _Data, packet: bytes) -> list[str]:
    """The lines that were collected; of a packet that is damaged those before the damage."""
    try:
        parse_xml(packet.strip(b"\0 \r\n\t"), handler, partial=True)
    except Unreadable:
        return []
    return [line for text in handler.texts if (line := " ".join(text.split()))]
