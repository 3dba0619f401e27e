"""What a forked child inherits: threads that are dead, locks that nobody will release, open files that are shared.

Only the thread that forks lives on in the child (https://man7.org/linux/man-pages/man2/fork.2.html). Whatever has
threads, locks or connections says here what is to be done about them.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Inherited(Protocol):
    """Something that does not survive a fork by itself."""

    def before_fork(self) -> None:
        """Called in the parent, in the thread that forks."""

    def after_fork(self, *, in_child: bool) -> None:
        """Called in parent and child."""


_items: WeakSet[Inherited] = WeakSet()
_forking: list[Inherited] = []
_descriptors: set[int] = set()


def follow_forks(item: Inherited) -> None:
    """Have ``item`` asked at each fork, as long as it lives."""
    _items.add(item)


def own(descriptor: int) -> None:
    """Let a file descriptor lead nowhere in forked children, so that a lock on its file ends with this process."""
    _descriptors.add(descriptor)


def disown(descriptor: int) -> None:
    """End what :func:`own` said."""
    _descriptors.discard(descriptor)


def _before() -> None:
    _forking[:] = _items
    for item in _forking:
        item.before_fork()


def _after_in_parent() -> None:
    for item in reversed(_forking):
        item.after_fork(in_child=False)
    _forking.clear()


def _after_in_child() -> None:
    # Not closed: whoever thinks to hold the lock would unlock what gets the number next, or the parent's file.
    for descriptor in _descriptors:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
    _descriptors.clear()
    for item in reversed(_forking):
        item.after_fork(in_child=True)
    _forking.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
