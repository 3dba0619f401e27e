"""The wheel: its list of packages, and what it holds."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGES = {"edgeembed": ROOT / "edgeembed", "edgeembed.models": ROOT / "models", "edgeembed_export": ROOT / "export"}

PAGE_FILES = (".html", ".css", ".js", ".svg")


def modules_on_disk() -> set[str]:
    """As a wheel names them."""
    return {
        "/".join([*name.split("."), *path.relative_to(top).parts])
        for name, top in PACKAGES.items()
        for path in top.rglob("*.py")
    }


def test_every_package_is_listed_for_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["tool"]["setuptools"]["packages"]
    assert len(listed) == len(set(listed))
    assert set(listed) == {str(Path(name).parent).replace(os.sep, ".") for name in modules_on_disk()}


@pytest.mark.slow
def test_wheel_builds_without_a_warning_and_holds_the_packages_alone(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    source = tmp_path / "source"  # a build leaves folders beside pyproject.toml
    for part in ("edgeembed", "export", "models", "build_commands.py", "pyproject.toml", "README.md", "LICENSE"):
        copy_source(part, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-v"]
    command = [*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path / "wheels"), str(source)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # it warns
    build = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    output = build.stdout + build.stderr
    assert build.returncode == 0, output
    assert [line for line in output.splitlines() if re.search("warning|deprecat", line, re.IGNORECASE)] == []
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"edgeembed", "edgeembed_export"}
    assert [name for name in names if re.search(r"(^|/)(tests?/|tiny)", name)] == []
    assert {name for name in names if name.endswith(".py")} == modules_on_disk()
    page = {file.name for file in (ROOT / "edgeembed/server/page").iterdir() if file.suffix in PAGE_FILES}
    assert page == {Path(name).name for name in names if "/server/page/" in name} - {"__init__.py"}
    assert {"index.html", "style.css", "app.js"} <= page
    check_bill_of_materials(zipfile.ZipFile(wheel))


def check_bill_of_materials(wheel: zipfile.ZipFile) -> None:
    """It names every requirement of the runtime and every file of every model, as they are."""
    (name,) = [name for name in wheel.namelist() if "/sboms/" in name]
    assert re.fullmatch(r"edgeembed-[\d.]+\.dist-info/sboms/edgeembed\.cdx\.json", name)
    components = json.loads(wheel.read(name))["components"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {re.match(r"[\w.-]+", line)[0] for line in project["dependencies"]}  # type: ignore[index]
    assert {part["name"] for part in components if part["type"] == "library"} == required
    models = {part["name"]: part for part in components if part["type"] == "machine-learning-model"}
    assert set(models) == {path.parent.name for path in (ROOT / "models").glob("*/manifest.json")}
    for model, part in models.items():
        manifest = json.loads((ROOT / "models" / model / "manifest.json").read_text(encoding="utf-8"))
        assert (part["hashes"][0]["content"], part["licenses"]) == (
            manifest["digest"],
            [{"license": {"id": "Apache-2.0"}}],
        )
        assert manifest["source"]["id"] in part["description"]
        for file in part["components"]:
            packed = wheel.read(f"edgeembed/models/{model}/{file['name']}")
            assert hashlib.sha256(packed).hexdigest() == file["hashes"][0]["content"]


def copy_source(part: str, target: Path) -> None:
    """Copy a file or folder of the checkout, without what running it left there."""
    target.mkdir(exist_ok=True)
    if (ROOT / part).is_file():
        shutil.copy(ROOT / part, target)
    else:
        shutil.copytree(ROOT / part, target / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))


def test_the_oldest_versions_that_are_allowed_are_those_that_are_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *extras["documents"], *extras["heic"]]
    bounds = dict(re.findall(r"^([\w.-]+)>=([\d.]+)", "\n".join(requirements), re.MULTILINE))
    pins = (ROOT / "tests" / "constraints-lowest.txt").read_text(encoding="utf-8")
    tried = dict(re.findall(r"^([\w.-]+)==([\d.]+)", pins, re.MULTILINE))
    assert {name: normal(version) for name, version in bounds.items()} == {
        name: normal(version) for name, version in tried.items()
    }


def normal(version: str) -> list[int]:
    """A version whose zeros at the end do not count."""
    numbers = [int(part) for part in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def test_every_python_that_is_said_to_work_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"
    named = {item.rpartition(" :: ")[2] for item in project["classifiers"] if "Python :: 3." in item}
    assert named == {"3.11", "3.12", "3.13", "3.14"}
    assert "Python 3.11 or newer" in (ROOT / "README.md").read_text(encoding="utf-8")
