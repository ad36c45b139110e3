"""Videos that no source holds any more: files were replaced, and nobody could be shown where their scenes are.

They are removed at the end of a run and not when their last source leaves: a file that was renamed, while another took
its name, is a source of the old video that the run comes to later. Whoever takes the last source marks the video before
(PendingBook), so that the end of a run reads the few marked manifests and not all.
"""

from footage.catalog import Catalog
from footage.erasing import Eraser
from footage.index import VectorIndex
from footage.leases import live_runs


def remove_orphans(catalog: Catalog, index: VectorIndex, run_id: str, lease_s: float) -> list[str]:
    """Remove all that is stored of marked videos that have no source and no dataset; gives their ids.

    A video that has a source again, or that a dataset keeps, loses its mark. One that another live run works on, and
    all of them while another run of the workspace goes on that may come to a renamed file later, keep it for the end of
    a later run. May be killed anywhere and called again.

    Args:
        catalog: of the workspace. The run must have reached all its sources.
        index: holds the points of the workspace.
        run_id: of the run.
        lease_s: see Eraser.
    """
    removed: list[str] = []
    if any(lease.run_id != run_id and lease.source for lease in live_runs(catalog)):
        return removed
    eraser = Eraser(catalog, index, run_id, lease_s)
    for video_id in catalog.pending.videos("orphan"):
        manifest = catalog.manifest(video_id)
        if manifest is None or manifest.sources or catalog.datasets.of_video(video_id):
            catalog.pending.remove("orphan", video_id)
        elif eraser.erase(manifest, datasets=frozenset()):
            removed.append(video_id)
    return removed
