"""What is special about a build: a bill of materials in the wheel, and a source archive that is the same each time.

The bill of materials is CycloneDX 1.6 in ``.dist-info/sboms/`` (PEP 770). It names what the runtime requires and every
model, with its source, hash and licence. It holds no time and no random number, so that two builds of one commit give
the same bytes.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import tarfile
import uuid
from pathlib import Path
from typing import Any

from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.sdist import sdist

_NAME = "edgeembed.cdx.json"
_MODELS = Path(__file__).parent / "models"
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[^\]]*\])?\s*([^;]*)")


class BdistWheel(bdist_wheel):  # type: ignore[misc, unused-ignore]
    """Build a wheel with a bill of materials."""

    def write_wheelfile(self, wheelfile_base: str, *args: Any, **kwargs: Any) -> None:
        """Called by the build once the folder of metadata is there, before everything in it is packed and hashed."""
        super().write_wheelfile(wheelfile_base, *args, **kwargs)
        metadata = self.distribution.metadata
        bom = bill_of_materials(metadata.get_name(), metadata.get_version(), self.distribution.install_requires)
        folder = Path(wheelfile_base, "sboms")
        folder.mkdir(exist_ok=True)
        (folder / _NAME).write_text(json.dumps(bom, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


class Sdist(sdist):  # type: ignore[misc, unused-ignore]
    """Build a source archive whose times are ``SOURCE_DATE_EPOCH``, as those in a wheel are."""

    def make_archive(self, base_name: str, format: str, *args: Any, base_dir: Any = None, **kwargs: Any) -> str:
        """Called by the build for each format; without the variable, or in another format than tar.gz, as always."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if format != "gztar" or not epoch or base_dir is None:
            return str(super().make_archive(base_name, format, *args, base_dir=base_dir, **kwargs))

        def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
            member.mtime, member.mode = int(epoch), 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.uid, member.gid, member.uname, member.gname = 0, 0, "", ""
            return member

        archive = Path(f"{base_name}.tar.gz")
        archive.parent.mkdir(parents=True, exist_ok=True)
        with (
            archive.open("wb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw, mtime=int(epoch)) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            tar.add(base_dir, filter=plain)  # in the order of names
        return str(archive)


def bill_of_materials(name: str, version: str, requirements: list[str]) -> dict[str, Any]:
    """The document, without a time.

    Args:
        requirements: of the runtime, as in ``Requires-Dist``.
    """
    components = [*map(_dependency, sorted(requirements)), *map(_model, sorted(_MODELS.glob("*/manifest.json")))]
    own = f"pkg:pypi/{name}@{version}"
    contents = json.dumps([own, components], sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, contents)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": own,
                "name": name,
                "version": version,
                "purl": own,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": [component["bom-ref"] for component in components]}],
    }


def _dependency(requirement: str) -> dict[str, Any]:
    """A package that is required; which version is installed is known where it is installed only."""
    match = _REQUIREMENT.match(requirement)
    assert match is not None, requirement
    name = re.sub(r"[-_.]+", "-", match[1]).lower()
    purl = f"pkg:pypi/{name}"
    properties = [{"name": "edgeembed:requires", "value": match[2].strip()}]
    return {"type": "library", "bom-ref": purl, "name": name, "purl": purl, "properties": properties}


def _model(file: Path) -> dict[str, Any]:
    """A bundle, by its manifest, whose digest is over all its files."""
    manifest = json.loads(file.read_text(encoding="utf-8"))
    source = manifest["source"]
    properties = [{"name": f"edgeembed:source.{key}", "value": str(source[key])} for key in sorted(source)]
    files = [
        {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": entry["sha256"]}]}
        for name, entry in sorted(manifest["files"].items())
    ]
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{manifest['name']}",
        "name": manifest["name"],
        "version": manifest["version"],
        "description": f"made from {source['id']}, revision {source['revision']}",
        "hashes": [{"alg": "SHA-256", "content": manifest["digest"]}],
        "licenses": [{"license": {"id": manifest["license"]}}],
        "properties": properties,
        "components": files,
    }
