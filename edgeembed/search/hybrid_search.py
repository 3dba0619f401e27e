"""One search of one snapshot, in three steps: find candidates, judge them, show the best as hits."""

from __future__ import annotations

from collections.abc import Mapping

from ..catalog.snapshot import Snapshot
from ..index_models.calibration import Calibration
from ..segments.segment_set import SegmentSet
from .candidates import find_candidates
from .fusion import judge
from .hit_builder import build_hit, fold_copies
from .hits import Hit
from .prepared_query import SearchRequest


def hybrid_search(
    snapshot: Snapshot, segments: SegmentSet, calibrations: Mapping[str, Calibration], request: SearchRequest
) -> list[Hit]:
    """The best ``request.k`` documents, best first.

    Args:
        calibrations: what is ordinary between the query and documents, for each kind of documents searched in.

    Raises:
        FileNotFoundError: a segment was merged away meanwhile; a newer snapshot knows what took its place.
    """
    candidates, scales = find_candidates(snapshot, segments, calibrations, request)
    ranked = judge(candidates, scales, mode=request.decided_by, min_score=request.min_score)
    if not request.folds_copies:
        return [build_hit(snapshot, item, request.query, scales.words) for item in ranked[: request.k]]
    folded = fold_copies(snapshot, ranked, request.condition, request.k)
    return [build_hit(snapshot, item, request.query, scales.words, copies) for item, copies in folded]
