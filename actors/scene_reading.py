"""Reads the sidecars of a video's scenes, several at a time: each is a request where the store is a bucket."""

from collections.abc import Iterator
from functools import partial

from footage.catalog import Catalog
from footage.sidecar import Manifest, Sidecar
from footage.store_reads import StoreReads

_AT_ONCE = 64  # that are read ahead of who takes them


def read_scenes(
    catalog: Catalog, manifest: Manifest, reads: StoreReads, start: int = 0, end: int | None = None
) -> Iterator[Sidecar]:
    """The sidecars of the scenes [start, end) of a video in time order, placed as its manifest has them.

    One that is gone is left out: the video is being deleted, or indexed anew by another pipeline.

    Args:
        catalog: of the workspace.
        manifest: of the video.
        reads: of the store.
        start: index of the first scene.
        end: index after the last one; None for all.

    Raises:
        StoreError: the store cannot be used.
    """
    scenes = manifest.scenes[start:end]
    for first in range(0, len(scenes), _AT_ONCE):
        part = scenes[first : first + _AT_ONCE]
        sidecars = reads.all([partial(catalog.sidecar, manifest.video_id, scene.scene_id) for scene in part])
        for index, sidecar in enumerate(sidecars, start=start + first):
            if sidecar is not None:
                yield manifest.placed_at(index, sidecar)
