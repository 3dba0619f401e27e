"""Cost against work: ``python -m tests.benchmarks.scaling``.

Folders of 100, 1 000 and 10 000 small text files are indexed anew, looked at with nothing changed, and searched; one
folder is indexed with 1, 2 and 4 threads. An exponent of 1 means that ten times the files take ten times as long; it is
the slope of a straight line through the logarithms.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .processes import _CLI, run, write_folder

Times = dict[str, dict[int, float]]
"""What was done to the seconds for each number (of files, or of threads)."""

_BYTES = 2_000
"""Of one file."""


def _edgeembed(*arguments: str) -> list[str]:
    return [sys.executable, "-c", _CLI, *arguments]


def exponent(times: Mapping[int, float]) -> float:
    """Slope of the logarithm of seconds against that of the number."""
    return statistics.linear_regression(
        [math.log(number) for number in times], [math.log(seconds) for seconds in times.values()]
    ).slope


def by_files(counts: Sequence[int], model: str, scratch: Path) -> Times:
    """Whole processes over folders of so many files."""
    times: Times = {"index": {}, "index again": {}, "search": {}}
    for count in counts:
        folder = scratch / str(count)
        write_folder(folder, count, _BYTES)
        times["index"][count] = run(_edgeembed("index", "--yes", "--model", model, str(folder))).wall_seconds
        for name, command in (("index again", ["index"]), ("search", ["search", "bees in winter"])):
            runs = [run(_edgeembed(*command, str(folder))).wall_seconds for _ in range(3)]
            times[name][count] = statistics.median(runs)
    return times


def by_threads(threads: Sequence[int], count: int, model: str, scratch: Path) -> dict[int, float]:
    """Indexing anew with so many threads."""
    folder = scratch / "threads"
    write_folder(folder, count, _BYTES)
    found = {}
    for number in threads:
        where = ["--index", str(scratch / f"index-{number}")]
        command = _edgeembed("index", "--yes", "--model", model, "--threads", str(number), *where, str(folder))
        found[number] = run(command).wall_seconds
    return found


def table(times: Times) -> str:
    """A row for each thing that was done."""
    counts = list(next(iter(times.values())))
    rows = [["files", *(f"{count:,}" for count in counts), "exponent"], ["---"] * (len(counts) + 2)]
    for name, seconds in times.items():
        rows.append([name, *(f"{value:.2f} s" for value in seconds.values()), f"{exponent(seconds):.2f}"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def draw(times: Times, out: Path) -> None:
    """The same as a figure with logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for name, seconds in times.items():
        axes.plot(list(seconds), list(seconds.values()), marker="o", label=f"{name}, exponent {exponent(seconds):.2f}")
    axes.set(xscale="log", yscale="log", xlabel="files", ylabel="seconds of the whole process")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(out, dpi=110)
    pyplot.close(figure)


def main() -> None:
    """Measure, print tables, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--model", default="minilm-static")
    parser.add_argument("--threads-model", default="minilm-l3-int8")
    parser.add_argument("--threads-files", type=int, default=300)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        times = by_files(options.files, options.model, Path(scratch))
        threads = by_threads(options.threads, options.threads_files, options.threads_model, Path(scratch))
    print(f"{options.model}, files of {_BYTES} bytes\n\n{table(times)}")
    shown = ", ".join(f"{number}: {seconds:.1f} s" for number, seconds in threads.items())
    print(f"\nThreads, {options.threads_files} files, {options.threads_model}: {shown}")
    if options.json:
        options.json.write_text(json.dumps({"files": times, "threads": threads}, indent=1) + "\n", encoding="utf-8")
    if options.image:
        draw(times, options.image)


if __name__ == "__main__":
    main()
