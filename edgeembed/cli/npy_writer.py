"""A .npy file that is written row by row, its length known only at the end."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format


class NpyWriter:
    """Appends float32 rows to a .npy file, which is complete when the context ends.

    NumPy leaves room in a header for the first axis to grow, so that it can be written again in place.
    """

    def __init__(self, path: Path, dim: int) -> None:
        self._path = path
        self._dim = dim
        self._rows = 0
        self._file: IO[bytes]

    def append(self, rows: npt.NDArray[np.float32]) -> None:
        """Write ``(n, dim)`` more rows."""
        self._file.write(np.ascontiguousarray(rows, dtype="<f4").tobytes())
        self._rows += len(rows)

    def __enter__(self) -> NpyWriter:
        self._file = self._path.open("wb")
        self._write_header()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def _write_header(self) -> None:
        header = {"descr": "<f4", "fortran_order": False, "shape": (self._rows, self._dim)}
        npy_format.write_array_header_1_0(self._file, header)
