"""Model bundles: one sealed folder with the graphs, tokenizer and metadata of a model.

The format is specified in ``models/README.md``. A bundle is the only thing that crosses from the export
stage to the runtime, and the runtime's only source of information about a model.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import BundleError
from ..system.files import file_sha256
from .manifest import (
    FILE_NAME,
    MANIFEST_NAME,
    REINSTALL,
    FileEntry,
    Manifest,
    check_file_name,
    read_manifest,
    sealed_bytes,
)
from .shipped import default_name, models_root, shipped_names


@dataclass(frozen=True)
class Bundle:
    """A bundle folder and its manifest."""

    path: Path
    manifest: Manifest

    def file(self, name: str) -> Path:
        """Path of a file that the manifest names."""
        return self.path / name

    def verified_file(self, name: str) -> Path:
        """As :meth:`file`, its checksum verified now: for a bundle that was opened with ``verify=False``.

        Raises:
            BundleError: it is not the file that was sealed.
        """
        _check_file(self.path, name, self.manifest.files[name], verify=True)
        return self.path / name


def is_shipped(bundle: Bundle) -> bool:
    """Whether a bundle is one of those installed with this package, so that its name alone finds it."""
    return bundle.path.absolute() == (models_root() / bundle.manifest.name).absolute()


def shipped_partner(space: str, dim: int, kind: str) -> Bundle | None:
    """The shipped bundle that embeds documents of a kind, ``text`` or ``image``, into a vector space.

    ``None``: none does. Of several it is the default, or the first by name.
    """
    for name in shipped_names():
        bundle = read_bundle(name, verify=False)
        manifest = bundle.manifest
        if (manifest.space, manifest.dim) == (space, dim) and getattr(manifest, kind) is not None:
            return bundle
    return None


def read_bundle(model: str | os.PathLike[str] | None = None, *, verify: bool = True) -> Bundle:
    """Find a bundle, read its manifest and make sure that its files are those that were sealed.

    Args:
        model: name of a shipped bundle, or path of a bundle folder; ``None`` is the shipped default.
        verify: ``True`` hashes every file (about 1 GB/s); ``False`` looks at names and sizes only.

    Raises:
        BundleError: not there, damaged, incomplete, with a file too many, or in a format newer than this package.
    """
    path = _find(model)
    manifest = read_manifest(path / MANIFEST_NAME)
    _check_files(path, manifest.files, verify=verify)
    return Bundle(path, manifest)


def write_bundle(out: Path, manifest: Manifest, files: Mapping[str, Path | bytes]) -> Bundle:
    """Seal ``files`` and a manifest into the folder ``out``; it appears whole or not at all.

    Args:
        out: folder to make; an earlier bundle there is replaced, anything else is left alone.
        manifest: its ``files``, ``encoder`` and ``digest`` are computed here, whatever they hold.
        files: name in the bundle to a file to copy, or to its bytes.

    Raises:
        FileExistsError: ``out`` exists and is no bundle.
        ValueError: the manifest contradicts itself or the format, or a file has a name that the format forbids.
    """
    for name in files:
        check_file_name(name)
    if out.exists() and not (out / MANIFEST_NAME).is_file() and any(out.iterdir()):
        raise FileExistsError(f"{out} exists and is not a bundle; name another folder, or empty it first")
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        scratch.chmod(0o755)
        for name, content in sorted(files.items()):
            if isinstance(content, bytes):
                (scratch / name).write_bytes(content)
            else:
                shutil.copyfile(content, scratch / name)
        entries = {
            name: FileEntry((scratch / name).stat().st_size, file_sha256(scratch / name)) for name in sorted(files)
        }
        (scratch / MANIFEST_NAME).write_bytes(sealed_bytes(manifest, entries))
        if out.exists():
            shutil.rmtree(out)
        scratch.rename(out)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return read_bundle(out)


def _find(model: str | os.PathLike[str] | None) -> Path:
    if model is None:
        model = default_name()
    if isinstance(model, str) and (models_root() / model / MANIFEST_NAME).is_file() and FILE_NAME.fullmatch(model):
        return models_root() / model
    path = Path(model).expanduser()
    if not (path / MANIFEST_NAME).is_file():
        known = ", ".join(shipped_names()) or "none"
        reason = f"holds no {MANIFEST_NAME}" if path.is_dir() else "no such bundle"
        raise BundleError(path, reason, f"give a bundle folder or the name of a shipped model: {known}")
    return path


def _check_files(path: Path, entries: Mapping[str, FileEntry], *, verify: bool) -> None:
    if (path / MANIFEST_NAME).is_symlink():
        raise BundleError(path / MANIFEST_NAME, "is a link, not a file", REINSTALL)
    present = {p.name for p in path.iterdir() if not p.name.startswith(".")} - {MANIFEST_NAME}
    for name in sorted(present - entries.keys()):
        raise BundleError(path / name, "is not a file of this bundle", "remove it")
    for name, entry in entries.items():
        _check_file(path, name, entry, verify=verify)


def _check_file(path: Path, name: str, entry: FileEntry, *, verify: bool) -> None:
    file = path / name
    try:
        info = file.lstat()
    except OSError as error:
        raise BundleError(file, "is missing", REINSTALL) from error
    if not stat.S_ISREG(info.st_mode):
        raise BundleError(file, "is a link or a folder, not a file", REINSTALL)
    if info.st_size != entry.size_bytes:
        raise BundleError(file, f"has {info.st_size} bytes instead of {entry.size_bytes}", REINSTALL)
    if verify and file_sha256(file) != entry.sha256:
        raise BundleError(file, "is damaged: its SHA-256 does not fit", REINSTALL)
