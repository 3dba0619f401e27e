"""What of a file may be shown: pictures made anew, and PDF as it is. HTML, SVG and scripts of the user are never sent.

Pictures are decoded in the sandbox, and what is sent is pixels alone. Thumbnails are kept in the user's cache by the
hash of their content, so a moved photo keeps its own; once they take more than a bound, the oldest go.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..reading.read_file import open_file
from ..reading.sandbox.process import Worker
from ..reading.sandbox.protocol import DecodeRequest
from ..system.files import make_private_folder, user_cache, write_private

if TYPE_CHECKING:
    from .library import Found

SIDES = {"small": 250, "large": 1600}
"""Pixels of the longer side, by name."""
MAX_CACHE_BYTES = 256 << 20
_PRUNE_EVERY = 200
"""Thumbnails written between two looks at how much all take."""
_PDF = b"%PDF-"
_OPENED = (
    *("pdf", "txt", "md", "rst", "csv", "tsv", "log", "rtf", "tex", "doc", "docx", "odt", "xls", "xlsx", "ods", "ppt"),
    *("pptx", "odp", "epub", "eml", "jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "avif"),
)
"""Extensions of what a system shows when it opens it. Scripts and programs, which it would run, are not opened."""


class Previews:
    """Pictures and PDF of documents. May be used from several threads."""

    def __init__(self, *, max_cache_bytes: int = MAX_CACHE_BYTES) -> None:
        self._worker = Worker()
        self._folder = _cache_folder()
        self._max_cache_bytes = max_cache_bytes
        self._written = 0
        self._guard = threading.Lock()

    def picture(self, found: Found, size: str) -> bytes:
        """A document that is a picture, as WebP.

        Args:
            size: a key of :data:`SIDES`.

        Raises:
            Unreadable: it cannot be decoded.
            FileNotFoundError: its file is gone.
        """
        side = SIDES[size]
        file = self._kept_at(found, side)
        if file is not None:
            with suppress(OSError):
                return file.read_bytes()
        from ..reading.photos.thumbnails import webp

        path = found.folder.safe_path(found.file)
        data = webp(self._worker.decode_image(path, DecodeRequest(side, upright=True)), side)
        if file is not None and size == "small":
            self._keep(file, data)
        return data

    @staticmethod
    def pdf(found: Found) -> Path:
        """The path of a document that is a PDF.

        Raises:
            FileNotFoundError: it is none, or gone.
        """
        path = found.folder.safe_path(found.file)
        with open_file(path) as file:
            if _PDF not in file.read(1024):
                raise FileNotFoundError(f"{path}: not a PDF")
        return path

    @staticmethod
    def opens(found: Found) -> bool:
        """Whether the system may open a document, rather than show where it is."""
        return found.file.rpartition(".")[2].lower() in _OPENED

    def close(self) -> None:
        """End the process that decodes."""
        self._worker.close()

    def _kept_at(self, found: Found, side: int) -> Path | None:
        """Where a thumbnail is kept; ``None``: nowhere."""
        digest = found.folder.content_digest(found.id)
        if self._folder is None or digest is None:
            return None
        return self._folder / digest[:2] / f"{digest}-{side}.webp"

    def _keep(self, file: Path, data: bytes) -> None:
        with suppress(OSError):  # a full disk costs time, no picture
            file.parent.mkdir(mode=0o700, exist_ok=True)
            write_private(file, data)
            with self._guard:
                self._written += 1
                is_time = self._written % _PRUNE_EVERY == 1
            if is_time:
                self.prune()

    def prune(self) -> None:
        """Remove the oldest thumbnails until all take no more than the bound."""
        if self._folder is None:
            return
        entries = []
        for file in self._folder.glob("*/*"):
            with suppress(OSError):
                info = file.stat()
                entries.append((info.st_mtime, info.st_size, file))
        total = sum(size for _, size, _ in entries)
        for _, size, file in sorted(entries, key=lambda entry: entry[0]):
            if total <= self._max_cache_bytes:
                return
            with suppress(OSError):
                file.unlink()
                total -= size


def _cache_folder() -> Path | None:
    cache = user_cache()
    return cache / "thumbnails" if cache is not None and make_private_folder(cache / "thumbnails") else None
