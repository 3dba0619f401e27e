"""How fast does a warm server answer, and does it stay well? ``python -m tests.benchmarks.server --cache FOLDER``.

A folder of texts, cut at random places from the documentation of Python's standard library, is served by a process of
its own. Measured at the client, over one connection that stays open: the median of ``POST /api/search`` with questions
of ten running words. Then ``edgeembed search`` with the server and without, by turns in one run.

``--soak SECONDS`` has clients search while files change: each asks for a word that one file alone holds, so every
answer is known. Printed every ten seconds: answers, wrong ones, errors, and the resident size of the server.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.support.server import Server, serving

from .words import passages, questions, running_words

_PASSAGES_A_FILE = 40
_CHANGING = 20
_CLI = [sys.executable, "-c", "from edgeembed.cli.main import main; main()"]


class Connection:
    """A connection to a server that stays open."""

    def __init__(self, server: Server) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}

    def search(self, query: str, **fields: object) -> list[dict[str, object]]:
        """Hits of a query.

        Raises:
            RuntimeError: the server answered with an error.
        """
        self._connection.request("POST", "/api/search", json.dumps({"query": query, **fields}), self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {body[:200]!r}")
        hits: list[dict[str, object]] = json.loads(body)["hits"]
        return hits


def make_folder(folder: Path, count: int) -> None:
    """Files with so many passages in all, a paragraph each."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = passages(running_words(None), count)
    for number, group in enumerate(iter(lambda: list(itertools.islice(documents, _PASSAGES_A_FILE)), [])):
        file = folder / f"{number:05}.txt"
        if not file.exists():
            file.write_text("\n\n".join(document.text or "" for document in group), encoding="utf-8")


def latency(server: Server, asked: list[str]) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds."""
    connection, taken = Connection(server), []
    for query in [*asked[:5], *asked]:
        begun = time.perf_counter()
        connection.search(query)
        taken.append(1000 * (time.perf_counter() - begun))
    return statistics.median(taken[5:]), statistics.quantiles(taken[5:], n=20)[-1]


def command(folder: Path, query: str) -> float:
    """Seconds that a search on the command line takes."""
    begun = time.perf_counter()
    subprocess.run([*_CLI, "search", query, str(folder), "--json"], stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - begun


def resident_mb(server: Server) -> float:
    """The memory that a server holds now; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def soak(server: Server, folder: Path, clients: int, seconds: float) -> None:
    """Search while files change, and print how that goes."""
    counts: Counter[str] = Counter()
    end, names = time.monotonic() + seconds, [f"soak{i}.txt" for i in range(_CHANGING)]
    words = {name: f"zyx{i}word" for i, name in enumerate(names)}
    for name in names:
        (folder / name).write_text(f"{words[name]} stands in this file alone\n")
    server.sync()

    def ask(number: int) -> None:
        rng, connection = random.Random(number), Connection(server)
        while time.monotonic() < end:
            name = rng.choice(names)
            try:
                hits = connection.search(words[name], mode="keyword", k=3)
                found = [Path(str(hit["path"])).name for hit in hits]
                counts["answers" if found[:1] == [name] else f"wrong: {found}"] += 1
                connection.search("a question about files and folders", k=5)
            except Exception as error:
                counts[f"error: {error!r}"] += 1
                connection = Connection(server)

    def change() -> None:
        rng = random.Random(0)
        while time.monotonic() < end:
            name = rng.choice(names)
            scratch = folder / f".{name}"
            scratch.write_text(f"{words[name]} stands in this file alone, version {rng.random()}\n")
            scratch.replace(folder / name)
            server.sync()
            time.sleep(0.5)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(clients)] + [threading.Thread(target=change)]
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    while time.monotonic() < end:
        time.sleep(min(10, max(0.1, end - time.monotonic())))
        print(f"{time.monotonic() - begun:6.0f} s  {resident_mb(server):7.1f} MB  {dict(counts)}", flush=True)
    for thread in threads:
        thread.join()
    print(f"  ended  {resident_mb(server):7.1f} MB  {dict(counts)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--model", help="of the index; otherwise the default")
    parser.add_argument("--cache", type=Path, help="folder that keeps the texts and their index")
    parser.add_argument("--soak", type=float, metavar="SECONDS")
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    asked = questions(running_words(None), 10, options.questions)
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.cache or Path(scratch)) / f"texts-{options.passages}-{options.model or 'default'}"
        make_folder(folder, options.passages)
        model = ["--model", options.model] if options.model else []
        subprocess.run([*_CLI, "index", str(folder), *model], check=True)
        alone = [command(folder, query) for query in asked[:5]]
        with serving(folder) as server:
            server.sync()
            median, slow = latency(server, asked)
            print(f"{options.passages} passages: median {median:.1f} ms, 95 of 100 within {slow:.1f} ms, at the client")
            served = [command(folder, query) for query in asked[:5]]
            ratio = statistics.median(served) / statistics.median(alone)
            print(
                f"search: {statistics.median(alone):.2f} s alone, {statistics.median(served):.2f} s served: {ratio:.2f}"
            )
            if options.soak:
                soak(server, folder, options.clients, options.soak)


if __name__ == "__main__":
    main()
