"""The manifest of a bundle: metadata and checksums of a model, as ``models/README.md`` specifies them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ..errors import BundleError

FORMAT = 1
MANIFEST_NAME = "manifest.json"
GOLDEN_NAME = "golden.npz"
BACKGROUND_NAME = "background.npz"
WEIGHTS_SUFFIX = ".data"
"""Suffix of ONNX external data: the file of a graph's large weights is called as the graph, with this added."""
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_DIGEST_FIELD = re.compile(rb'"digest": "([0-9a-f]{64})"')
_ZEROS = b"0" * 64
_OPTIONAL_KEYS = ("reducing_gap", "shrink_filter")
"""Keys that came to the format later; where they are null the encoder's digest passes over them, as it did before."""
REINSTALL = "copy the bundle again or reinstall edgeembed"


@dataclass(frozen=True, kw_only=True)
class TextSection:
    """Text preprocessing and graph: tokenizer, truncation, padding, prefixes."""

    graph: str
    """File name of the ONNX graph."""
    tokenizer: str
    """File name of the tokenizer, in the JSON format of the ``tokenizers`` library."""
    max_tokens: int
    """Truncation length in tokens, special tokens included; longer inputs are cut at the end."""
    pad_to: int | None = None
    """Padding length in tokens, for every input; ``None``: inputs are not padded."""
    pad_id: int = 0
    """Padding token id."""
    query_prefix: str = ""
    document_prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class ImageSection:
    """Image preprocessing and graph: orientation, colour mode, resize, crop, normalisation."""

    graph: str
    """File name of the ONNX graph."""
    height: int
    width: int
    """Input size of the graph in pixels."""
    resize: str
    """Resize rule. ``shortest-edge``: the shorter side becomes ``resize_to`` pixels, the longer one keeps the aspect
    ratio, rounded down; ``stretch``: both sides become ``resize_to``, or ``height`` and ``width``; ``none``."""
    resize_to: int | None = None
    """Length in pixels after resizing; ``None``: ``stretch`` gives ``height`` and ``width`` at once."""
    crop: str = "none"
    """``center``: centre crop to ``height`` and ``width``, padded with zeros (black) where the image is smaller; or
    ``none``."""
    crop_rounding: str = "down"
    """Rounding of the crop offset where the margin is odd: ``down`` is ``(side - crop) // 2``, ``up`` one pixel more;
    ``even`` is torchvision's rule: the even one of the two, and ``up`` where the image is smaller than the crop."""
    filter: str
    """Resampling filter of Pillow: ``nearest``, ``box``, ``bilinear``, ``hamming``, ``bicubic`` or ``lanczos``."""
    shrink_filter: str | None = None
    """Resampling filter for downscaling, where neither side becomes longer; ``None``: ``filter`` is for all."""
    scale: float = 1 / 255
    """Rescale factor, from a byte to the value that ``mean`` is subtracted from."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """Mean and standard deviation, one number a channel: value = (byte * scale - mean) / std."""
    mode: str = "RGB"
    """Colour mode, and so the order of channels: ``RGB``, ``BGR`` or ``L``."""
    orientation: str = "exif"
    """``exif``: the EXIF orientation is applied; ``none``: pixels as they are stored."""
    reducing_gap: float | None = None
    """Pillow's reducing gap: where an image may first be reduced by a whole factor (means of blocks), it stays at
    least so many times as large as its target size; ``None``: the runtime's own choice."""


@dataclass(frozen=True)
class FileEntry:
    """Size and checksum of a file of the bundle."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The metadata of one model, as read from ``manifest.json``."""

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
    """Least cosine of the bundle's vectors to the ``reference``, and to its own when it was made (``self``)."""
    quality: Mapping[str, Any] = field(default_factory=dict)
    exported_with: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT
    digest: str = ""

    @property
    def label(self) -> str:
        """Name and the start of the encoder's digest, for messages."""
        return f"{self.name} ({self.encoder[:12]})"


