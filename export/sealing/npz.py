"""Reproducible ``.npz`` archives: their bytes depend on nothing but the arrays."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the zip format cannot leave the time out


def npz_bytes(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The bytes of a compressed ``.npz`` file, in the order of the names.

    ``numpy.savez`` writes the present time into each entry, so that no two archives are ever equal.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(entry, content.getvalue())
    return buffer.getvalue()
