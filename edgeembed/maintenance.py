"""Looking after an index: what it holds, and how it is repaired. The work itself is in ``verify`` and ``repair``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .catalog import CATALOG_NAME
from .embedder import Embedder
from .errors import BundleError, IndexCorruptError, IndexNotFoundError
from .lock import process_lock
from .model_facts import ModelFacts, stored_models
from .opening import open_catalog
from .pairing import Model
from .places import check_catalog, refuse_links
from .skipped import Skipped
from .snapshot import Snapshot
from .towers import Towers

if TYPE_CHECKING:
    from .repair import RepairReport


@dataclass(frozen=True)
class IndexStatus:
    """What an index holds."""

    path: Path
    model: str
    """Of texts; the next two facts are its own."""
    encoder: str
    space: str
    image_model: str | None
    """Of pictures; ``None``: they are left out, and so the next two facts."""
    image_encoder: str | None
    image_space: str | None
    documents: int
    chunks: int
    fresh: int
    """Chunks that are in no segment yet."""
    segments: int
    size_bytes: int
    """All files of the index."""
    generation: int
    """Number of commits."""
    skipped: tuple[Skipped, ...]
    """Files of a folder that were left out."""
    catalog_bytes: int
    """The catalog with its log: texts, metadata, full text, and vectors that are in no segment yet."""
    segment_bytes: int
    """Vectors and graphs."""


def index_status(snapshot: Snapshot, path: Path, towers: Towers) -> IndexStatus:
    """What the index in ``path`` holds as of one commit."""
    counts, text, image = snapshot.counts(), towers.facts("text"), towers.facts("image")
    assert text is not None
    skipped = [Skipped(name, row.reason) for name, row in snapshot.files().items() if row.reason is not None]
    sizes = {file.name: file.stat().st_size for file in path.iterdir() if file.is_file()}
    return IndexStatus(
        path=path,
        model=text.name,
        encoder=text.encoder,
        space=text.space,
        image_model=None if image is None else image.name,
        image_encoder=None if image is None else image.encoder,
        image_space=None if image is None else image.space,
        documents=counts["documents"],
        chunks=counts["chunks"],
        fresh=counts["fresh"],
        segments=counts["segments"],
        size_bytes=sum(sizes.values()),
        generation=int(snapshot.setting("generation") or 0),
        skipped=tuple(sorted(skipped, key=lambda item: item.path)),
        catalog_bytes=sum(size for name, size in sizes.items() if name.startswith(CATALOG_NAME)),
        segment_bytes=sum(size for name, size in sizes.items() if name.endswith(".usearch")),
    )


def repair_index(folder: Path, model: Model, *, threads: int | None) -> RepairReport:
    """See :meth:`Index.repair`."""
    from .repair import RepairReport, repair

    if not (folder / CATALOG_NAME).is_file():
        raise IndexNotFoundError(folder, "there is nothing to repair")
    refuse_links(folder)
    check_catalog(folder)
    documents = _documents_if_intact(folder)
    if documents is not None:
        return RepairReport((), documents, 0, ())

    def embedder(facts: ModelFacts) -> Embedder | str:
        """The model that texts were embedded with; or the reason why there is none."""
        if isinstance(model, Embedder):
            wanted = model
        else:
            try:
                wanted = Embedder.load(model or facts.source, threads=threads)
            except BundleError as error:
                return str(error)
        return wanted if wanted.manifest.encoder == facts.encoder else f"{wanted.manifest.label} is another model"

    with process_lock(folder):
        try:
            return repair(folder, embedder)
        except IndexCorruptError as error:
            advice = "`edgeembed index --rebuild` makes the index anew"
            raise IndexCorruptError(error.path, error.reason, advice) from error


def _documents_if_intact(folder: Path) -> int | None:
    """How many documents an index holds in which nothing is wrong; ``None``: something is."""
    from .verify import verify

    try:
        catalog = open_catalog(folder, read_only=True)
        try:
            with catalog.read() as snapshot:
                dims = stored_models(snapshot, folder).dims()
                # Texts need not be embedded again: repair has nothing to mend a vector by whose digest fits.
                report = verify(snapshot, folder, dims, lambda: "not asked", lambda _: True)
        finally:
            catalog.close()
    except IndexCorruptError:
        return None
    return report.documents if report.ok else None
