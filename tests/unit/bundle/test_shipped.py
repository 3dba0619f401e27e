"""The bundles that are installed with the package."""

from __future__ import annotations

from edgeembed.bundle.bundle import is_shipped, read_bundle
from edgeembed.bundle.manifest import MANIFEST_NAME
from edgeembed.bundle.shipped import default_name, models_root, shipped_names


def test_the_default_comes_first_and_the_others_by_name() -> None:
    names = shipped_names()
    assert names[0] == default_name()
    assert names[1:] == sorted(names[1:])
    assert len(set(names)) == len(names)


def test_each_name_is_a_folder_with_a_manifest_of_that_name() -> None:
    for name in shipped_names():
        assert (models_root() / name / MANIFEST_NAME).is_file()
        bundle = read_bundle(name, verify=False)
        assert bundle.manifest.name == name
        assert is_shipped(bundle)
