"""The manifest of a bundle: sealed, read back, and refused where it is wrong."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from edgeembed.bundle.bundle import read_bundle
from edgeembed.bundle.manifest import (
    FORMAT,
    MANIFEST_NAME,
    Manifest,
    check_file_name,
    encoder_digest,
    read_manifest,
    sealed_bytes,
)
from edgeembed.errors import BundleError


@pytest.fixture
def manifest(tiny_bundle: Path) -> Manifest:
    return read_bundle(tiny_bundle).manifest


def test_what_was_sealed_is_read_back(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / MANIFEST_NAME
    path.write_bytes(sealed_bytes(manifest, manifest.files))
    assert read_manifest(path) == manifest
    assert list(json.loads(path.read_bytes()))[:3] == ["format", "name", "version"]


def test_one_changed_character_is_noticed(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / MANIFEST_NAME
    path.write_bytes(sealed_bytes(manifest, manifest.files).replace(b'"dim": 16', b'"dim": 17'))
    with pytest.raises(BundleError, match="its digest does not fit"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("number", "reason"),
    [(FORMAT + 1, "newer than this edgeembed reads"), ("1", "no usable format number"), (True, "no usable format")],
)
def test_a_format_that_cannot_be_read_is_told_before_anything_else(
    manifest: Manifest, tmp_path: Path, number: object, reason: str
) -> None:
    path = tmp_path / MANIFEST_NAME
    path.write_text(json.dumps({"format": number, "made": "later"}))
    with pytest.raises(BundleError, match=reason):
        read_manifest(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dim": 0}, "dim is 0"),
        ({"dim": True}, "dim is True"),
        ({"text": None}, "neither a text nor an image section"),
        ({"files": {}}, "is used but not listed in files"),
        ({"license": 3}, "license is 3"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_not_sealed(manifest: Manifest, change: dict[str, Any], reason: str) -> None:
    changed = dataclasses.replace(manifest, **{name: value for name, value in change.items() if name != "files"})
    with pytest.raises((ValueError, KeyError), match=reason if "files" not in change else "text.onnx|not listed"):
        sealed_bytes(changed, change.get("files", manifest.files))


def test_the_encoder_is_what_decides_a_vector(manifest: Manifest) -> None:
    assert manifest.text is not None
    digest = encoder_digest(manifest)
    assert digest == manifest.encoder
    assert encoder_digest(dataclasses.replace(manifest, name="other", license="MIT", quality={"a": 1})) == digest
    longer = dataclasses.replace(manifest.text, max_tokens=manifest.text.max_tokens + 1)
    assert encoder_digest(dataclasses.replace(manifest, text=longer)) != digest
    prefixed = dataclasses.replace(manifest.text, query_prefix="query: ")
    assert encoder_digest(dataclasses.replace(manifest, text=prefixed)) != digest


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", ".hidden", "ä.onnx", "a b", MANIFEST_NAME, "-a"])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a file name"):
        check_file_name(name)


@pytest.mark.parametrize("name", ["text.onnx", "text.onnx.data", "LICENSE", "_a-1.bin"])
def test_a_plain_name_is_allowed(name: str) -> None:
    check_file_name(name)
