"""The separate process that parses what may be hostile: the side that is asked. See ``process.py``.

It imports a parser when a file first needs it, and never what embeds or searches.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

from .. import budget
from ..extras import Unreadable, lacks
from ..readers import read
from .protocol import CLOCK, MAX_BODY_BYTES, MAX_HEADER_BYTES, OUT_OF_MEMORY, DecodeRequest, receive, send

_GRACE_SECONDS = 1.0
"""This side ends itself so much later than the other side would, in case that one is gone."""
_MOST_TIMES = 10
"""Times the limit of processor time that the largest files are allowed."""


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
    _limit_memory(int(limits.header["memory_bytes"]))
    send(answers, {"ready": seconds})
    watch = _Watch(seconds, answers, nowhere)
    budget.listen(watch.more)
    while (request := receive(source)) is not None:
        watch.begin()
        header, body = _answer(request.header)
        watch.end()
        send(answers, header, body)


def _answer(request: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    path = Path(request["path"])
    try:
        return _picture(path, request["need"]) if request["task"] == "picture" else _document(path, request["kind"])
    except MemoryError:
        return {"memory": True}, b""
    except Unreadable as error:
        return {"reason": error.reason}, b""
    except ImportError as error:
        return {"reason": lacks(error).reason}, b""
    except RecursionError:
        return {"reason": "damaged: nested too deeply"}, b""
    except Exception as error:  # on crafted files parsers raise whatever the language has
        lines = str(error).splitlines()
        return {"reason": f"damaged: {(lines[0] if lines else type(error).__name__)[:200]}"}, b""


def _document(path: Path, kind: str) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    budget.allow_more(len(data) * budget.SECONDS_PER_BYTE)
    extracted = read(kind, data)
    body = extracted.text.encode("utf-8", "surrogatepass")
    if len(body) > MAX_BODY_BYTES or len(extracted.pages) * 12 > MAX_HEADER_BYTES:
        raise Unreadable(f"holds more than {MAX_BODY_BYTES >> 20} MiB of text")
    return {"pages": extracted.pages, "lines": extracted.lines, "aside": extracted.aside}, body


def _picture(path: Path, need: Any) -> tuple[dict[str, Any], bytes]:
    from ...errors import ImageError
    from ..pictures import decoded_pixels

    try:
        size, pixels = decoded_pixels(path, DecodeRequest(*need), max_bytes=MAX_BODY_BYTES)
    except ImageError as error:
        if isinstance(error.__cause__, MemoryError):
            raise error.__cause__ from None
        raise Unreadable(error.reason) from error
    return {"size": size}, pixels


def _limit_memory(limit_bytes: int) -> None:
    """Let the system refuse more memory, or, where it cannot, watch and end this process."""
    if sys.platform.startswith("linux"):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        soft = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        return
    measure = _used_on_windows() if sys.platform == "win32" else _used_on_unix

    def watch() -> NoReturn:
        while measure() <= limit_bytes:
            time.sleep(0.1)
        os._exit(OUT_OF_MEMORY)

    threading.Thread(target=watch, daemon=True).start()


def _used_on_unix() -> int:
    """The most memory that this process ever used, in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _used_on_windows() -> Callable[[], int]:
    """A function for the most memory that this process ever used, in bytes; for nothing where it cannot be asked."""
    import ctypes

    class Counters(ctypes.Structure):
        # https://learn.microsoft.com/windows/win32/api/psapi/ns-psapi-process_memory_counters
        _fields_ = (
            ("size", ctypes.c_uint32),
            ("faults", ctypes.c_uint32),
            ("peak", ctypes.c_size_t),
            ("rest", ctypes.c_size_t * 7),
        )

    kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009 (mypy knows it on Windows only)
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32GetProcessMemoryInfo.argtypes = (ctypes.c_void_p, ctypes.POINTER(Counters), ctypes.c_uint32)
    counters = Counters(size=ctypes.sizeof(Counters))

    def used() -> int:
        kernel.K32GetProcessMemoryInfo(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.size)
        return int(counters.peak)

    return used
