"""What is shown by default: is what fits shown, and what does not fit left out?

Run ``python -m tests.benchmarks.no_match --data DATA --cache CACHE``. Queries are asked of folders that hold an
answer and of folders of another field, in whole sets and in folders of 10, 100 and 1 000 documents of each (one of
them right):

- Cranfield, CISI and LISA (the last two are one field, library science, and not foreign to each other);
- banking intents, whose labels are the queries, of two or three words;
- captions of photos that another caption of the same photo is asked for, and photos that a caption is asked for;
- the sample folder with its sentences and its plain queries, alone and among a thousand documents about other things;
- questions to a web search engine, foreign nearly everywhere; some do find something, most of all in the large sets.

Printed: of queries whose right document is the first without a cut, the share that does not show it (**hidden**); of
foreign queries, the share that shows anything (**foreign**); then, for judged sets, what leaving out the tail costs.
The constants in ``index_models.calibration`` were chosen with all of these at hand; the sample folder fixed the level.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

import edgeembed
from edgeembed import Document, Index
from tests.support.paths import ROOT

from .evaluation import SETS, Judged, judged_set, lines

Asked = Sequence[tuple[str, set[str]]]
"""Queries and the ids of the documents that are right."""
SIZES = (10, 100, 1000)


class Folders:
    """Indexes of the benchmark, kept in a folder."""

    def __init__(self, data: Path, cache: Path, model: edgeembed.Embedder) -> None:
        self._data, self._cache, self._model = data, cache, model
        self.web = [row["text"].replace('"', " ") for row in self._shuffled("text/queries")[:200]]

    def _shuffled(self, name: str) -> list[dict[str, str]]:
        rows = lines(self._data / f"{name}.jsonl.gz")
        random.Random(7).shuffle(rows)
        return rows

    def made(self, name: str, documents: Iterable[Document]) -> Index:
        """An index of some documents, made at the first time."""
        index = Index.open(self._cache / f"{name}-{self._model.manifest.encoder[:12]}.index", model=self._model)
        if not index.status().documents:
            index.add(documents)
        return index

    def part(self, name: str, whole: Index, kept: set[str], added: Iterable[Document] = ()) -> Index:
        """An index of some documents of another one, and of others."""
        place = self._cache / f"{name}-{self._model.manifest.encoder[:12]}.index"
        if not place.exists():
            shutil.copytree(whole.path, place)
            with Index.open(place, model=self._model) as index:
                index.remove([id for id in index._store.read(lambda snapshot: snapshot.ids()) if id not in kept])
                index.add(added)
        return Index.open(place, model=self._model)

    def intents(self) -> tuple[Index, Asked]:
        """Questions to a bank; the labels are the queries."""
        rows = {f"i{n}": row for n, row in enumerate(self._shuffled("text/intents"))}
        right: dict[str, set[str]] = {}
        for id, row in rows.items():
            right.setdefault(row["label"].replace("_", " "), set()).add(id)
        return self.made("all-intents", (Document(id, text=row["text"]) for id, row in rows.items())), [*right.items()]

    def captions(self) -> tuple[Index, Asked]:
        """One caption of each photo; another one is the query."""
        groups = [row["captions"] for row in self._shuffled("text/caption_groups") if len(row["captions"]) > 1][:5000]
        index = self.made("all-captions", (Document(f"c{n}", text=group[0]) for n, group in enumerate(groups)))
        return index, [(group[1].replace('"', " "), {f"c{n}"}) for n, group in enumerate(groups)]

    def photos(self) -> tuple[Index, Asked]:
        """The thousand photos of the development set of Flickr8k; captions are the queries."""
        rows = [row for row in self._shuffled("images/flickr8k_captions") if row["split"] == "dev"]
        with tempfile.TemporaryDirectory() as scratch, tarfile.open(self._data / "images/flickr8k_dev.tar") as archive:
            archive.extractall(scratch, filter="data")
            files = {path.name: path for path in Path(scratch).rglob("*.jpg")}
            found = (Document(row["image"], image=files[Path(row["image"]).name]) for row in rows)
            index = self.made("all-photos", found)
        return index, [(row["captions"][0].replace('"', " "), {row["image"]}) for row in rows]

    def sample(self) -> tuple[list[Document], Asked]:
        """The notes of the sample folder, as documents, and their queries."""
        with tempfile.TemporaryDirectory() as scratch:
            copy = shutil.copytree(ROOT / "sample", Path(scratch) / "sample", ignore=shutil.ignore_patterns(".edge*"))
            with edgeembed.Folder.open(copy, model=self._model, image_model="none") as folder:
                folder.sync()
                ids = folder.index._store.read(lambda snapshot: snapshot.ids())
                texts = {
                    id: "\n".join(line for _, line in folder.index.lines(id, 1, 10**6))
                    for id in ids
                    if ".html" not in id
                }
        asked = []
        for name in ("sample_queries", "plain_queries"):
            rows = json.loads((ROOT / f"{name}.json").read_text(encoding="utf-8"))
            asked += [(row["query"], {row["path"]}) for row in rows if row["path"] in texts]
        return [Document(id, text=text) for id, text in texts.items()], asked


def hidden(index: Index, asked: Asked) -> str:
    """Share of the queries answered right at the first place whose answer is not shown by default."""
    found = []
    for text, right in asked:
        first = [hit.id for hit in index.search(text, k=1)]
        if right.issuperset(first) and first:
            found.append(first != [hit.id for hit in index.search(text, k=1, min_score="auto")])
    return f"{np.mean(found):6.1%} of {len(found):3}" if found else " " * 13


def shown(index: Index, asked: Iterable[str]) -> str:
    """Share of the queries for which anything is shown."""
    return f"{np.mean([bool(index.search(text, k=1, min_score='auto')) for text in asked]):6.1%}"


def judge(folders: Folders, name: str, whole: Index, asked: Asked, foreign: Mapping[str, Sequence[str]]) -> None:
    """Print both shares for a set, and for small folders of its documents."""
    rng = random.Random(name)
    ids = whole._store.read(lambda snapshot: snapshot.ids())
    for size in (*(size for size in SIZES if size < len(ids)), len(ids)):
        kept = set(rng.sample(ids, size))
        index = whole if size == len(ids) else folders.part(f"{name}-{size}", whole, kept)
        answered = [(text, right & kept) for text, right in asked if right & kept]
        row = ", ".join(f"{other} {shown(index, texts)}" for other, texts in foreign.items())
        some = rng.sample(answered, min(len(answered), 300))
        print(f"  {name:10} {size:6} documents: hidden {hidden(index, some)}; foreign: {row}", flush=True)


def areas(found: Judged, foreign: Iterable[str]) -> None:
    """Print what the best score tells apart: the chance that of two queries the one with an answer scores higher.

    That is the area under the receiver operating characteristic (Mann and Whitney's U, scaled). Queries are compared
    with foreign ones, and with themselves when all their relevant documents are left out of the results.
    """
    within, without = [], []
    for number, text in found.queries:
        relevant = {id for id, gain in found.gains[number].items() if gain > 0}
        hits = found.index.search(text, k=len(relevant) + 20, mode="vector")
        within.append(max(hit.score or 0.0 for hit in hits))
        without.append(max((hit.score or 0.0 for hit in hits if hit.id not in relevant), default=0.0))
    others = [found.index.search(text, k=1, mode="vector")[0].score or 0.0 for text in foreign]
    strange, robbed = (np.mean(np.subtract.outer(within, low) > 0) for low in (others, without))
    print(
        f"  {found.name:10} area {strange:.3f} against queries of another field, {robbed:.3f} without what is relevant"
    )


def tails(found: Judged) -> None:
    """Print what a judged set loses by what is left out of the first ten by default."""
    rankings = {cut: [found.index.search(text, min_score=cut) for _, text in found.queries] for cut in (None, "auto")}
    ndcg = {cut: found.ndcg([[hit.id for hit in hits] for hits in row]) for cut, row in rankings.items()}
    relevant = {
        cut: sum(
            found.gains[q].get(hit.id, 0) > 0 for (q, _), hits in zip(found.queries, row, strict=True) for hit in hits
        )
        for cut, row in rankings.items()
    }
    length = np.mean([len(hits) for hits in rankings["auto"]])
    lost = 1 - relevant["auto"] / relevant[None]
    print(
        f"  {found.name:10} nDCG@10 {ndcg[None]:.2f}, by default {ndcg['auto']:.2f}; of the relevant among the first "
        f"ten {lost:.1%} are left out; {length:.1f} hits are shown"
    )


def measure(folders: Folders, sets: Sequence[Judged]) -> None:
    """Print all of it."""
    queries = {found.name: [text for _, text in found.queries] for found in sets}
    for found in sets:
        asked = [(text, {id for id, gain in found.gains[q].items() if gain > 0}) for q, text in found.queries]
        others = {name: queries[name] for name in SETS if (name == "cranfield") != (found.name == "cranfield")}
        areas(found, [text for texts in others.values() for text in texts])
        judge(folders, found.name, found.index, asked, {**others, "web": folders.web})
    foreign = {"cranfield": queries["cranfield"], "web": folders.web}
    intents, captions, photos = folders.intents(), folders.captions(), folders.photos()
    judge(folders, "intents", *intents, foreign)
    labels = {"labels": [text for text, _ in intents[1]]}
    judge(folders, "captions", *captions, foreign | labels)
    judge(folders, "photos", *photos, foreign | labels)
    documents, asked = folders.sample()
    rng = random.Random(0)
    for name, whole in (("captions", captions[0]), ("intents", intents[0]), ("cranfield", sets[0].index)):
        ids = whole._store.read(lambda snapshot: snapshot.ids())
        for size in (0, 100, 1000):
            index = folders.part(f"sample-{name}-{size}", whole, set(rng.sample(ids, size)), documents)
            if size or name == "captions":
                web = shown(index, folders.web)
                print(f"  the sample among {size:4} of {name:9}: hidden {hidden(index, asked)}; foreign: web {web}")
    for found in sets:
        tails(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, help="folder that keeps the indexes; otherwise they are made each time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, edgeembed.Embedder.load() as model:
        place = options.cache or Path(scratch)
        kept = Folders(options.data, place, model)
        measure(kept, [judged_set(name, options.data, place, model) for name in SETS])
