"""Videos that no source holds any more: files were replaced, and nobody could be shown where their scenes are.

They are removed at the end of a run and not when their last source leaves: a file that was renamed, while another took
its name, is a source of the old video that the run comes to later.
"""

from footage.catalog import Catalog
from footage.index import VectorIndex
from footage.sidecar import Manifest

REMOVED = "removed"  # a fingerprint that no pipeline has: the same content, should it come back, is indexed anew


def remove_orphans(catalog: Catalog, index: VectorIndex) -> list[str]:
    """Remove all that is stored of videos without a source; gives their ids.

    May be killed after any step and called again: the manifest, by which such a video is found, goes last. Before
    anything else it is given to no pipeline, and span records go before the points that they stand for, so that
    content which comes back in between is neither taken for indexed nor for half indexed.

    Args:
        catalog: of the workspace. No other run may work on it, and this one must have reached all its sources.
        index: holds the points of the workspace.
    """
    orphans = [manifest.video_id for manifest in catalog.manifests() if not manifest.sources]
    for video_id in orphans:
        catalog.change_manifest(video_id, _given_up)
        for span_index in sorted(catalog.span_indices(video_id)):
            catalog.delete_span(video_id, span_index)
        index.delete_video(catalog.workspace, video_id)
        catalog.delete_scenes(video_id)
        catalog.delete_references(video_id)
        catalog.delete_claim(video_id)
        catalog.delete_manifest(video_id)
    return orphans


def _given_up(held: Manifest) -> Manifest:
    return held.model_copy(update={"pipeline_fingerprint": REMOVED, "scenes": [], "datasets": []})
