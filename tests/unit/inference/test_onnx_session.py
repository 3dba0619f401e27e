"""One graph of a bundle: checked against the contract when it is opened, run on one thread."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from edgeembed.bundle.bundle import Bundle, read_bundle
from edgeembed.errors import BundleError
from edgeembed.inference.onnx_session import ALL, BASIC, OnnxSession

INPUTS = ("input_ids", "attention_mask")


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return read_bundle(tiny_bundle)


@pytest.mark.parametrize("level", [BASIC, ALL])
def test_a_text_becomes_a_vector_of_length_1(bundle: Bundle, level: str) -> None:
    session = OnnxSession(bundle, "text.onnx", INPUTS, level)
    assert session.least_seconds == math.inf
    ids = np.array([[2, 7, 9, 3]], np.int64)
    vector = session.run({"input_ids": ids, "attention_mask": np.ones_like(ids)})
    assert (vector.shape, vector.dtype) == ((16,), np.float32)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    assert 0 < session.least_seconds < 10


def test_inputs_that_the_graph_does_not_take_are_left_out(bundle: Bundle) -> None:
    session = OnnxSession(bundle, "text.onnx", (*INPUTS, "token_type_ids"), BASIC)
    ids = np.array([[2, 3]], np.int64)
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    assert session.run(feed).shape == (16,)


def test_another_input_than_is_given_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"takes \['input_ids', 'attention_mask'\] instead of \['input_ids'\]"):
        OnnxSession(bundle, "text.onnx", ("input_ids",), BASIC)


def test_a_file_that_is_no_graph_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="is not a graph that can be loaded") as caught:
        OnnxSession(bundle, "tokenizer.json", INPUTS, BASIC)
    assert caught.value.path.name == "tokenizer.json"


def test_a_run_that_fails_names_the_graph(bundle: Bundle) -> None:
    session = OnnxSession(bundle, "text.onnx", INPUTS, BASIC)
    ids = np.array([[1_000_000]], np.int64)
    with pytest.raises(BundleError, match=r"text\.onnx: cannot be run"):
        session.run({"input_ids": ids, "attention_mask": np.ones_like(ids)})


def test_the_shape_of_an_input_is_checked_where_the_graph_fixes_it(image_bundle: Path) -> None:
    session = OnnxSession(read_bundle(image_bundle), "image.onnx", ("pixel_values",), BASIC)
    session.check_shape("pixel_values", (None, 3, 32, 32))
    for shape in ((None, 3, 40, 32), (None, 1, 32, 32), (None, 3, 32)):
        with pytest.raises(BundleError, match="takes pixel_values of shape"):
            session.check_shape("pixel_values", shape)
