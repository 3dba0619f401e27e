"""Which wheels of the runtime's dependencies are missing, for each Python and each platform.

    python .ci/resolve_wheels.py

pip resolves the dependencies of `pyproject.toml`, with the extras `documents` and `heic`, as if for another machine,
and installs nothing. Where no set of wheels fits, each dependency is resolved alone to name what is missing. Needs a
package index and pip 23 or newer; takes some minutes. pip reads environment markers (`sys_platform == ...`) as of the
machine that it runs on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    # glibc 2.28 is that of RHEL 8 and Debian 10.
    "Linux x86-64": [f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)] + ["manylinux2014_x86_64"],
    "Linux arm64": [f"manylinux_2_{minor}_aarch64" for minor in range(28, 16, -1)] + ["manylinux2014_aarch64"],
    "macOS x86-64": ["macosx_14_0_x86_64"],  # pip adds the older ones
    "macOS arm64": ["macosx_14_0_arm64"],
    "Windows x86-64": ["win_amd64"],
    "Windows arm64": ["win_arm64"],
}
EXTRAS = ("documents", "heic")
SHOWN = ("numpy", "onnxruntime", "tokenizers", "usearch")
"""Native packages whose resolved version the table shows."""
TIMEOUT_SECONDS = 180
"""For one resolution: where a dependency of a dependency has no wheel, pip tries all older versions one by one."""


class Resolution(NamedTuple):
    """The outcome for one Python on one platform."""

    versions: dict[str, str]
    """Of each package; empty where no set of wheels fits."""
    missing: list[str]
    """Requirements that no wheel meets, or whose own dependencies have none."""


def resolve(requirements: list[str], python: str, platforms: list[str]) -> dict[str, str] | None:
    """Versions by package name that pip would install, or ``None`` where it finds no set of wheels."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--disable-pip-version-check", "--only-binary=:all:", "--target", scratch, "--report", str(report)]
        command += ["--python-version", python, *(f"--platform={name}" for name in platforms), *requirements]
        try:
            if subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS).returncode:
                return None
        except subprocess.TimeoutExpired:
            return None
        installs = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {item["metadata"]["name"].lower(): item["metadata"]["version"] for item in installs}


def check(requirements: list[str], python: str, platforms: list[str]) -> Resolution:
    """All requirements together; where that fails, each alone."""
    versions = resolve(requirements, python, platforms)
    if versions is not None:
        return Resolution(versions, [])
    missing = [one for one in requirements if resolve([one], python, platforms) is None]
    return Resolution({}, missing or ["no versions that fit together"])


def main() -> int:
    """Print a Markdown table; the status is 1 where a wheel is missing."""
    root = Path(__file__).resolve().parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = list(project["dependencies"])
    for extra in EXTRAS:
        requirements += project["optional-dependencies"][extra]
    requirements = list(dict.fromkeys(requirements))
    print(f"| platform | Python | {' | '.join(SHOWN)} | missing |\n|---|---|{'---|' * len(SHOWN)}---|", flush=True)
    complete = True
    for platform, tags in PLATFORMS.items():
        for python in PYTHONS:
            resolution = check(requirements, python, tags)
            complete &= not resolution.missing
            shown = " | ".join(resolution.versions.get(name, "") for name in SHOWN)
            print(f"| {platform} | {python} | {shown} | {', '.join(resolution.missing)} |", flush=True)
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
