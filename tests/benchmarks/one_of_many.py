"""A filter that keeps one record of many: is its best passage found, and how fast?

    python -m tests.benchmarks.one_of_many [RECORDS]      100 000 unless given

Generated records, a tiny bundle: this measures the index, not a model.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from edgeembed import Document, Index
from tests.support.tiny import tiny_text_bundle


def main(records: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        bundle = tiny_text_bundle(Path(place) / "tiny")
        with Index.open(Path(place) / "index", model=bundle) as index:
            index.add(
                Document(f"{i}", text=f"boat garden number {i}", metadata={"n": i, "one": i == records // 2})
                for i in range(records)
            )
            print(f"{records} records, {index.status().segments} segments")
            wanted = str(records // 2)
            for where in (
                {"n": records // 2},
                {"one": True},
                {"document.id": wanted},
                {"document.id": {"glob": wanted}},
            ):
                for mode in ("hybrid", "vector", "keyword"):
                    seconds = []
                    for _ in range(5):
                        start = time.perf_counter()
                        hits = index.search("boat garden", where=where, mode=mode)
                        seconds.append(time.perf_counter() - start)
                        assert [hit.id for hit in hits] == [wanted], (where, mode, hits)
                        assert hits[0].snippet == f"boat garden number {wanted}"
                    print(f"{where!s:40} {mode:8} {statistics.median(seconds) * 1000:7.0f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
