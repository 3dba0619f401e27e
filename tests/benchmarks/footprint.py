"""How large installs are: ``python -m tests.benchmarks.footprint``.

Sums up the files of a distribution and of all that it requires, as far as they are installed here; nothing is
installed for it.
"""

from __future__ import annotations

import argparse
import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement


def closure(name: str) -> dict[str, Distribution]:
    """A distribution and all that it requires, without extras, by normalised name.

    Raises:
        PackageNotFoundError: it is not installed.
    """
    found: dict[str, Distribution] = {}
    waiting = [(name, frozenset[str]())]
    while waiting:
        wanted, extras = waiting.pop()
        key = re.sub(r"[-_.]+", "-", wanted).lower()
        if key in found and not extras:
            continue
        found[key] = distribution(wanted)
        for line in found[key].requires or []:
            requirement = Requirement(line)
            marker = requirement.marker
            asked = marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""})
            if asked and re.sub(r"[-_.]+", "-", requirement.name).lower() not in found:
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return found


def size_bytes(installed: Distribution) -> int:
    """Of all its files that are there, compiled ones too."""
    paths = {Path(str(item.locate())) for item in installed.files or []}
    return sum(path.stat().st_size for path in paths if path.is_file())


def main() -> None:
    """Print a table for each distribution that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["edgeembed", "fastembed", "sentence-transformers", "model2vec"])
    for name in parser.parse_args().names:
        try:
            parts = {part: size_bytes(found) for part, found in closure(name).items()}
        except PackageNotFoundError as error:
            print(f"{name} is left out: {error}\n")
            continue
        print(f"{name}: {sum(parts.values()) / 1e6:.1f} MB in {len(parts)} distributions")
        for part, size in sorted(parts.items(), key=lambda item: -item[1]):
            if size >= 1e6:
                print(f"  {part:24} {size / 1e6:7.1f} MB")
        print()


if __name__ == "__main__":
    main()
