"""Opaque ids of documents: what a client names a document by, instead of a path.

An id says which folder and which document, and proves that this user's edgeembed gave it out: HMAC-SHA256 (RFC 2104)
over the index, the number of the document and its path, cut to 64 bits. An id that was made up, and one from before an
index was made anew, fit nothing. The key is kept in the user's cache, so that links outlive a server.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import struct
from contextlib import suppress
from pathlib import Path

from ..system.files import make_private_folder, path_digest, user_cache, write_private
from ..text.surrogates import encode

_KEY_BYTES = 32
_TAG_BYTES = 8
_PLACE = struct.Struct(">IQ")
"""Which index, by its digest, and the number of the document in it."""


class DocumentIds:
    """Makes ids of documents, and checks them."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, index_dir: Path, number: int, name: str) -> str:
        """The id of a document: 27 letters, digits, ``-`` and ``_``.

        Args:
            number: of the document in its catalog.
            name: its id there, in a folder its path.
        """
        place = _PLACE.pack(_index_number(index_dir), number)
        return base64.urlsafe_b64encode(place + self._tag(index_dir, number, name)).rstrip(b"=").decode()

    @staticmethod
    def place(id: str) -> tuple[int, int] | None:
        """Which index (see :meth:`fits`) and which document an id claims to be of; ``None``: it is none."""
        try:
            raw = base64.urlsafe_b64decode(id + "=" * (-len(id) % 4))
        except ValueError:
            return None
        if len(raw) != _PLACE.size + _TAG_BYTES or base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != id:
            return None
        index, number = _PLACE.unpack_from(raw)
        return (index, number) if number < 1 << 63 else None

    @staticmethod
    def fits(index: int, index_dir: Path) -> bool:
        """Whether an id is of this index."""
        return index == _index_number(index_dir)

    def proves(self, id: str, index_dir: Path, number: int, name: str) -> bool:
        """Whether an id was given out for this document."""
        return hmac.compare_digest(id, self.of(index_dir, number, name))

    def _tag(self, index_dir: Path, number: int, name: str) -> bytes:
        said = b"\0".join((path_digest(index_dir).encode(), str(number).encode(), encode(name)))
        return hmac.digest(self._key, said, hashlib.sha256)[:_TAG_BYTES]


def id_key() -> bytes:
    """The key of this user; where nothing can be kept, one for this process."""
    fresh, cache = os.urandom(_KEY_BYTES), user_cache()
    if cache is None or not make_private_folder(cache / "server"):
        return fresh
    file = cache / "server" / "id-key"
    with suppress(OSError):
        kept = file.read_bytes()
        if len(kept) == _KEY_BYTES:
            return kept
    with suppress(OSError):
        write_private(file, fresh)
    return fresh


def _index_number(index_dir: Path) -> int:
    return int(path_digest(index_dir)[:8], 16)
