"""Model bundles: one sealed folder with all that is known about a model.

The format is specified in ``models/README.md``. A bundle is the only thing that crosses from the export
stage to the runtime, and the runtime's only source of facts about a model.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.resources
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from .errors import BundleError

FORMAT = 1
MANIFEST_NAME = "manifest.json"
GOLDEN_NAME = "golden.npz"
BACKGROUND_NAME = "background.npz"

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_DIGEST_FIELD = re.compile(rb'"digest": "([0-9a-f]{64})"')
_ZEROS = b"0" * 64
_REINSTALL = "copy the bundle again or reinstall edgeembed"


@dataclass(frozen=True, kw_only=True)
class TextSection:
    """How a bundle turns text into a vector."""

    graph: str
    """File name of the ONNX graph."""
    tokenizer: str
    """File name of the tokenizer, in the JSON format of the ``tokenizers`` library."""
    max_tokens: int
    """Longest input in tokens, special tokens included; longer ones are cut at the end."""
    pad_to: int | None = None
    """Length in tokens to which every input is padded; ``None``: inputs are not padded."""
    pad_id: int = 0
    """Token id used for padding."""
    query_prefix: str = ""
    document_prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class ImageSection:
    """How a bundle turns a picture into a vector."""

    graph: str
    """File name of the ONNX graph."""
    height: int
    width: int
    """Size in pixels of what the graph takes."""
    resize: str
    """``shortest-edge``: the shorter side becomes ``resize_to`` pixels, the longer one keeps the aspect ratio,
    rounded down; ``stretch``: both sides become ``resize_to``, or ``height`` and ``width``; ``none``."""
    resize_to: int | None = None
    """Length in pixels after resizing; ``None``: ``stretch`` gives ``height`` and ``width`` at once."""
    crop: str = "none"
    """``center``, to ``height`` and ``width``, what is missing being black; or ``none``."""
    crop_rounding: str = "down"
    """Where the crop starts when the margin is odd: ``down`` is ``(side - crop) // 2``, ``up`` one pixel further;
    ``even`` is torchvision's rule: the even one of the two, and ``up`` where the picture is smaller than the crop."""
    filter: str
    """``nearest``, ``box``, ``bilinear``, ``hamming``, ``bicubic`` or ``lanczos``, as Pillow computes them."""
    scale: float = 1 / 255
    """Factor from a byte to the value that ``mean`` is taken from."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """One number a channel: value = (byte * scale - mean) / std."""
    mode: str = "RGB"
    """Colour mode, and so the order of channels: ``RGB``, ``BGR`` or ``L``."""
    orientation: str = "exif"
    """``exif``: turned upright as the file says; ``none``: taken as stored."""


@dataclass(frozen=True)
class FileEntry:
    """What the manifest says of another file of the bundle."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The facts about one model, as read from ``manifest.json``."""

    name: str
    version: str
    dim: int
    """Length of the vectors."""
    space: str
    """Vectors of bundles with equal ``space`` may be compared."""
    encoder: str
    """Digest of graphs, tokenizer and preprocessing: equal means equal vectors."""
    text: TextSection | None
    image: ImageSection | None
    precision: str
    source: Mapping[str, Any]
    license: str
    training_data: tuple[Mapping[str, str], ...]
    files: Mapping[str, FileEntry]
    tolerance: Mapping[str, float] = field(default_factory=dict)
    """Least cosine of the bundle's own vectors to the ``reference``, and to those kept when it was made (``self``)."""
    quality: Mapping[str, Any] = field(default_factory=dict)
    exported_with: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT
    digest: str = ""

    @property
    def label(self) -> str:
        """Name and the start of the encoder's digest, for messages."""
        return f"{self.name} ({self.encoder[:12]})"


@dataclass(frozen=True)
class Bundle:
    """A folder and the manifest found in it."""

    path: Path
    manifest: Manifest

    def file(self, name: str) -> Path:
        """Path of a file that the manifest names."""
        return self.path / name

    def verified_file(self, name: str) -> Path:
        """As :meth:`file`, its hash compared now: for a bundle that was opened without.

        Raises:
            BundleError: it is not the file that was sealed.
        """
        _check_file(self.path, name, self.manifest.files[name], verify=True)
        return self.path / name


