"""What an application that is frozen into one executable calls first of all."""

from .reading.sandbox.frozen import run_if_worker

__all__ = ["run_if_worker"]
