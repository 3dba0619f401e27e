"""The bundle format: what is read, what is refused, what is written."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import edgeembed
from edgeembed.bundle.bundle import read_bundle, write_bundle
from edgeembed.bundle.manifest import MANIFEST_NAME, encoder_digest
from edgeembed.bundle.shipped import shipped_names


@pytest.fixture
def folder(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that a test may damage."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "copy"))


@pytest.fixture
def edit(folder: Path) -> Callable[[Callable[[dict[str, Any]], object]], None]:
    """Change the manifest and seal it again, as the prose of the format says and without edgeembed's own code."""

    def run(change: Callable[[dict[str, Any]], object]) -> None:
        path = folder / MANIFEST_NAME
        data = json.loads(path.read_text(encoding="utf-8"))
        change(data)
        data["digest"] = "0" * 64
        raw = json.dumps(data, ensure_ascii=False).encode()
        path.write_bytes(
            raw.replace(b'"digest": "' + b"0" * 64, b'"digest": "' + hashlib.sha256(raw).hexdigest().encode())
        )

    return run


def refusal(folder: Path, **arguments: bool) -> edgeembed.BundleError:
    with pytest.raises(edgeembed.BundleError) as caught:
        read_bundle(folder, **arguments)
    assert str(caught.value.path) in str(caught.value)
    assert caught.value.reason in str(caught.value)
    return caught.value


def test_reads_what_was_written(tiny_bundle: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    manifest = bundle.manifest
    assert (manifest.name, manifest.dim, manifest.format) == ("tiny", 16, 1)
    assert manifest.text is not None
    assert manifest.text.max_tokens == 64
    assert bundle.file(manifest.text.graph).is_file()
    assert manifest.encoder == encoder_digest(manifest)
    assert manifest.label == f"tiny ({manifest.encoder[:12]})"


def test_digest_is_that_of_the_prose(tiny_bundle: Path) -> None:
    raw = (tiny_bundle / MANIFEST_NAME).read_bytes()
    (stated,) = re.findall(rb'"digest": "([0-9a-f]{64})"', raw)
    assert hashlib.sha256(raw.replace(stated, b"0" * 64)).hexdigest().encode() == stated


def test_every_flipped_byte_is_found(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        raw = path.read_bytes()
        damaged = bytearray(raw)
        damaged[len(raw) // 2] ^= 1
        path.write_bytes(damaged)
        assert refusal(folder).path.name == path.name
        path.write_bytes(raw)
    assert read_bundle(folder).manifest.name == "tiny"


def test_without_hashing_names_and_sizes_still_count(folder: Path) -> None:
    graph = folder / "text.onnx"
    raw = bytearray(graph.read_bytes())
    raw[-1] ^= 1
    graph.write_bytes(raw)
    assert read_bundle(folder, verify=False).manifest.name == "tiny"
    graph.write_bytes(raw[:-1])
    assert "bytes instead of" in refusal(folder, verify=False).reason


@pytest.mark.parametrize(
    "name", ["text.onnx", "tokenizer.json", "golden.npz", "background.npz", "LICENSE", "README.md"]
)
def test_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    error = refusal(folder)
    assert error.path == folder / name
    assert error.reason == "is missing"


def test_missing_manifest(folder: Path) -> None:
    (folder / MANIFEST_NAME).unlink()
    assert f"holds no {MANIFEST_NAME}" in refusal(folder).reason


def test_file_too_many(folder: Path) -> None:
    (folder / ".DS_Store").write_bytes(b"left by a desktop")
    assert read_bundle(folder).manifest.name == "tiny"
    (folder / "more.onnx").write_bytes(b"x")
    assert refusal(folder).path == folder / "more.onnx"


def test_folder_inside(folder: Path) -> None:
    (folder / "sub").mkdir()
    assert refusal(folder).path == folder / "sub"


@pytest.mark.parametrize("name", ["text.onnx", MANIFEST_NAME])
def test_link(folder: Path, tmp_path: Path, name: str) -> None:
    target = (folder / name).rename(tmp_path / "elsewhere")
    try:
        (folder / name).symlink_to(target)
    except OSError:
        pytest.skip("this system does not let us make links")
    assert "link" in refusal(folder).reason


def test_newer_format(folder: Path, edit: Any) -> None:
    edit(lambda data: data.update(format=2))
    error = refusal(folder)
    assert "format 2, newer" in error.reason
    assert "upgrade edgeembed" in str(error)


@pytest.mark.parametrize("number", [0, -1, "1", None, True, 1.0])
def test_no_usable_format(folder: Path, edit: Any, number: object) -> None:
    edit(lambda data: data.update(format=number))
    assert "no usable format number" in refusal(folder).reason


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 200_000])
def test_manifest_that_is_no_json(folder: Path, raw: bytes) -> None:
    (folder / MANIFEST_NAME).write_bytes(raw)
    assert "cannot be read as JSON" in refusal(folder).reason


def test_manifest_that_is_no_object(folder: Path) -> None:
    (folder / MANIFEST_NAME).write_bytes(b"[1]")
    assert "not a JSON object" in refusal(folder).reason


def test_digest_twice(folder: Path, edit: Any) -> None:
    edit(lambda data: data.update(source={"digest": "0" * 64}))
    assert "its digest does not fit" in refusal(folder).reason


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dim", "16"),
        ("dim", 0),
        ("dim", True),
        ("name", 3),
        ("text", []),
        ("text", None),
        ("files", ["text.onnx"]),
        ("files", {"text.onnx": 5}),
        ("files", {"text.onnx": {"size_bytes": "5", "sha256": ""}}),
        ("files", {"../text.onnx": {"size_bytes": 5, "sha256": ""}}),
        ("files", {MANIFEST_NAME: {"size_bytes": 5, "sha256": ""}}),
        ("files", {}),
        ("training_data", 7),
        ("tolerance", [0.9]),
        ("space", None),
    ],
)
def test_facts_of_the_wrong_kind(folder: Path, edit: Any, key: str, value: object) -> None:
    edit(lambda data: data.update({key: value}))
    assert "does not follow the bundle format" in refusal(folder).reason