def shipped_names() -> list[str]:
    """Names of the bundles installed with this package, the default one first."""
    root = _models_root()
    names = sorted(p.parent.name for p in root.glob(f"*/{MANIFEST_NAME}"))
    return sorted(names, key=lambda name: name != _default_name())


def is_shipped(bundle: Bundle) -> bool:
    """Whether a bundle is one of those installed with this package, so that its name alone finds it."""
    return bundle.path.absolute() == (_models_root() / bundle.manifest.name).absolute()


def shipped_partner(space: str, dim: int, kind: str) -> Bundle | None:
    """The shipped bundle that embeds documents of a kind, ``text`` or ``image``, into a vector space.

    ``None``: none does. Of several it is the default, or the first by name.
    """
    for name in shipped_names():
        bundle = read_bundle(name, verify=False)
        facts = bundle.manifest
        if (facts.space, facts.dim) == (space, dim) and getattr(facts, kind) is not None:
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
    manifest = _read_manifest(path / MANIFEST_NAME)
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
        _check_name(name)
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
        sealed = dataclasses.replace(manifest, files=entries, digest=_ZEROS.decode())
        sealed = dataclasses.replace(sealed, encoder=encoder_digest(sealed))
        _check_facts(sealed)
        (scratch / MANIFEST_NAME).write_bytes(_to_json(sealed))
        if out.exists():
            shutil.rmtree(out)
        scratch.rename(out)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return read_bundle(out)


def encoder_digest(manifest: Manifest) -> str:
    """SHA-256 over everything that decides a vector: hashes of graphs and tokenizer, and preprocessing facts."""
    facts: dict[str, Any] = {"dim": manifest.dim}
    for kind, section in (("text", manifest.text), ("image", manifest.image)):
        if section is not None:
            values = dataclasses.asdict(section)
            for key in ("graph", "tokenizer"):
                if key in values:
                    values[key] = manifest.files[values[key]].sha256
            facts[kind] = values
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _default_name() -> str:
    return str(importlib.import_module("edgeembed.models").DEFAULT)


def _models_root() -> Path:
    root = importlib.resources.files("edgeembed.models")
    # A regular package on disk; a zipped one could not be memory-mapped anyway.
    return Path(str(root))


def _find(model: str | os.PathLike[str] | None) -> Path:
    if model is None:
        model = _default_name()
    if isinstance(model, str) and (_models_root() / model / MANIFEST_NAME).is_file() and _FILE_NAME.fullmatch(model):
        return _models_root() / model
    path = Path(model).expanduser()
    if not (path / MANIFEST_NAME).is_file():
        known = ", ".join(shipped_names()) or "none"
        reason = f"holds no {MANIFEST_NAME}" if path.is_dir() else "no such bundle"
        raise BundleError(path, reason, f"give a bundle folder or the name of a shipped model: {known}")
    return path


