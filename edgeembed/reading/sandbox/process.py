"""The separate process that parses what may be hostile: the side that starts it, asks it and ends it.

A file is parsed by ``child.py`` in a process of its own, with limits of time and memory. Whatever happens
to that process, the file that it was given gets a reason, the next file gets a new process, and nothing of it appears
on the terminal. It is started when a file first needs it, and it ends with its :class:`Worker`, or by itself when this
process is gone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ...system.limits import memory_bytes, windows_cpu_seconds
from ..entries import BY_THE_CLOCK, TOO_LARGE, TOO_LONG
from ..extracted import ExtractedText
from ..extras import Unreadable
from ..photos.facts import PhotoFacts
from . import frozen
from .protocol import CLOCK, OUT_OF_MEMORY, DecodedImage, DecodeRequest, Message, ReadPart, receive, send

_log = logging.getLogger(__name__)

_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from edgeembed.reading.sandbox.child import serve; serve()"
)
_START_SECONDS = 60.0
_TIME_IS_UP = getattr(signal, "SIGPROF", 27)
"""The signal that ends a process whose processor time is used up; it asked for that itself."""
_POLL_SECONDS = 0.05
_MOST_TIMES = 5
"""Times the limit on memory that the largest images are allowed: some 120 megapixels."""
_CRASHED = "damaged: the program that reads it crashed"
_ABORTED = "takes too much memory, or is damaged"
"""What some libraries do when they are refused memory; on Windows it cannot be told from a crash."""
_NO_PROCESS = "not readable: the process that reads such files does not start"


@dataclass(frozen=True)
class Limits:
    """What one file may cost."""

    seconds: float = 9.0
    """Of processor time, over all threads; large files may ask for more (``budget.py``), up to ten times as much."""
    memory_bytes: int = 500_000_000
    """Of the whole process; images that say how large they are may ask for more (``budget.py``). Where the system
    cannot enforce it (macOS, Windows), it is watched ten times a second."""


class WorkerCancelled(Exception):
    """The work was cancelled while a file was being read."""


class Worker:
    """A process that reads files; safe to use from several threads, which then wait for each other.

    Use it as a context manager, or call :meth:`close`.
    """

    def __init__(self, limits: Limits | None = None, *, cancel: Callable[[], bool] | None = None) -> None:
        """Starts nothing yet.

        Args:
            limits: ``None``: the default ones.
            cancel: asked while a file is read; once it answers ``True`` that is broken off.
        """
        self.limits = limits or Limits()
        self._cancel = cancel or (lambda: False)
        self._process: _Process | None = None
        self._fault: str | None = None
        self._guard = threading.Lock()

    def document(self, path: Path, kind: str) -> ExtractedText:
        """The text of a file.

        Args:
            path: the file.
            kind: one of ``READERS``.

        Raises:
            Unreadable: with the reason.
            WorkerCancelled: it was broken off.
        """
        return _extracted(self._ask({"task": "document", "path": os.fspath(path.absolute()), "kind": kind}))

    def count_parts(self, path: Path, kind: str) -> int:
        """How many documents a file holds; ``kind``: one of ``PARTED``. Raises as :meth:`document`."""
        count = self._ask(_about_parts(path, kind, 1, 0)).header.get("count")
        return count if isinstance(count, int) else 0

    def parts(self, path: Path, kind: str, first: int, most: int) -> list[ReadPart]:
        """Some of the documents that a file holds, with the limits of a whole file: one at least, if there is one.

        Args:
            kind: one of ``PARTED``.
            first: number of the first one, counted from 1.
            most: how many at most; the worker stops sooner where it takes a moment.

        Raises:
            As :meth:`document`; one of them alone may be to blame, and they can be asked for one by one.
        """
        reply = self._ask(_about_parts(path, kind, first, most))
        found, at = [], 0
        for number, header in enumerate(reply.header["parts"], first):
            part = Message(header, reply.body[at : at + header["length"]])
            at += header["length"]
            text = _extracted(part) if "pages" in header else None
            found.append(ReadPart(number, int(header["size_bytes"]), text, header.get("reason")))
        return found

    def decode_image(self, path: Path, need: DecodeRequest) -> DecodedImage:
        """The decoded pixels of an image, and what it says about itself.

        Raises:
            As :meth:`document`.
        """
        reply = self._ask({"task": "image", "path": os.fspath(path.absolute()), "need": need})
        width, height = (int(side) for side in reply.header["size"])
        if min(width, height) < 1 or width * height * 3 != len(reply.body):
            raise Unreadable(_CRASHED)
        missing, facts = reply.header.get("missing"), reply.header.get("facts")
        return DecodedImage(
            (width, height),
            reply.body,
            missing if isinstance(missing, str) else None,
            PhotoFacts.of(facts if isinstance(facts, dict) else {}),
        )

    def close(self) -> None:
        """End the process, if there is one."""
        with self._guard:
            self._end()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _ask(self, request: Mapping[str, Any]) -> Message:
        """Ask about one file; a process that broke on it is replaced.

        One that served other files before may have been broken, or filled, by those: then a new one tries again.
        """
        left = self.limits.seconds * CLOCK
        with self._guard:
            while True:
                process = self._ready()
                fresh, started = process.served == 0, time.monotonic()
                try:
                    reply = process.ask(request, left, self._cancel)
                except _Ended as ended:
                    self._end()
                    reason = self._reason(ended)
                    _log.info("worker ended at %s: %s; the next file gets a new one", request.get("path"), reason)
                except BaseException:  # Ctrl-C and the like: nobody will take the answer that it is working on
                    self._end()
                    raise
                else:
                    if not reply.header.get("memory"):
                        break
                    self._end()
                    reason = self._reason(_Ended(status=OUT_OF_MEMORY))
                if request["task"] == "image" and reason in (_ABORTED, self._biggest):
                    reason = TOO_LARGE
                left -= time.monotonic() - started
                if fresh or left <= 0 or reason.startswith(TOO_LONG):
                    raise Unreadable(reason)
        if "reason" in reply.header:
            raise Unreadable(str(reply.header["reason"]))
        return reply

    def _ready(self) -> _Process:
        """The process, started if there is none."""
        if self._fault is not None:
            raise Unreadable(self._fault)
        if self._process is None:
            try:
                self._process = _Process(self.limits)
                self._process.wait_until_ready(self._cancel)
            except (_Ended, OSError) as error:
                self._end()
                self._fault = f"{_NO_PROCESS}{f' ({error})' if str(error) else ''}"
                raise Unreadable(self._fault) from error
            except BaseException:
                self._end()
                raise
        return self._process

    def _reason(self, ended: _Ended) -> str:
        if ended.late or ended.status == -_TIME_IS_UP:
            clock = f"{ended.allowed * CLOCK:g} seconds {BY_THE_CLOCK}"
            return f"{TOO_LONG}: more than {clock if ended.late else f'{ended.allowed:g} seconds'}"
        if ended.status == OUT_OF_MEMORY:
            return self._biggest
        return _ABORTED if ended.status == -signal.SIGABRT else _CRASHED

    @property
    def _biggest(self) -> str:
        return f"takes too much memory: more than {self.limits.memory_bytes // 1_000_000} MB"

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


class _Ended(Exception):
    """The process ended, or was late by the clock and is to be ended."""

    def __init__(self, *, late: bool = False, status: int | None = None, allowed: float = 0.0) -> None:
        self.late = late
        self.status = status
        self.allowed = allowed
        """Seconds of processor time that the file was allowed."""


class _Process:
    """One process and the thread that takes its answers."""

    def __init__(self, limits: Limits) -> None:
        self.served = 0
        self._allowed = limits.seconds
        self._limit_seconds = limits.seconds
        self._started_by = os.getpid()
        # In a session of its own, so that Ctrl-C on the terminal reaches this process alone, which decides.
        self._popen = subprocess.Popen(
            _command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # its threads would take of the memory that is limited
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows
        )
        self._answers: queue.Queue[Message | None] = queue.Queue()
        assert self._popen.stdout is not None
        threading.Thread(target=self._collect, args=(self._popen.stdout,), daemon=True).start()
        memory = {"memory_bytes": limits.memory_bytes, "most_memory_bytes": _most_memory(limits.memory_bytes)}
        self._send({"seconds": limits.seconds, **memory})

    def wait_until_ready(self, cancel: Callable[[], bool]) -> None:
        """Starting a process takes its time, which is not counted against a file. Raises as :meth:`ask`."""
        self._answer(_START_SECONDS, cancel)

    def ask(self, request: Mapping[str, Any], seconds: float, cancel: Callable[[], bool]) -> Message:
        """The answer to a request.

        Raises:
            _Ended: there is none.
            WorkerCancelled: ``cancel`` answered ``True``.
        """
        self._allowed = self._limit_seconds
        self._send(request)
        answer = self._answer(seconds, cancel)
        self.served += 1
        return answer

    def _answer(self, seconds: float, cancel: Callable[[], bool]) -> Message:
        deadline, spent_before = time.monotonic() + seconds, self._spent_seconds()
        while True:
            left = deadline - time.monotonic()
            try:
                answer = self._answers.get(timeout=max(0.0, min(left, _POLL_SECONDS)))
            except queue.Empty:
                if cancel():
                    raise WorkerCancelled from None
                if left <= 0:
                    raise _Ended(late=True, allowed=self._allowed) from None
                if self._spent_seconds() - spent_before > self._allowed:
                    raise _Ended(status=-_TIME_IS_UP, allowed=self._allowed) from None
                continue
            if answer is None:
                raise _Ended(status=self._popen.wait(), allowed=self._allowed)
            if "allowed" in answer.header:
                deadline += (float(answer.header["allowed"]) - self._allowed) * CLOCK
                self._allowed = float(answer.header["allowed"])
                continue
            return answer

    def _spent_seconds(self) -> float:
        """Processor time of the process, where it cannot limit that itself (Windows); elsewhere 0."""
        return 0.0 if hasattr(signal, "SIGPROF") else windows_cpu_seconds(int(getattr(self._popen, "_handle", 0)))

    def end(self) -> None:
        """Kill the process, if it does not go by itself at the end of its input."""
        if os.getpid() != self._started_by:
            return  # it works for the process that this one was forked from
        with contextlib.suppress(OSError):
            if self._popen.stdin is not None:
                self._popen.stdin.close()
        self._popen.kill()
        self._popen.wait()

    def _send(self, header: Mapping[str, Any]) -> None:
        assert self._popen.stdin is not None
        with contextlib.suppress(OSError):  # it is gone; the missing answer tells
            send(self._popen.stdin, header)

    def _collect(self, stream: IO[bytes]) -> None:
        with stream, contextlib.suppress(OSError, ValueError):
            while (reply := receive(stream)) is not None:
                self._answers.put(reply)
        self._answers.put(None)


def _about_parts(path: Path, kind: str, first: int, most: int) -> dict[str, Any]:
    return {"task": "parts", "path": os.fspath(path.absolute()), "kind": kind, "first": first, "most": most}


def _extracted(reply: Message) -> ExtractedText:
    pages = tuple(page for page in reply.header["pages"] if isinstance(page, int))
    aside, missing = reply.header["aside"], reply.header.get("missing")
    text = reply.body.decode("utf-8", "surrogatepass")
    return ExtractedText(
        text,
        pages,
        bool(reply.header["lines"]),
        aside if isinstance(aside, int) else None,
        missing if isinstance(missing, str) else None,
    )


def _most_memory(limit_bytes: int) -> int:
    """What the largest images may take, one at a time: half of what this machine has at most."""
    machine = memory_bytes()
    most = limit_bytes * _MOST_TIMES
    return most if machine is None else max(limit_bytes, min(most, machine // 2))


def _command() -> list[str]:
    """How to start a process that imports what this one would.

    Raises:
        Unreadable: there is no Python to start, or it would be the whole application.
    """
    if not sys.executable or (getattr(sys, "frozen", False) and not frozen.is_ready()):
        raise Unreadable("not readable: the application must call edgeembed.worker.run_if_worker() when it starts")
    if getattr(sys, "frozen", False):
        return [sys.executable, frozen.FLAG]
    # -I: nothing in the current folder or the environment may take the place of a module.
    return [sys.executable, "-I", "-c", _START, json.dumps(sys.path)]
