"""Changes to which dataset has which video, by users; what runs change, Catalog.add_source does.

The reference is the truth. The manifest's list of datasets is there to be shown and, since a manifest changes by
conditional writes only, to let a deletion of the video notice that somebody has just come to refer to it.
"""

from footage.catalog import Catalog
from footage.erasing import REMOVED
from footage.sidecar import Manifest


def join_dataset(catalog: Catalog, name: str, video_id: str, uri: str | None = None) -> bool:
    """Put an indexed video into a dataset, on account of a source, or by name (None): then whatever becomes of those.

    Returns:
        False, with nothing left written, if there is no such video, or it is just being deleted.
    """

    def joined(held: Manifest) -> Manifest:
        if held.pipeline_fingerprint == REMOVED:
            return held
        return held.model_copy(update={"datasets": sorted({*held.datasets, name})})

    while True:
        catalog.datasets.add(name, video_id, uri)
        manifest = catalog.change_manifest(video_id, joined)
        if manifest is None or manifest.pipeline_fingerprint == REMOVED:
            catalog.datasets.remove(name, video_id)
            return False
        if catalog.datasets.get(name, video_id) is not None:
            return True
        # Who took back its last source did not see this. No store deletes on a condition: after a pause there, it still
        # could, and gc then takes the dataset out of the manifest's list.


def leave_dataset(catalog: Catalog, name: str, video_id: str) -> None:
    """Take a video out of a dataset; one that has neither source nor dataset then is marked to be removed."""
    catalog.datasets.remove(name, video_id)

    def left(held: Manifest) -> Manifest:
        changed = held.model_copy(update={"datasets": [other for other in held.datasets if other != name]})
        if not changed.sources and not changed.datasets:
            catalog.pending.add("orphan", video_id)  # before it is one, so that it is found whatever happens now
        return changed

    catalog.change_manifest(video_id, left)


def leave_source(catalog: Catalog, video_id: str, uri: str) -> None:
    """Take a source from a video, and forget it: it is read again when a run meets it."""

    def without(held: Manifest) -> Manifest:
        changed = held.without_source(uri)
        if not changed.sources:
            catalog.pending.add("orphan", video_id)
        return changed

    catalog.change_manifest(video_id, without)
    catalog.sources.forget(uri, video_id)
