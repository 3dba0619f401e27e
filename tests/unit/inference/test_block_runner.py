"""A block of texts, run one by one and spread over threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from edgeembed.bundle.bundle import read_bundle
from edgeembed.errors import BundleError
from edgeembed.inference.block_runner import _Block, _Job
from edgeembed.inference.onnx_session import BASIC, OnnxSession
from edgeembed.inference.tokenizer import IdRow


@pytest.fixture
def session(tiny_bundle: Path) -> OnnxSession:
    return OnnxSession(read_bundle(tiny_bundle), "text.onnx", ("input_ids", "attention_mask"), BASIC)


def ids_of(number: int) -> tuple[IdRow, IdRow]:
    ids = np.array([2, 5 + number, 9, 3], np.int64)
    return ids, np.ones_like(ids)


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_rows_stand_in_the_order_of_the_texts_whatever_was_run_first(session: OnnxSession, threads: int) -> None:
    block = _Block(ids_of, [len(str(number)) for number in range(20)])
    pool = ThreadPoolExecutor(threads) if threads else None
    session.least_seconds = 1.0  # as of a graph for which threads pay
    job = _Job(session, block, 16)
    with job.begun(pool, threads):
        vectors = job.result()
    assert (vectors.shape, vectors.dtype) == ((20, 16), np.float32)
    for number, vector in enumerate(vectors):
        ids, mask = ids_of(number)
        assert (vector == session.run({"input_ids": ids[None], "attention_mask": mask[None]})).all()


def test_no_texts_are_no_rows(session: OnnxSession) -> None:
    job = _Job(session, _Block(ids_of, []), 16)
    with job.begun(None, 1):
        assert job.result().shape == (0, 16)


def test_after_an_error_nothing_more_is_begun(session: OnnxSession) -> None:
    runs: list[int] = []

    def encoding(number: int) -> tuple[IdRow, IdRow]:
        runs.append(number)
        if len(runs) == 3:
            return np.array([10**6]), np.array([1])  # a token that there is not
        return ids_of(number)

    job = _Job(session, _Block(encoding, list(range(100))), 16)

    def embed() -> None:
        with job.begun(None, 1):
            job.result()

    with pytest.raises(BundleError, match="cannot be run"):
        embed()
    assert runs == [99, 98, 97]  # the longest first
    assert len(job.result()) == 100
    assert len(runs) == 3
