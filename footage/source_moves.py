"""When the content under a URI changes: the video that it held lets it go, and references follow the source."""

from collections.abc import Set
from typing import TYPE_CHECKING

from footage.catalog_records import SourceRecord
from footage.sidecar import Manifest

if TYPE_CHECKING:
    from footage.catalog import Catalog  # which calls this


def holders(catalog: "Catalog", uri: str) -> list[SourceRecord]:
    """The records of a source whose videos name it: not that of a video which a run is about to complete."""
    return [record for record in catalog.sources.of(uri) if _names(catalog.manifest(record.video_id), uri)]


def _names(manifest: Manifest | None, uri: str) -> bool:
    return manifest is not None and any(source.uri == uri for source in manifest.sources)


def unrecord(catalog: "Catalog", video_id: str, uri: str, manifest: Manifest | None) -> None:
    """Take back the record of a source whose video was indexed anew, deleted or given another source meanwhile.

    Args:
        catalog: of the workspace.
        video_id: that the record names.
        uri: of the source.
        manifest: of the video as it is now.
    """
    if _names(manifest, uri):
        catalog.sources.doubt(uri)
    else:
        catalog.sources.forget(uri, video_id)


def take_back_reference(catalog: "Catalog", video_id: str, uri: str, dataset: str) -> None:
    """Take back that a dataset refers to a video on account of a source, unless the video's manifest says so too."""
    if _is_in(catalog.manifest(video_id), dataset):
        return
    catalog.datasets.remove_source(dataset, video_id, uri)
    if _is_in(catalog.manifest(video_id), dataset):  # by another process, just now
        catalog.datasets.add(dataset, video_id, uri)


def _is_in(manifest: Manifest | None, dataset: str) -> bool:
    return manifest is not None and dataset in manifest.datasets


def leave_for(catalog: "Catalog", video_id: str, uri: str, successor: str, datasets: Set[str] = frozenset()) -> None:
    """Take a source from a video, and the references that it made, for the video that it holds now.

    References by name stay, and with them the older video. May be killed anywhere and called again: what refers to the
    successor is written before the older video loses anything.

    Args:
        catalog: of the workspace.
        video_id: of the older video.
        uri: of the source.
        successor: id of the video that the source holds now, which has a manifest.
        datasets: that may refer to the older video beside those that its manifest lists.
    """
    manifest = catalog.manifest(video_id)
    if manifest is None:
        return
    moved = set()
    for name in sorted({*manifest.datasets, *datasets}):
        reference = catalog.datasets.get(name, video_id)
        if reference is not None and uri in reference.uris:
            catalog.datasets.add(name, successor, uri)
            moved.add(name)
    catalog.change_manifest(
        successor, lambda held: held.model_copy(update={"datasets": sorted({*held.datasets, *moved})})
    )
    for name in moved:
        catalog.datasets.remove_source(name, video_id, uri)
    left = {name for name in manifest.datasets if catalog.datasets.get(name, video_id) is None}

    def without(held: Manifest) -> Manifest:
        kept = [name for name in held.datasets if name not in left]
        changed = held.without_source(uri).model_copy(update={"datasets": kept})
        if not changed.sources:
            catalog.pending.add("orphan", video_id)  # before it is one, so that it is found whatever happens now
        return changed

    catalog.change_manifest(video_id, without)
