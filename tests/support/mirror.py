"""Modules that have no test module of their own: ``python -m tests.support.mirror`` lists them.

The tests of ``edgeembed/text/chunker.py`` are in ``tests/unit/text/test_chunker.py``, or several ``test_chunker_*.py``.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.paths import ROOT

MIRRORS = {ROOT / "edgeembed": ROOT / "tests" / "unit", ROOT / "export": ROOT / "tests" / "export"}
"""Each package and the folder of its tests."""


def untested(package: Path, tests: Path) -> list[Path]:
    """Modules of a package, relative to it, without a test module of their name."""
    modules = [path.relative_to(package) for path in sorted(package.rglob("*.py")) if not path.stem.startswith("__")]
    return [module for module in modules if not list((tests / module.parent).glob(f"test_{module.stem}*.py"))]


if __name__ == "__main__":
    for package, tests in MIRRORS.items():
        for module in untested(package, tests):
            print((package / module).relative_to(ROOT).as_posix())