@pytest.mark.parametrize("value", [0, "64", 6.5, None])
def test_limit_of_the_wrong_kind(folder: Path, edit: Any, value: object) -> None:
    edit(lambda data: data["text"].update(max_tokens=value))
    assert "max_tokens" in refusal(folder).reason


def test_missing_key(folder: Path, edit: Any) -> None:
    edit(lambda data: data.pop("space"))
    assert "space" in refusal(folder).reason


def test_unknown_keys_are_ignored(folder: Path, edit: Any) -> None:
    def change(data: dict[str, Any]) -> None:
        data["mood"] = "good"
        data["text"]["colour"] = "red"
        data["files"]["text.onnx"]["age"] = 3

    edit(change)
    assert read_bundle(folder).manifest.name == "tiny"


def test_unknown_name() -> None:
    error = refusal(Path("no-such-model"))
    assert error.reason == "no such bundle"
    assert shipped_names()[0] in str(error)


def test_shipped_default() -> None:
    from edgeembed.models import DEFAULT

    assert shipped_names()[0] == DEFAULT
    assert read_bundle().path == read_bundle(DEFAULT).path
    total = sum(path.stat().st_size for path in read_bundle().path.iterdir())
    assert total <= 24_000_000


def test_shipped_default_holds_no_times_and_no_paths() -> None:
    raw = (read_bundle().path / MANIFEST_NAME).read_text(encoding="utf-8")
    assert not re.search(r"20\d\d-\d\d-\d\d|/home|/work|/tmp|C:\\", raw)


def test_any_path_will_do(folder: Path, tmp_path: Path) -> None:
    moved = folder.rename(tmp_path / "größer als ein Wort 模型")
    with edgeembed.Embedder.load(moved) as embedder:
        assert embedder.embed_texts(["a"]).shape == (1, 16)


def test_encoder_is_what_decides_a_vector(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    manifest = bundle.manifest
    assert manifest.text is not None
    files: dict[str, Path | bytes] = {name: bundle.file(name) for name in manifest.files}

    def encoder(manifest: edgeembed.Manifest = manifest, **other: bytes) -> str:
        changed = files | {name.replace("_", "."): content for name, content in other.items()}
        return write_bundle(tmp_path / "out", manifest, changed).manifest.encoder

    assert encoder() == manifest.encoder
    assert encoder(dataclasses.replace(manifest, quality={"good": True})) == manifest.encoder
    assert encoder(README_md=b"another card") == manifest.encoder
    for change in ({"max_tokens": 63}, {"query_prefix": "query: "}, {"pad_to": 64}):
        text = dataclasses.replace(manifest.text, **change)
        assert encoder(dataclasses.replace(manifest, text=text)) != manifest.encoder
    assert encoder(text_onnx=b"another graph") != manifest.encoder
    assert encoder(tokenizer_json=b"another tokenizer") != manifest.encoder


def test_writing_twice_gives_the_same_bytes(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    files: dict[str, Path | bytes] = {name: bundle.file(name) for name in bundle.manifest.files}
    write_bundle(tmp_path / "out", bundle.manifest, files)
    assert (tmp_path / "out" / MANIFEST_NAME).read_bytes() == (tiny_bundle / MANIFEST_NAME).read_bytes()
    write_bundle(tmp_path / "out", bundle.manifest, dict(reversed(files.items())))  # replaces the earlier one
    assert (tmp_path / "out" / MANIFEST_NAME).read_bytes() == (tiny_bundle / MANIFEST_NAME).read_bytes()


def test_writing_spares_other_folders(tiny_bundle: Path, tmp_path: Path) -> None:
    manifest = read_bundle(tiny_bundle).manifest
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to ann.txt").write_text("dear ann")
    with pytest.raises(FileExistsError, match="is not a bundle"):
        write_bundle(tmp_path / "letters", manifest, {"text.onnx": b"x", "tokenizer.json": b"y"})
    assert [path.name for path in tmp_path.rglob("*")] == ["letters", "to ann.txt"]


@pytest.mark.parametrize("name", ["../out.onnx", "a/b", "", ".hidden", MANIFEST_NAME, "ä.onnx"])
def test_names_that_are_not_written(tiny_bundle: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a file name"):
        write_bundle(tmp_path / "out", read_bundle(tiny_bundle).manifest, {name: b"x"})
    assert list(tmp_path.iterdir()) == []


def test_failed_writing_leaves_nothing(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    files: dict[str, Path | bytes] = {name: bundle.file(name) for name in bundle.manifest.files}
    with pytest.raises(FileNotFoundError):
        write_bundle(tmp_path / "out", bundle.manifest, {**files, "text.onnx": tmp_path / "absent.onnx"})
    with pytest.raises(ValueError, match="dim is 0"):
        write_bundle(tmp_path / "out", dataclasses.replace(bundle.manifest, dim=0), files)
    assert list(tmp_path.iterdir()) == []