def _read_manifest(path: Path) -> Manifest:
    try:
        raw = path.read_bytes()
        data = json.loads(raw)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(path, f"cannot be read as JSON: {error}", _REINSTALL) from error
    if not isinstance(data, dict):
        raise BundleError(path, "is not a JSON object", _REINSTALL)
    found = data.get("format")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise BundleError(path, f"has no usable format number: {found!r}", _REINSTALL)
    if found > FORMAT:
        raise BundleError(
            path, f"is in format {found}, newer than this edgeembed reads ({FORMAT})", "upgrade edgeembed"
        )
    stated = _DIGEST_FIELD.findall(raw)
    if len(stated) != 1 or hashlib.sha256(_DIGEST_FIELD.sub(b'"digest": "' + _ZEROS + b'"', raw)).hexdigest() != (
        stated[0].decode()
    ):
        raise BundleError(path, "was changed after it was sealed: its digest does not fit", _REINSTALL)
    try:
        manifest = _from_json(data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BundleError(path, f"does not follow the bundle format: {error}", _REINSTALL) from error
    return manifest


def _check_files(path: Path, entries: Mapping[str, FileEntry], *, verify: bool) -> None:
    if (path / MANIFEST_NAME).is_symlink():
        raise BundleError(path / MANIFEST_NAME, "is a link, not a file", _REINSTALL)
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
        raise BundleError(file, "is missing", _REINSTALL) from error
    if not stat.S_ISREG(info.st_mode):
        raise BundleError(file, "is a link or a folder, not a file", _REINSTALL)
    if info.st_size != entry.size_bytes:
        raise BundleError(file, f"has {info.st_size} bytes instead of {entry.size_bytes}", _REINSTALL)
    if verify and file_sha256(file) != entry.sha256:
        raise BundleError(file, "is damaged: its SHA-256 does not fit", _REINSTALL)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file of any size, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _to_json(manifest: Manifest) -> bytes:
    """The bytes of manifest.json, its digest computed over themselves with zeros in its place."""
    data = dataclasses.asdict(manifest)
    order = ["format", "name", "version", *(key for key in data if key not in {"format", "name", "version"})]
    text = json.dumps({key: data[key] for key in order}, indent=2, ensure_ascii=False) + "\n"
    raw = text.encode()
    digest = hashlib.sha256(raw).hexdigest().encode()
    return raw.replace(b'"digest": "' + _ZEROS + b'"', b'"digest": "' + digest + b'"')


def _from_json(data: Mapping[str, Any]) -> Manifest:
    values = _known(Manifest, data)
    values["text"] = None if data.get("text") is None else TextSection(**_known(TextSection, data["text"]))
    values["image"] = (
        None if data.get("image") is None else ImageSection(**_tuples(_known(ImageSection, data["image"])))
    )
    values["files"] = {name: FileEntry(**_known(FileEntry, entry)) for name, entry in data["files"].items()}
    values["training_data"] = tuple(data["training_data"])
    manifest = Manifest(**values)
    _check_facts(manifest)
    return manifest


_Fact = TypeVar("_Fact")


def _known(kind: type[_Fact], data: Mapping[str, Any]) -> dict[str, Any]:
    """Keys that this format knows; others are ignored, as the format prescribes."""
    names = {item.name for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return {key: value for key, value in data.items() if key in names}


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _check_facts(manifest: Manifest) -> None:
    for part in (manifest, manifest.text, manifest.image, *manifest.files.values()):
        _check_types(part)
    for name in manifest.files:
        _check_name(name)
    if manifest.dim < 1:
        raise ValueError(f"dim is {manifest.dim}")
    if manifest.text is None and manifest.image is None:
        raise ValueError("neither a text nor an image section")
    if manifest.text is not None:
        _check_named(manifest, (manifest.text.graph, manifest.text.tokenizer))
        if manifest.text.max_tokens < 1:
            raise ValueError(f"max_tokens is {manifest.text.max_tokens}")
    if manifest.image is not None:
        _check_named(manifest, (manifest.image.graph,))
        if min(manifest.image.height, manifest.image.width) < 1:
            raise ValueError(f"image size is {manifest.image.height} x {manifest.image.width}")


def _check_name(name: str) -> None:
    if not _FILE_NAME.fullmatch(name) or name == MANIFEST_NAME:
        raise ValueError(f"{name!r} cannot be a file name here: letters, digits, '.', '_' and '-' only")


def _check_types(part: object) -> None:
    """Refuse a value of another type than the format says; it would do harm far from here."""
    if part is None:
        return
    for name, hint in get_type_hints(type(part)).items():
        value = getattr(part, name)
        kinds = [get_origin(kind) or kind for kind in (get_args(hint) if isinstance(hint, UnionType) else (hint,))]
        kinds += [int] if float in kinds else []
        if isinstance(value, bool) or not isinstance(value, tuple(kinds)):
            raise ValueError(f"{name} is {value!r:.60}")


def _check_named(manifest: Manifest, names: Iterable[str]) -> None:
    for name in names:
        if name not in manifest.files:
            raise ValueError(f"{name!r} is used but not listed in files")
