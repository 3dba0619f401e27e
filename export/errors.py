"""The one exception that the export stage raises on purpose."""

from __future__ import annotations


class ExportError(Exception):
    """A source that cannot become a bundle, or a bundle that does not stand its test; the message says why."""
