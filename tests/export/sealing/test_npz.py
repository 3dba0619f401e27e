"""Archives whose bytes depend on nothing but the arrays."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from edgeembed_export.sealing.npz import npz_bytes


def test_the_bytes_are_the_same_later_and_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = {"b": np.arange(6).reshape(2, 3), "a": np.array(["ä", "long"]), "c": np.zeros((0, 4), np.float16)}
    before = npz_bytes(arrays)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86_400)
    assert npz_bytes(dict(reversed(arrays.items()))) == before
    assert npz_bytes({**arrays, "b": np.asfortranarray(arrays["b"])}) == before  # the layout in memory is no content


def test_numpy_reads_what_was_written() -> None:
    arrays = {
        "one": np.float32(3.5).reshape(()),
        "strided": np.arange(20, dtype=np.uint64)[::3],
        "texts": np.array(["", "a\nb", "日本"]),
        "empty": np.empty((0,), np.int32),
    }
    with np.load(io.BytesIO(npz_bytes(arrays)), allow_pickle=False) as archive:
        assert set(archive.files) == set(arrays)
        for name, array in arrays.items():
            assert archive[name].dtype == array.dtype
            np.testing.assert_array_equal(archive[name].reshape(array.shape), array)


def test_objects_are_refused_and_nothing_is_an_archive_too() -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        npz_bytes({"a": np.array([{}, None])})
    with np.load(io.BytesIO(npz_bytes({}))) as archive:
        assert archive.files == []
