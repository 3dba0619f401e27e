"""What several test modules share: bundles, sample files, the data set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import edgeembed
from edgeembed.bundle.bundle import Bundle
from tests.support.altered import resealed
from tests.support.paths import ROOT
from tests.support.tiny import tiny_text_bundle
from tests.support.tiny_image import tiny_image_bundle, tiny_two_tower_bundle

QUICK_EXPORT = (
    "distillation/test_corpus",
    "evaluation",
    "graphs/test_edit",
    "graphs/test_external_weights",
    "graphs/test_jitter",
    "sealing/test_npz",
    "sealing/test_parts",
    "sources/test_vector_file",
)
"""Folders and modules of tests/export that train and export nothing, and so need some seconds all together."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests of the export stage as slow, unless they are in :data:`QUICK_EXPORT`; others carry their own mark."""
    export = ROOT / "tests" / "export"
    for item in items:
        if item.path.is_relative_to(export) and not item.path.relative_to(export).as_posix().startswith(QUICK_EXPORT):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests leave nothing in the user's cache and run folder, find no server there, and go by no settings of theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        patch.setenv("EDGEEMBED_SETTINGS", os.devnull)
        yield


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real bundle of a few kilobytes, with 16 dimensions."""
    return tiny_text_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="session")
def image_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real bundle of a few kilobytes that embeds images, in the space of :func:`tiny_bundle`."""
    return tiny_image_bundle(tmp_path_factory.mktemp("bundles") / "tiny-image")


@pytest.fixture(scope="session")
def two_towers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real bundle of a few kilobytes that embeds texts and images."""
    return tiny_two_tower_bundle(tmp_path_factory.mktemp("bundles") / "tiny-towers")


@pytest.fixture(scope="session")
def embedder() -> edgeembed.Embedder:
    """The shipped default."""
    return edgeembed.Embedder.load()


@pytest.fixture
def sample() -> Path:
    """The folder of notes that ships with the source."""
    return ROOT / "tests" / "sample"


@pytest.fixture(scope="session")
def data() -> Path:
    """The data for measuring, beside the checkout; what needs it is skipped without."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"{path} is not there")
    return path


@pytest.fixture
def reseal(tmp_path: Path) -> Callable[..., Bundle]:
    """:func:`tests.support.altered.resealed` into a folder of the test: call it with a bundle, files, and fields."""
    return lambda bundle, *files, **manifest: resealed(bundle, tmp_path / "altered", *files, **manifest)
