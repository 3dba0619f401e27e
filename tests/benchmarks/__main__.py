"""All parts of the benchmark, one after another: ``python -m tests.benchmarks --teacher FOLDER --out FOLDER``.

Installs and fetches nothing. Each part is a program of its own, ``python -m tests.benchmarks.PART --help``, and one
that fails does not stop the others. Into ``--out`` go what each part prints, its JSON and its figures, and
``report.md``, which holds the tables of all parts, the machine and the commands.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .embedding import machine

PARTS = ("embedding", "tiers", "processes", "peak", "scaling", "footprint", "index", "one_of_many", "photos")


def commands(options: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Name of a part and what it is called with; parts that lack what they need are not among them."""
    out, made = options.out, options.out / "made"
    teacher = [] if options.teacher is None else ["--teacher", str(options.teacher), "--made", str(made)]
    speeds = str(out / "embedding.json")
    if options.teacher is not None:
        yield "embedding", [str(options.teacher), "--made", str(made), "--json", speeds]
    if options.teacher is not None and options.data is not None:
        figure = str(out / "tiers.png")
        yield "tiers", [str(options.teacher), "--speeds", speeds, "--data", str(options.data), "--out", figure]
    yield "processes", [*teacher, "--memory"]
    yield "peak", []
    yield "scaling", ["--json", str(out / "scaling.json"), "--picture", str(out / "scaling.png")]
    yield "footprint", []
    yield "index", []
    yield "one_of_many", []
    if options.photos is not None:
        yield "photos", [options.photos]


def main() -> int:
    """Run the parts and gather what they print; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for results and for files made of the teacher")
    parser.add_argument("--teacher", type=Path, help="folder of all-MiniLM-L6-v2: peers take part")
    parser.add_argument("--data", type=Path, help="evaluation sets: quality against speed is drawn")
    parser.add_argument("--photos", metavar="BUNDLE", help="bundle with a picture tower: photos a second are measured")
    parser.add_argument("--only", action="append", choices=PARTS, default=[], help="may be repeated")
    options = parser.parse_args()
    (options.out / "made").mkdir(parents=True, exist_ok=True)
    about = machine()
    report = [f"# Benchmark\n\n{about['processor']}, {' '.join(about['flags'])}; {about['versions']}"]
    found: dict[str, dict[str, str]] = {}
    for part, arguments in commands(options):
        if options.only and part not in options.only:
            continue
        print(f"{part} …", file=sys.stderr, flush=True)
        command = ["-m", f"tests.benchmarks.{part}", *arguments]
        result = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, text=True)
        said = result.stdout.strip() or f"failed with status {result.returncode}"
        found[part] = {"command": shlex.join(command), "status": str(result.returncode), "said": said}
        report.append(f"## {part}\n\n`python {shlex.join(command)}`\n\n{said}")
        (options.out / "report.md").write_text("\n\n".join(report) + "\n", encoding="utf-8")
        whole = json.dumps({"machine": about, "parts": found}, indent=1)
        (options.out / "report.json").write_text(whole + "\n", encoding="utf-8")
        print(said, flush=True)
    return int(any(part["status"] != "0" for part in found.values()))


if __name__ == "__main__":
    sys.exit(main())
