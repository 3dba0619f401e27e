"""Zip containers (OPC, OpenDocument, EPUB): parts with a limit on their size unpacked, and XML as events (SAX)."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException

from ..extras import Unreadable
from .cut_archive import CUT, is_cut, recovered

MAX_PART_BYTES = 256 << 20
"""Limit on a part's size unpacked (zip bombs). A document of a thousand pages has some ten megabytes."""
_CONTENTS = (".bin", ".rels", ".xml")
_MAX_RECOVERED_BYTES = 128 << 20
"""Likewise on all parts of a damaged archive together."""
NOT_WHOLE = "damaged: not a whole archive"
_ENCRYPTED = 1  # bit 0 of an entry's general purpose flags


class Handler(Protocol):
    """Parser target (SAX handler): gets the events of an XML file in order. Names are without namespaces."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def data(self, text: str) -> None:
        """Text, in pieces of any length."""


class Archive:
    """The parts of a zip archive by name: letters may be small or capital, as ECMA-376 allows, and ``/`` be ``\\``."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        """The whole archive; of one that is damaged, a copy with what can be read of it."""
        self.missing: str | None = None
        """What is missing of it, as :attr:`ExtractedText.missing`; then XML may end anywhere."""
        directory = None if is_cut(data) else _opened(data)
        if directory is None:
            self.data, self.missing = recovered(data, _MAX_RECOVERED_BYTES) or b"", CUT
            directory = _opened(self.data)
        if directory is None:
            raise Unreadable(NOT_WHOLE)
        self._zip = directory
        self._parts = {_equivalent(info.filename): info for info in reversed(self._zip.infolist())}

    def __contains__(self, name: str) -> bool:
        return self._info(name) is not None

    def _info(self, name: str) -> zipfile.ZipInfo | None:
        return self._zip.NameToInfo.get(name) or self._parts.get(_equivalent(name))

    def part(self, name: str) -> bytes:
        """The content of one part.

        Raises:
            Unreadable: it is missing, damaged, encrypted, or unpacks to too much.
        """
        try:
            if (info := self._info(name)) is None:
                raise Unreadable(f"damaged: {name} is missing")
            if info.flag_bits & _ENCRYPTED:
                raise Unreadable("encrypted: needs a password")
            with self._zip.open(info) as file:
                data = file.read(MAX_PART_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
            raise Unreadable(f"damaged: {name} cannot be unpacked") from error
        if len(data) > MAX_PART_BYTES:
            raise Unreadable(f"unpacks to too much: more than {MAX_PART_BYTES >> 20} MiB")
        return data

    def replaced(self, contents: Mapping[str, bytes]) -> bytes:
        """An archive with other contents of some parts; without pictures and the like, and what cannot be read."""
        changed = {id(self._info(name)): content for name, content in contents.items()}
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as copy:
            for info in self._parts.values():
                if id(info) in changed or info.filename.lower().endswith(_CONTENTS):
                    with suppress(Unreadable):
                        copy.writestr(info.filename, changed.get(id(info)) or self.part(info.filename))
        return file.getvalue()

    def parse(self, name: str, handler: Handler) -> None:
        """Stream the events of an XML part to ``handler``, without a tree of it in memory.

        Raises:
            Unreadable: as :meth:`part`, and where the XML is not well-formed or defines entities.
        """
        parse_xml(self.part(name), handler, partial=self.missing is not None)

    def elements(self, name: str) -> list[Element]:
        """All elements of a small XML part, flat, in document order."""
        collected = _Elements()
        self.parse(name, collected)
        return collected.elements

    def relations(self, name: str) -> dict[str, tuple[str, str]]:
        """OPC relationships of a part: id to the last step of the type's URI, and the name of the target part.

        https://ecma-international.org/publications-and-standards/standards/ecma-376/, part 2, 6.5.
        """
        folder, file = posixpath.split(name)
        where = f"{folder}/_rels/{file}.rels".lstrip("/")
        relations = {}
        for element in self.elements(where) if where in self else ():
            attributes = element.attributes
            if element.name == "Relationship" and attributes.get("TargetMode") != "External":
                kind = attributes.get("Type", "").rpartition("/")[2]
                target = attributes.get("Target", "").replace("\\", "/")
                relations[attributes.get("Id", "")] = (kind, joined(folder, target))
        return relations


def _opened(data: bytes) -> zipfile.ZipFile | None:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None


@dataclass
class Element:
    """An XML element without its children."""

    name: str
    attributes: dict[str, str]
    text: str = ""


class _Elements:
    def __init__(self) -> None:
        self.elements: list[Element] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements.append(Element(name, attributes))

    def end(self, name: str) -> None:
        pass

    def data(self, text: str) -> None:
        self.elements[-1].text += text


def _equivalent(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def joined(folder: str, target: str) -> str:
    """Resolve a relative reference: the name of the part that another part, in ``folder``, refers to."""
    return posixpath.normpath(posixpath.join("/", folder, unquote(target))).lstrip("/")


def parse_xml(data: bytes, handler: Handler, *, partial: bool = False) -> None:
    """Stream the events of an XML file to ``handler``.

    Args:
        partial: take one whose end is missing as if all that is open were closed there.

    Raises:
        Unreadable: the XML is not well-formed, or defines entities, which documents do not and attacks do.
    """
    from defusedxml.ElementTree import DefusedXMLParser

    target = _Local(handler)
    parser = DefusedXMLParser(target=target)
    try:
        parser.feed(data)
        parser.close()
    except ParseError as error:
        if partial:
            target.close_all()
            return
        raise Unreadable("damaged: not whole XML") from error
    except DefusedXmlException as error:
        raise Unreadable("damaged: it defines XML entities, as attacks do") from error


class _Local:
    """Parser target that strips namespaces."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._open: list[str] = []
        self.data = handler.data

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._open.append(_local(name))
        self._handler.start(self._open[-1], {_local_key(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        self._handler.end(self._open.pop())

    def close_all(self) -> None:
        """End all elements that are open."""
        while self._open:
            self._handler.end(self._open.pop())

    def close(self) -> None:
        pass


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _local_key(key: str) -> str:
    """Of an attribute. Slides have an ``id`` of their own and one that refers to a part: that one is ``r:id``."""
    space, _, name = key.rpartition("}")
    return f"r:{name}" if space.endswith("/relationships") else name
