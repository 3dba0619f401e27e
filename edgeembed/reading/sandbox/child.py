"""The separate process that parses what may be hostile: the side that is asked. See ``process.py``.

It imports a parser when a file first needs it, and never what embeds or searches.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from .. import budget
from ..entries import unreadable
from ..extracted import ExtractedText
from ..extras import Unreadable, lacks
from ..readers import Parts, open_parts, read
from .memory import MemoryLimit
from .protocol import CLOCK, MAX_BODY_BYTES, MAX_HEADER_BYTES, DecodeRequest, receive, send

_GRACE_SECONDS = 1.0
"""This side ends itself so much later than the other side would, in case that one is gone."""
_MOST_TIMES = 10
"""Times the limit of processor time that the largest files are allowed."""
_MOST_BATCH_BYTES, _BATCH_SECONDS = 1 << 20, 0.2
"""Of the documents in a file as many are read at a time as have so much text or take so long, or one."""


class _Watch:
    """Ends this process when a file has taken too much processor time, over all threads, or too long by the clock."""

    def __init__(self, seconds: float, answers: IO[bytes], nowhere: IO[str]) -> None:
        self._seconds = seconds
        self._allowed = seconds
        self._answers = answers
        self._nowhere = nowhere
        if hasattr(signal, "SIGPROF"):  # elsewhere the other side looks
            signal.signal(signal.SIGPROF, signal.SIG_DFL)

    def begin(self) -> None:
        """Another file."""
        self._allowed = self._seconds
        self._arm(self._seconds)

    def more(self, seconds: float) -> None:
        """The file at hand is large; the other side is told, or it would not wait so long."""
        extra = min(seconds, self._seconds * _MOST_TIMES - self._allowed)
        if extra < 0.1:
            return
        self._allowed += extra
        self._arm(extra + (signal.getitimer(signal.ITIMER_PROF)[0] if hasattr(signal, "SIGPROF") else 0))
        send(self._answers, {"allowed": self._allowed})

    def end(self) -> None:
        """The file is read."""
        faulthandler.cancel_dump_traceback_later()
        if hasattr(signal, "SIGPROF"):
            signal.setitimer(signal.ITIMER_PROF, 0)

    def _arm(self, seconds: float) -> None:
        # The watchdog is a thread in C: it ends this process also while C code loops, on every system.
        clock = self._allowed * CLOCK + _GRACE_SECONDS
        faulthandler.dump_traceback_later(clock, exit=True, file=self._nowhere)
        if hasattr(signal, "SIGPROF"):
            signal.setitimer(signal.ITIMER_PROF, seconds)


def serve() -> None:
    """Answer requests from stdin on stdout until the other side goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process decides when it ends
    # Not sys.stdin and sys.stdout, which an application without a console does not have.
    source, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # what C libraries print would get between the answers
    nowhere = os.fdopen(silence, "w")
    limits = receive(source)
    if limits is None:
        return
    seconds = float(limits.header["seconds"])
    memory_bytes = int(limits.header["memory_bytes"])
    memory = MemoryLimit(memory_bytes, int(limits.header.get("most_memory_bytes", memory_bytes)))
    send(answers, {"ready": seconds})
    watch = _Watch(seconds, answers, nowhere)
    budget.listen(watch.more, memory.more)
    opened = _Opened()
    while (request := receive(source)) is not None:
        memory.begin()
        watch.begin()
        header, body = _answer(request.header, opened)
        watch.end()
        send(answers, header, body)


def _answer(request: Mapping[str, Any], opened: _Opened | None = None) -> tuple[dict[str, Any], bytes]:
    path = Path(request["path"])
    try:
        if request["task"] == "image":
            return _image(path, request["need"])
        if request["task"] == "parts":
            return _some_parts((opened or _Opened()).parts(path, request["kind"]), request["first"], request["most"])
        return _document(path, request["kind"])
    except MemoryError:
        return {"memory": True}, b""
    except Exception as error:
        return {"reason": _reason(error)}, b""


