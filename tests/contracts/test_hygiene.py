"""Rules of the house that no single module can show."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import edgeembed

RUNTIME = Path(edgeembed.__file__).parent
HOME = {
    "tokenizers": ("inference/tokenizer.py",),
    "onnxruntime": ("system/native.py",),
    "usearch": ("segments/segment.py",),
    "PIL": (
        "inference/image_preprocess.py",
        "reading/images.py",
        *(f"reading/photos/{name}.py" for name in ("colours", "pillow", "raw_images", "thumbnails")),
    ),
    "rawpy": ("reading/photos/raw.py",),
    "sqlite3": ("catalog/sqlite.py",),
    "pypdfium2": ("reading/readers/pdf.py",),
    "python_calamine": ("reading/readers/data/spreadsheet.py",),
    "xlrd": ("reading/readers/data/old_workbook.py",),
    "chardet": ("reading/charset_detection.py",),
    "olefile": ("reading/readers/office/compound_file.py",),
    "striprtf": ("reading/readers/office/rtf.py",),
    "watchfiles": ("watching/events.py",),
    "subprocess": ("reading/sandbox/process.py",),
}
LIGHT = ("olefile", "sqlite3", "subprocess")
"""May be imported when their module is; the others wait until they are needed."""
NEVER = {
    "torch",
    "transformers",
    "optimum",
    "huggingface_hub",
    "requests",
    "httpx",
    "edgeembed_export",
    "export",
    "multiprocessing",
}


def imports(path: Path) -> list[tuple[str, bool]]:
    """Top-level name of each absolute import, and whether it happens when the module is loaded."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    at_load = {id(inner) for node in tree.body for inner in [node]}
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name.split(".")[0], id(node) in at_load) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.append((node.module.split(".")[0], id(node) in at_load))
    return found


def run(code: str, *args: object) -> str:
    done = subprocess.run([sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


MODULES = sorted(path.relative_to(RUNTIME).as_posix() for path in RUNTIME.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_each_native_library_has_one_home(module: str) -> None:
    for name, at_load in imports(RUNTIME / module):
        assert name not in NEVER, f"{module} imports {name}"
        if name in HOME:
            assert module in HOME[name], f"{name} belongs in {HOME[name]}"
            assert name in LIGHT or not at_load, f"{module} imports {name} before it is needed"


def test_every_home_is_there_and_imports_its_library() -> None:
    for name, homes in HOME.items():
        for home in homes:
            assert name in {imported for imported, _ in imports(RUNTIME / home)}, f"{home} does not import {name}"


def test_public_names_are_sorted_and_all_there() -> None:
    assert edgeembed.__all__ == sorted(edgeembed.__all__)
    for name in edgeembed.__all__:
        assert getattr(edgeembed, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        edgeembed.nothing  # noqa: B018


def test_help_loads_no_native_library() -> None:
    code = """
import sys
from click.testing import CliRunner
from edgeembed.cli.main import cli
for command in ([], *([name] for name in cli.commands)):
    assert CliRunner().invoke(cli, [*command, "--help"]).exit_code == 0
print([name for name in ("numpy", "onnxruntime", "tokenizers", "usearch", "PIL", "sqlite3") if name in sys.modules])
"""
    assert run(code).strip() == "[]"


NO_NETWORK = """
import socket, sys, json
def refuse(*args, **kwargs):
    raise AssertionError("the network was touched")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
import edgeembed
with edgeembed.Folder.open(sys.argv[1], index=sys.argv[2]) as folder:
    folder.sync()
    hits = folder.search("renew my passport", k=3)
names = ("torch", "transformers", "optimum", "huggingface_hub", "requests", "httpx")
print(json.dumps({"hits": [hit.id for hit in hits], "loaded": [name for name in names if name in sys.modules]}))
"""


def test_a_search_touches_no_network_and_loads_nothing_heavy(sample: Path, tmp_path: Path) -> None:
    result = json.loads(run(NO_NETWORK, sample, tmp_path / "index"))
    assert len(result["hits"]) == 3
    assert result["loaded"] == []


def test_embedding_writes_nothing_to_the_users_cache(tmp_path: Path) -> None:
    """onnxruntime would leave a device id and a database of events to report there."""
    code = "import sys, edgeembed; edgeembed.Embedder.load().embed_texts(['a boat'])"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []
