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


def shown(*outputs: object) -> str:
    cells = [{"cell_type": "code", "source": "", "outputs": outputs}]
    return read("ipynb", json.dumps({"cells": cells, "nbformat": 4}).encode()).text


def test_errors_and_outputs_in_their_best_form() -> None:
    error = {
        "output_type": "error",
        "ename": "ValueError",
        "evalue": "no tide",
        "traceback": ["\x1b[0;31mfog.py\x1b[0m"],
    }
    assert shown(error) == "ValueError: no tide\nfog.py\n\n"
    object_ = {"text/plain": ["<IPython.core.display.HTML object>"], "text/html": "<p>High <b>tide</b>"}
    assert shown({"output_type": "display_data", "data": object_}) == "High tide\n\n"
    table = {"text/plain": "  day\n0  Mo", "text/html": "<table><tr><td>Mo</table>"}
    assert shown({"output_type": "execute_result", "data": table}) == "  day\n0  Mo\n\n"
    assert (
        shown({"output_type": "display_data", "data": {"text/markdown": "# Tide", "text/plain": "<M>"}}) == "# Tide\n\n"
    )


def test_version_3() -> None:
    cell = {
        "cell_type": "code",
        "input": "1/0",
        "outputs": [{"output_type": "pyerr", "ename": "E", "evalue": "v", "traceback": []}],
    }
    book = {"nbformat": 3, "worksheets": [{}, {"cells": [cell]}]}
    assert read("ipynb", json.dumps(book).encode()).text == "```\n1/0\n```\n\nE: v\n\n"
    assert reason("ipynb", b'{"nbformat": 3}') == "no text in it"
