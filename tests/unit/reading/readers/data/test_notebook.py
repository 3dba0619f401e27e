"""Jupyter notebooks to text."""

from __future__ import annotations

import json

from edgeembed.reading.readers import read
from tests.support.documents import reason


def test_notebook() -> None:
    book = {
        "cells": [
            {"cell_type": "markdown", "source": ["# Fit\n", "by least squares"]},
            {
                "cell_type": "code",
                "source": "x = 1\nprint(x)",
                "outputs": [
                    {"output_type": "stream", "text": ["1\n"]},
                    {"output_type": "display_data", "data": {"image/png": "iVBOR", "text/plain": "<Figure>"}},
                ],
            },
        ],
        "nbformat": 4,
    }
    assert read("ipynb", json.dumps(book).encode()).text == (
        "# Fit\nby least squares\n\n```\nx = 1\nprint(x)\n```\n\n1\n\n<Figure>\n\n"
    )
    assert reason("ipynb", b"{}") == "damaged: not a whole notebook"
