"""An application that is frozen into one executable starts itself once more as the sandbox worker.

Kept apart from ``process.py`` so that whoever only calls :func:`run_if_worker` loads nothing that starts processes.
"""

from __future__ import annotations

import sys

FLAG = "--edgeembed-worker"
"""The first argument of an executable that is to be the worker."""

_is_ready = False


def run_if_worker() -> None:
    """Be the worker, if this process was started as one, and do not return then.

    An application that is frozen into one executable (PyInstaller and the like) calls this first of all, as it would
    call ``multiprocessing.freeze_support``: its executable is then started once more, as the worker. Others need not.
    """
    global _is_ready
    if sys.argv[1:2] == [FLAG]:
        from .child import serve

        serve()
        sys.exit()
    _is_ready = True


def is_ready() -> bool:
    """Whether :func:`run_if_worker` was called, so that this executable may be started as the worker."""
    return _is_ready
