"""Indexes that tests damage, and what these answer."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np

from edgeembed import Index
from edgeembed.catalog.database import CATALOG_NAME

WORDS = ["boat", "garden", "fence", "tomato", "letter", "dawn", "harbour", "paint", "seed", "invoice"]


def texts(count: int, *, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [f"{' '.join(rng.choice(WORDS, 5))} number {i}" for i in range(count)]


def change(place: Path, sql: str, *values: object) -> None:
    db = sqlite3.connect(place / CATALOG_NAME)
    db.execute(sql, values)
    db.commit()
    db.close()


def answers(place: Path) -> dict[str, list[tuple[str, float]]]:
    with Index.open(place, read_only=True) as index:
        return {q: [(hit.id, round(hit.similarity, 4)) for hit in index.search(q, k=200)] for q in WORDS}


def problems(place: Path) -> str:
    with Index.open(place, read_only=True) as index:
        return "\n".join(f"{problem.where}: {problem.what}" for problem in index.verify().problems)


def cut(path: Path, size: int) -> None:
    raw = path.read_bytes()
    path.unlink()
    path.write_bytes(raw[:size])


def flip(path: Path, offset: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 0x10
    path.unlink()
    path.write_bytes(raw)


def segment(place: Path) -> Path:
    return sorted(place.glob("*.usearch"))[0]
