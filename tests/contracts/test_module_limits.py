"""Limits on the size of folders, modules and functions, which keep the tree easy to read."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT

MODULES = {
    path.relative_to(ROOT).as_posix(): path
    for top in ("edgeembed", "export")
    for path in sorted((ROOT / top).rglob("*.py"))
}
FOLDERS = {path.parent.relative_to(ROOT).as_posix(): path.parent for path in MODULES.values()}
MAX_MODULES = 12
"""In one folder, without `__init__.py`."""
MAX_LINES = 400
MAX_FUNCTION_LINES = 60


def test_there_are_modules_to_measure() -> None:
    assert len(MODULES) > 150
    assert {"edgeembed/reading/readers/mail", "export/sealing/proof"} <= set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_holds_few_modules(folder: str) -> None:
    modules = [path.name for path in FOLDERS[folder].glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MAX_MODULES, modules


def too_long(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    sizes = [(node.name, (node.end_lineno or 0) - node.lineno + 1) for node in functions]
    return [f"{name}: {lines} lines" for name, lines in sizes if lines > MAX_FUNCTION_LINES]


@pytest.mark.parametrize("module", MODULES)
def test_module_is_short_documented_and_named(module: str) -> None:
    path = MODULES[module]
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(source)), "no docstring"
    assert not re.search("utils?|helpers?|misc", path.stem), "its name does not say what is in it"
    assert not too_long(path)


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_with_modules_is_a_package(folder: str) -> None:
    assert (FOLDERS[folder] / "__init__.py").is_file()
