"""A source model: its folder, the checksum of its weights, licence and training data. The same for every family."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ExportError

_HUB_FILES = ["*.json", "*.txt", "*.model", "*.safetensors", "*.md", "LICENSE*"]
_SPDX = {
    "apache-2.0": "Apache-2.0",
    "mit": "MIT",
    "bsd-3-clause": "BSD-3-Clause",
    "cc0-1.0": "CC0-1.0",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0",
    "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0",
}
"""The Hub's names of common licences to SPDX expressions."""
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model")
"""Any of these means that a folder has a tokenizer."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Metadata of a model that every family has, as its own files state it."""

    path: Path
    id: str
    """What people call it, such as its Hub name."""
    revision: str
    """Commit on the Hub; for a local folder the start of ``weights_sha256``."""
    weights_sha256: str
    config: Mapping[str, Any]
    license: str | None
    """SPDX expression, or ``None``: not stated."""
    training_data: tuple[Mapping[str, str], ...]
    """Sets named in the head of the source's model card."""

    @property
    def model_type(self) -> str:
        """``model_type`` of the configuration, such as ``bert``."""
        return str(self.config["model_type"])


def locate(source: str | Path) -> tuple[Path, str | None]:
    """Folder of a source, and its commit if it came from the Hugging Face Hub.

    Raises:
        ExportError: there is neither a folder nor a model of that name.
    """
    path, name = Path(source).expanduser(), str(source)
    if path.is_dir():
        return path, None
    if path.exists() or not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
        raise ExportError(f"{name}: neither a folder nor a name on the Hugging Face Hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        snapshot = Path(snapshot_download(name, allow_patterns=_HUB_FILES))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ExportError(f"{name}: no such folder, and the Hub does not give it: {reason}") from error
    return snapshot, snapshot.name


def read_json(path: Path, *, missing: str) -> dict[str, Any]:
    """The object in a JSON file; :class:`ExportError` with ``missing`` as its message where there is no file."""
    if not path.is_file():
        raise ExportError(missing)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ExportError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(data, dict):
        raise ExportError(f"{path}: is not a JSON object")
    return data


def optional_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where there is no file."""
    return read_json(path, missing="") if path.is_file() else {}


def read_config(path: Path) -> dict[str, Any]:
    """``config.json`` of a model's folder, which names a ``model_type``."""
    config = read_json(path / "config.json", missing=f"{path}: holds no config.json, so it is no model folder")
    if not config.get("model_type"):
        raise ExportError(f"{path / 'config.json'}: names no model_type")
    return config


def require_tokenizer(path: Path) -> None:
    """Refuse a folder without any tokenizer."""
    if not any((path / name).is_file() for name in TOKENIZER_FILES):
        raise ExportError(f"{path}: the tokenizer is missing (no tokenizer.json)")


def describe(path: Path, commit: str | None, source: str | Path, source_id: str | None) -> dict[str, Any]:
    """Arguments of :class:`Source` for a located folder, all but ``config``; hashes the weights.

    Raises:
        ExportError: the weights are missing, or are a pickle.
    """
    weights, card = _weights_sha256(path), _card_metadata(path)
    sets = _as_list(card.get("datasets"))
    return {
        "path": path,
        "id": source_id or (path.resolve().name if commit is None else str(source)),
        "revision": commit or weights[:12],
        "weights_sha256": weights,
        "license": _SPDX.get(str(card.get("license", "")).lower()),
        "training_data": tuple({"name": name, "terms": "as stated by its authors"} for name in sets),
    }


def _weights_sha256(path: Path) -> str:
    """SHA-256 of the safetensors file; of the hashes of all parts where there are several."""
    index = path / "model.safetensors.index.json"
    if index.is_file():
        parts = sorted(set(read_json(index, missing="").get("weight_map", {}).values()))
    else:
        parts = ["model.safetensors"]
    missing = [name for name in parts if not (path / name).is_file()]
    if missing or not parts:
        if any(path.glob("*.bin")) or any(path.glob("*.pt")) or any(path.glob("*.ckpt")):
            raise ExportError(
                f"{path}: holds its weights as a pickle only, which can run any program when it is opened; "
                "convert them to safetensors"
            )
        raise ExportError(f"{path}: the weights are missing (no {', '.join(missing) or 'model.safetensors'})")
    digests = [hashlib.sha256((path / name).read_bytes()).hexdigest() for name in parts]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _card_metadata(path: Path) -> dict[str, Any]:
    """The YAML head of the source's model card."""
    from huggingface_hub import metadata_load
    from yaml import YAMLError

    card = path / "README.md"
    try:
        return metadata_load(card) or {} if card.is_file() else {}
    except (ValueError, YAMLError):
        return {}  # a card is written by hand; without its head, licence and data are simply not stated


def _as_list(value: object) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
