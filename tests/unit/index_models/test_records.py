"""What an index remembers of its models: written, read back, refused where it cannot be."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from edgeembed import Document, Index
from edgeembed.bundle.bundle import read_bundle
from edgeembed.errors import IndexCorruptError
from edgeembed.index_models.records import ModelRecord, NoModel, RecordedModels, models_at

TEXT = ModelRecord("small", "e" * 64, "small@1/16", 16, "/models/small")
IMAGE = ModelRecord("sights", "f" * 64, "sights@1/32", 32, None)


@pytest.mark.parametrize("image", [NoModel.UNDECIDED, NoModel.LEFT_OUT, IMAGE])
def test_what_is_written_is_read_back(image: Any, tmp_path: Path) -> None:
    models = RecordedModels(TEXT, image)
    assert RecordedModels.from_setting(models.to_setting(), tmp_path) == models


def test_a_setting_made_before_images_had_models_is_read(tmp_path: Path) -> None:
    """Indexes on disk depend on these names."""
    setting = json.dumps({"name": "a", "encoder": "b", "space": "c", "dim": 3, "location": None})
    assert RecordedModels.from_setting(setting, tmp_path) == RecordedModels(ModelRecord("a", "b", "c", 3, None))


def test_both_kinds_have_a_length_even_before_there_is_an_image() -> None:
    assert RecordedModels(TEXT).dims() == RecordedModels(TEXT, NoModel.LEFT_OUT).dims() == {"text": 16, "image": 16}
    assert RecordedModels(TEXT, IMAGE).dims() == {"text": 16, "image": 32}


def test_paths_of_this_machine_can_be_left_out() -> None:
    models = RecordedModels(TEXT, dataclasses.replace(IMAGE, location="/models/sights")).without_locations()
    assert models == RecordedModels(dataclasses.replace(TEXT, location=None), IMAGE)
    assert (TEXT.source, models.text.source) == ("/models/small", "small")


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        (None, "does not say which model"),
        ("", "does not say which model"),
        ("[" * 100_000, "does not say which model"),
        ('{"name": "a"}', "does not say which model"),
        (json.dumps({**vars(TEXT), "more": 1}), "does not say which model"),
        (json.dumps({**vars(TEXT), "image": "some"}), "does not say which model"),
        (json.dumps({**vars(TEXT), "dim": 0}), "its model record is invalid"),
        (json.dumps({**vars(TEXT), "dim": True}), "its model record is invalid"),
        (json.dumps({**vars(TEXT), "space": 3}), "its model record is invalid"),
        (json.dumps({**vars(TEXT), "location": "//server/share"}), "names a model on another machine"),
        (json.dumps({**vars(TEXT), "location": "\\\\server\\share"}), "names a model on another machine"),
    ],
)
def test_a_crafted_setting_is_refused(setting: str | None, reason: str, tmp_path: Path) -> None:
    with pytest.raises(IndexCorruptError, match=reason) as caught:
        RecordedModels.from_setting(setting, tmp_path)
    assert caught.value.path == tmp_path


def test_a_bundle_is_remembered_by_its_path_and_one_that_ships_by_its_name(tiny_bundle: Path) -> None:
    record = ModelRecord.of(read_bundle(tiny_bundle))
    assert (record.name, record.dim, record.source) == ("tiny", 16, str(tiny_bundle))
    shipped = ModelRecord.of(read_bundle("minilm-static", verify=False))
    assert (shipped.location, shipped.source) == (None, "minilm-static")


def test_the_models_of_an_index_on_disk(tmp_path: Path, tiny_bundle: Path) -> None:
    assert models_at(tmp_path / "none") is None
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add([Document("a", text="a boat")])
    models = models_at(tmp_path / "index")
    assert models is not None
    assert models.text == ModelRecord.of(read_bundle(tiny_bundle))
