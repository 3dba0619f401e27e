"""What an opener asks for, as models by kind, and completed by what was decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed import BundleError, Embedder
from edgeembed.bundle.bundle import read_bundle
from edgeembed.index_models.records import ModelRecord, NoModel, RecordedModels
from edgeembed.index_models.requests import RequestedModels, bundle_of, info_of


def test_a_model_that_embeds_images_only_is_that_of_images(
    tiny_bundle: Path, image_bundle: Path, two_towers: Path
) -> None:
    assert RequestedModels(image_bundle).by_kind() == RequestedModels(None, image_bundle)
    for requested in (
        RequestedModels(),
        RequestedModels(tiny_bundle),
        RequestedModels(two_towers),
        RequestedModels(image_bundle, image_bundle),  # said so: refused later
    ):
        assert requested.by_kind() == requested


def test_what_a_choice_must_know(tiny_bundle: Path, image_bundle: Path) -> None:
    with Embedder.load(image_bundle) as embedder:
        info = RequestedModels(tiny_bundle, embedder).info()
    assert info.text == info_of(read_bundle(tiny_bundle))
    assert info.text is not None
    assert (info.text.embeds_texts, info.text.embeds_images) == (True, False)
    assert info.image == info_of(read_bundle(image_bundle))
    assert RequestedModels().info() == (None, None)
    assert RequestedModels(image="none").info() == (None, NoModel.LEFT_OUT)


def test_a_model_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such bundle"):
        RequestedModels(tmp_path / "absent").info()


def test_what_was_decided_stands_in_for_what_was_not_said(
    tiny_bundle: Path, image_bundle: Path, two_towers: Path
) -> None:
    text, image = (ModelRecord.of(read_bundle(path)) for path in (tiny_bundle, image_bundle))
    decided = RecordedModels(text, image)
    assert RequestedModels().completed_by(decided) == RequestedModels(text.source, image.source)
    assert RequestedModels(two_towers).completed_by(decided) == RequestedModels(two_towers, image.source)
    assert RequestedModels(image="none").completed_by(decided) == RequestedModels(text.source, "none")
    for choice, said in ((NoModel.LEFT_OUT, "none"), (NoModel.UNDECIDED, None)):
        assert RequestedModels().completed_by(RecordedModels(text, choice)) == RequestedModels(text.source, said)
    assert RequestedModels(image_bundle).completed_by(decided) == RequestedModels(image_bundle)


def test_a_loaded_embedder_brings_its_bundle(tiny_bundle: Path) -> None:
    with Embedder.load(tiny_bundle) as embedder:
        assert bundle_of(embedder) is embedder.bundle
    assert bundle_of(str(tiny_bundle)).path == tiny_bundle
