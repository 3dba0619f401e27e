"""The decision which models an index uses, on plain values: no bundle is read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edgeembed.bundle.bundle import read_bundle
from edgeembed.errors import ModelMismatchError, UnsupportedInputError
from edgeembed.index_models.choice import (
    AvailableInfo,
    Holds,
    ModelInfo,
    RequestedInfo,
    ShippedModels,
    continues,
    implied_image_model,
    resolve,
)
from edgeembed.index_models.records import ModelRecord, NoModel, RecordedModels
from edgeembed.index_models.requests import RequestedModels, models_before_documents

INDEX = Path("index")


def info(name: str, space: str, kinds: str = "text") -> ModelInfo:
    record = ModelRecord(name, f"encoder of {name}", space, 16, None)
    return ModelInfo(Path(name), record, embeds_texts="text" in kinds, embeds_images="image" in kinds)


WORDS, OTHER_WORDS = info("words", "a"), info("other", "b")
SIGHTS, OTHER_SIGHTS = info("sights", "a", "image"), info("other sights", "b", "image")
BOTH = info("both", "c", "text image")
SHIPPED = ShippedModels(
    lambda: WORDS,
    lambda record, kind: next(
        (
            each
            for each in (WORDS, SIGHTS)
            if each.record.shares_space_with(record) and (each.embeds_texts if kind == "text" else each.embeds_images)
        ),
        None,
    ),
)


def models(text: ModelInfo, image: ModelInfo | NoModel = NoModel.UNDECIDED) -> RecordedModels:
    return RecordedModels(text.record, image.record if isinstance(image, ModelInfo) else image)


@pytest.mark.parametrize(
    ("requested", "expected"),
    [
        (RequestedInfo(), models(WORDS)),
        (RequestedInfo(OTHER_WORDS), models(OTHER_WORDS)),
        (RequestedInfo(None, SIGHTS), models(WORDS, SIGHTS)),
        (RequestedInfo(OTHER_WORDS, BOTH), models(OTHER_WORDS, BOTH)),
        (RequestedInfo(None, NoModel.LEFT_OUT), models(WORDS, NoModel.LEFT_OUT)),
        (RequestedInfo(SIGHTS), models(WORDS, SIGHTS)),
        (RequestedInfo(OTHER_SIGHTS), models(OTHER_SIGHTS, OTHER_SIGHTS)),
    ],
    ids=["nothing", "texts", "images", "two spaces", "no images", "an image model as the model", "without a partner"],
)
def test_a_new_index_uses_what_was_asked_for_else_the_default(
    requested: RequestedInfo, expected: RecordedModels
) -> None:
    assert resolve(requested, SHIPPED, path=INDEX).models == expected


@pytest.mark.parametrize("image", [OTHER_SIGHTS, OTHER_WORDS], ids=["no words find them", "no image model"])
def test_an_image_model_that_is_of_no_use_is_refused(image: ModelInfo) -> None:
    with pytest.raises(UnsupportedInputError):
        resolve(RequestedInfo(WORDS, image), SHIPPED, path=INDEX)


@pytest.mark.parametrize(
    ("recorded", "available", "requested", "expected"),
    [
        (models(OTHER_WORDS), AvailableInfo(OTHER_WORDS), RequestedInfo(), models(OTHER_WORDS)),
        (models(OTHER_WORDS), AvailableInfo(), RequestedInfo(), models(WORDS)),
        (models(OTHER_WORDS), AvailableInfo(OTHER_WORDS), RequestedInfo(WORDS), models(WORDS)),
        (models(WORDS, SIGHTS), AvailableInfo(WORDS, SIGHTS), RequestedInfo(), models(WORDS, SIGHTS)),
        (models(WORDS, SIGHTS), AvailableInfo(WORDS), RequestedInfo(), models(WORDS)),
        (models(WORDS, SIGHTS), AvailableInfo(WORDS, SIGHTS), RequestedInfo(OTHER_WORDS), models(OTHER_WORDS)),
        (models(WORDS, BOTH), AvailableInfo(WORDS, BOTH), RequestedInfo(OTHER_WORDS), models(OTHER_WORDS, BOTH)),
        (models(BOTH, BOTH), AvailableInfo(BOTH, BOTH), RequestedInfo(WORDS), models(WORDS)),
        (models(WORDS, NoModel.LEFT_OUT), AvailableInfo(WORDS), RequestedInfo(), models(WORDS, NoModel.LEFT_OUT)),
        (models(WORDS, NoModel.LEFT_OUT), AvailableInfo(WORDS), RequestedInfo(None, SIGHTS), models(WORDS, SIGHTS)),
    ],
)
def test_a_rebuild_keeps_what_can_be_had_and_goes_with_what_was_asked_for(
    recorded: RecordedModels, available: AvailableInfo, requested: RequestedInfo, expected: RecordedModels
) -> None:
    decision = resolve(requested, SHIPPED, path=INDEX, recorded=recorded, available=available)
    assert decision.models == expected
    assert decision.reason


def test_documents_settle_the_space_of_texts_and_images_settle_that_of_images() -> None:
    recorded = models(WORDS, SIGHTS)
    other = info("sights of the same space", "a", "image")
    for holds in (Holds.TEXTS, Holds.IMAGES):
        with pytest.raises(ModelMismatchError, match="other"):
            resolve(RequestedInfo(OTHER_WORDS), SHIPPED, path=INDEX, recorded=recorded, holds=holds)
    for requested, before_images, with_images in (
        (RequestedInfo(), recorded, recorded),
        (RequestedInfo(None, other), models(WORDS, other), recorded),
        (RequestedInfo(other), models(WORDS, other), recorded),
        (RequestedInfo(None, NoModel.LEFT_OUT), models(WORDS, NoModel.LEFT_OUT), ModelMismatchError),
        (RequestedInfo(None, BOTH), models(WORDS, BOTH), ModelMismatchError),
    ):
        assert resolve(requested, SHIPPED, path=INDEX, recorded=recorded, holds=Holds.TEXTS).models == before_images
        if isinstance(with_images, RecordedModels):
            decision = resolve(requested, SHIPPED, path=INDEX, recorded=recorded, holds=Holds.IMAGES)
            assert decision.models == with_images
        else:
            with pytest.raises(with_images):
                resolve(requested, SHIPPED, path=INDEX, recorded=recorded, holds=Holds.IMAGES)


def test_images_are_embedded_by_the_text_model_itself_or_by_a_shipped_partner() -> None:
    assert implied_image_model(BOTH, BOTH.record, SHIPPED) == BOTH.record
    assert implied_image_model(WORDS, WORDS.record, SHIPPED) == SIGHTS.record
    assert implied_image_model(OTHER_WORDS, OTHER_WORDS.record, SHIPPED) is None


@pytest.mark.parametrize(
    ("begun", "decided", "requested", "expected"),
    [
        (None, models(WORDS), RequestedInfo(), False),
        (models(WORDS), models(WORDS), RequestedInfo(), True),
        (models(OTHER_WORDS), models(WORDS), RequestedInfo(), False),
        (models(WORDS, SIGHTS), models(WORDS), RequestedInfo(), True),
        (models(WORDS, SIGHTS), models(WORDS, BOTH), RequestedInfo(None, BOTH), False),
        (models(WORDS, SIGHTS), models(WORDS, NoModel.LEFT_OUT), RequestedInfo(None, NoModel.LEFT_OUT), False),
    ],
)
def test_a_rebuild_goes_on_where_the_same_models_began_it(
    begun: RecordedModels | None, decided: RecordedModels, requested: RequestedInfo, expected: bool
) -> None:
    assert continues(begun, decided, requested) is expected


def test_models_before_documents_give_up_a_recorded_model_that_is_gone(tmp_path: Path, tiny_bundle: Path) -> None:
    record = ModelRecord.of(read_bundle(tiny_bundle))
    gone = dataclasses.replace(record, location=str(tmp_path / "gone"))
    kept = models_before_documents(RecordedModels(record), RequestedModels(), tmp_path)
    assert (kept.models.text, kept.reason) == (record, "the model is the recorded one")
    given_up = models_before_documents(RecordedModels(gone), RequestedModels(), tmp_path)
    assert given_up.models.text.name == "minilm-l6-int8"