def _reason(error: Exception) -> str:
    """Why a file cannot be read; on crafted files parsers raise whatever the language has."""
    if isinstance(error, Unreadable):
        return error.reason
    if isinstance(error, ImportError):
        return lacks(error).reason
    if isinstance(error, RecursionError):
        return "damaged: nested too deeply"
    lines = str(error).splitlines()
    return f"damaged: {(lines[0] if lines else type(error).__name__)[:200]}"


def _document(path: Path, kind: str) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    budget.allow_more(len(data) * budget.SECONDS_PER_BYTE)
    return _message(read(kind, data))


def _some_parts(parts: Parts, first: int, most: int) -> tuple[dict[str, Any], bytes]:
    """Some documents of a file that holds many, as many as are read in a moment, and how many there are."""
    headers, bodies, begun = list[dict[str, Any]](), list[bytes](), time.monotonic()
    for number in range(first, min(first + most, len(parts) + 1)):
        size = parts.size_bytes(number)
        budget.allow_more(size * budget.SECONDS_PER_BYTE)
        header, body = _part(parts, number)
        if bodies and len(body) > MAX_BODY_BYTES - 2 * _MOST_BATCH_BYTES:
            break  # it goes alone
        headers.append({"number": number, "size_bytes": size, "length": len(body), **header})
        bodies.append(body)
        if sum(map(len, bodies)) > _MOST_BATCH_BYTES or time.monotonic() - begun > _BATCH_SECONDS:
            break
    return {"count": len(parts), "parts": headers}, b"".join(bodies)


def _part(parts: Parts, number: int) -> tuple[dict[str, Any], bytes]:
    """One of them: its text, or why there is none."""
    try:
        extracted = parts.read(number)
        return _message(extracted) if extracted is not None and extracted.text.strip() else ({}, b"")
    except MemoryError:
        raise
    except Exception as error:
        return {"reason": _reason(error)}, b""


class _Opened:
    """The file of many documents that was asked about last, so that it is not gone through for each of them."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._parts: Parts | None = None

    def parts(self, path: Path, kind: str) -> Parts:
        """The documents in a file, as it is now.

        Raises:
            Unreadable: the system does not let us read it.
        """
        try:
            info = path.stat()
            key = (path, kind, info.st_size, info.st_mtime_ns, info.st_ino)
            if self._parts is None or key != self._key:
                self._key = self._parts = None
                budget.allow_more(info.st_size * budget.SECONDS_PER_BYTE)
                self._parts, self._key = open_parts(kind, path), key
        except OSError as error:
            raise Unreadable(unreadable(error)) from error
        return self._parts


def _message(extracted: ExtractedText) -> tuple[dict[str, Any], bytes]:
    """A text as header and body of a message.

    Raises:
        Unreadable: it is too long.
    """
    body = extracted.text.encode("utf-8", "surrogatepass")
    if len(body) > MAX_BODY_BYTES or len(extracted.pages) * 12 > MAX_HEADER_BYTES:
        raise Unreadable(f"holds more than {MAX_BODY_BYTES >> 20} MiB of text")
    return {
        "pages": extracted.pages,
        "lines": extracted.lines,
        "aside": extracted.aside,
        "missing": extracted.missing,
    }, body


def _image(path: Path, need: Any) -> tuple[dict[str, Any], bytes]:
    from ...errors import ImageError
    from ..images import decoded_pixels, lacks_memory

    try:
        decoded = decoded_pixels(path, DecodeRequest(*need), max_bytes=MAX_BODY_BYTES)
    except ImageError as error:
        if lacks_memory(error.__cause__):
            raise MemoryError from None
        raise Unreadable(error.reason) from error
    return {"size": decoded.size, "missing": decoded.missing, "facts": asdict(decoded.facts)}, decoded.pixels
