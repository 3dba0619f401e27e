"""The tests are a mirror of the packages: whoever knows a module knows where its tests are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.mirror import MIRRORS, untested
from tests.support.paths import ROOT


@pytest.mark.parametrize("package", MIRRORS, ids=lambda package: package.name)
def test_each_folder_of_tests_is_one_of_the_package(package: Path) -> None:
    tests = MIRRORS[package]
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    assert len(folders) > 5
    assert [folder for folder in folders if not (package / folder / "__init__.py").is_file()] == []


def test_most_modules_of_the_runtime_have_a_test_module() -> None:
    package = ROOT / "edgeembed"
    modules = [path for path in package.rglob("*.py") if not path.stem.startswith("__")]
    assert len(untested(package, MIRRORS[package])) * 4 < len(modules)