def encoder_digest(manifest: Manifest) -> str:
    """SHA-256 over what decides a vector: hashes of graphs, weights and tokenizer, and preprocessing."""
    payload: dict[str, Any] = {"dim": manifest.dim}
    for kind, section in (("text", manifest.text), ("image", manifest.image)):
        if section is not None:
            values = dataclasses.asdict(section)
            for key in ("graph", "tokenizer"):
                if key in values:
                    weights = manifest.files.get(values[key] + WEIGHTS_SUFFIX)
                    values[key] = manifest.files[values[key]].sha256 + (weights.sha256 if weights else "")
            for key in _OPTIONAL_KEYS:
                if values.get(key, 0) is None:
                    del values[key]  # encoders without it stay the same
            payload[kind] = values
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Read and check ``manifest.json``.

    Raises:
        BundleError: it cannot be read, is of a newer format, was changed, or does not follow the format.
    """
    try:
        raw = path.read_bytes()
        data = json.loads(raw)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(path, f"cannot be read as JSON: {error}", REINSTALL) from error
    if not isinstance(data, dict):
        raise BundleError(path, "is not a JSON object", REINSTALL)
    format_number = data.get("format")
    if not isinstance(format_number, int) or isinstance(format_number, bool) or format_number < 1:
        raise BundleError(path, f"has no usable format number: {format_number!r}", REINSTALL)
    if format_number > FORMAT:
        raise BundleError(
            path, f"is in format {format_number}, newer than this edgeembed reads ({FORMAT})", "upgrade edgeembed"
        )
    digests = _DIGEST_FIELD.findall(raw)
    if len(digests) != 1 or hashlib.sha256(_DIGEST_FIELD.sub(b'"digest": "' + _ZEROS + b'"', raw)).hexdigest() != (
        digests[0].decode()
    ):
        raise BundleError(path, "was changed after it was sealed: its digest does not fit", REINSTALL)
    try:
        manifest = _from_json(data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BundleError(path, f"does not follow the bundle format: {error}", REINSTALL) from error
    return manifest


def sealed_bytes(manifest: Manifest, files: Mapping[str, FileEntry]) -> bytes:
    """Serialize a manifest: the bytes of ``manifest.json``, with ``files``, the encoder's digest and its own.

    Its own is the SHA-256 of these bytes with zeros in its place.

    Raises:
        ValueError: it does not follow the format.
    """
    sealed = dataclasses.replace(manifest, files=files, digest=_ZEROS.decode())
    sealed = dataclasses.replace(sealed, encoder=encoder_digest(sealed))
    _validate(sealed)
    data = dataclasses.asdict(sealed)
    order = ["format", "name", "version", *(key for key in data if key not in {"format", "name", "version"})]
    text = json.dumps({key: data[key] for key in order}, indent=2, ensure_ascii=False) + "\n"
    raw = text.encode()
    digest = hashlib.sha256(raw).hexdigest().encode()
    return raw.replace(b'"digest": "' + _ZEROS + b'"', b'"digest": "' + digest + b'"')


def _from_json(data: Mapping[str, Any]) -> Manifest:
    values = _known_fields(Manifest, data)
    values["text"] = None if data.get("text") is None else TextSection(**_known_fields(TextSection, data["text"]))
    values["image"] = (
        None
        if data.get("image") is None
        else ImageSection(**_lists_to_tuples(_known_fields(ImageSection, data["image"])))
    )
    values["files"] = {name: FileEntry(**_known_fields(FileEntry, entry)) for name, entry in data["files"].items()}
    values["training_data"] = tuple(data["training_data"])
    manifest = Manifest(**values)
    _validate(manifest)
    return manifest


_Section = TypeVar("_Section")


def _known_fields(section: type[_Section], data: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that are fields of ``section``; unknown ones are ignored, as the format prescribes."""
    names = {item.name for item in dataclasses.fields(section)}  # type: ignore[arg-type]
    return {key: value for key, value in data.items() if key in names}


def _lists_to_tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _validate(manifest: Manifest) -> None:
    for part in (manifest, manifest.text, manifest.image, *manifest.files.values()):
        _check_types(part)
    for name in manifest.files:
        check_file_name(name)
    if manifest.dim < 1:
        raise ValueError(f"dim is {manifest.dim}")
    if manifest.text is None and manifest.image is None:
        raise ValueError("neither a text nor an image section")
    if manifest.text is not None:
        _check_listed(manifest, (manifest.text.graph, manifest.text.tokenizer))
        if manifest.text.max_tokens < 1:
            raise ValueError(f"max_tokens is {manifest.text.max_tokens}")
    if manifest.image is not None:
        _check_listed(manifest, (manifest.image.graph,))
        if min(manifest.image.height, manifest.image.width) < 1:
            raise ValueError(f"image size is {manifest.image.height} x {manifest.image.width}")
        if manifest.image.reducing_gap is not None and not 1 <= manifest.image.reducing_gap < math.inf:
            raise ValueError(f"reducing_gap is {manifest.image.reducing_gap}")


def check_file_name(name: str) -> None:
    """Raise ``ValueError`` for a name that no file of a bundle may have."""
    if not FILE_NAME.fullmatch(name) or name == MANIFEST_NAME:
        raise ValueError(f"{name!r} cannot be a file name here: letters, digits, '.', '_' and '-' only")


def _check_types(part: object) -> None:
    """Type-check every field against its annotation: a value of another type would do harm far from here."""
    if part is None:
        return
    for name, hint in get_type_hints(type(part)).items():
        value = getattr(part, name)
        kinds = [get_origin(kind) or kind for kind in (get_args(hint) if isinstance(hint, UnionType) else (hint,))]
        kinds += [int] if float in kinds else []
        if isinstance(value, bool) or not isinstance(value, tuple(kinds)):
            raise ValueError(f"{name} is {value!r:.60}")


def _check_listed(manifest: Manifest, names: Iterable[str]) -> None:
    for name in names:
        if name not in manifest.files:
            raise ValueError(f"{name!r} is used but not listed in files")
