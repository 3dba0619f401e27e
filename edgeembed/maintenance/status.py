"""Looking after an index: what it holds, and how it is repaired. The work itself is in ``verify`` and ``repair``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..catalog import settings
from ..catalog.database import CATALOG_NAME
from ..catalog.schema import LAYOUT
from ..catalog.snapshot import Snapshot
from ..index_models.loaded import LoadedModels
from ..reading.entries import Skipped


@dataclass(frozen=True)
class IndexStatus:
    """What an index holds."""

    path: Path
    model: str
    """Of texts; the next two are its own."""
    encoder: str
    space: str
    image_model: str | None
    """Of images; ``None``: they are left out, and the next two are ``None`` as well."""
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
    unread: int = 0
    """Chunks that are found by their words only: the model cannot read them, or they stand around articles."""
    layout: int = LAYOUT
    """Of the catalog; one lower than that of this edgeembed is read as it is, and upgraded by the next sync."""
    incomplete: tuple[Skipped, ...] = ()
    """Files that are in the index and of which a part is missing, and which part."""
    files: int = 0
    """Documents, all messages of a mailbox counted as one."""


def index_status(snapshot: Snapshot, path: Path, models: LoadedModels, below: str = "") -> IndexStatus:
    """What the index in ``path`` holds as of one commit; documents and what was skipped only ``below`` a folder."""
    counts, text, image = snapshot.counts(), models.record("text"), models.record("image")
    assert text is not None
    prefix = f"{below}/" if below else ""
    if below:
        counts |= snapshot.counts_below(prefix)
    files = snapshot.files().items()
    by_state: dict[str, list[Skipped]] = {"incomplete": [], "skipped": []}
    for name, row in files:
        if row.reason is not None and name.startswith(prefix):
            by_state.setdefault(row.state, []).append(Skipped(name, row.reason))
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
        fresh=counts["unsegmented"],
        segments=counts["segments"],
        size_bytes=sum(sizes.values()),
        generation=int(snapshot.setting(settings.GENERATION) or 0),
        skipped=tuple(sorted(by_state["skipped"], key=lambda item: item.path)),
        catalog_bytes=sum(size for name, size in sizes.items() if name.startswith(CATALOG_NAME)),
        segment_bytes=sum(size for name, size in sizes.items() if name.endswith(".usearch")),
        unread=counts["vectorless"],
        layout=snapshot.layout,
        incomplete=tuple(sorted(by_state["incomplete"], key=lambda item: item.path)),
        files=snapshot.count_files(prefix),
    )
