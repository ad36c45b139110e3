"""All that the store has of one video, from listings alone, for all videos of a workspace one after another.

Every folder of the layout lists its keys in order, and in each the video's id comes first. So one pass over all of the
listings at once finds everything of a video together, without reading an object, and in memory that one video fills.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from footage.catalog import Catalog
from footage.identity import VIDEO_ID
from footage.pending_book import Due
from footage.storage import ObjectStore, StoredObject

MARKS: tuple[Due, ...] = ("orphan", "describe")


@dataclass
class Shelf:
    """What there is of a video. Scenes and spans are named by the last part of their keys, without its suffix."""

    video_id: str
    has_manifest: bool = False
    spans: set[int] = field(default_factory=set)
    sidecars: dict[str, float] = field(default_factory=dict)  # scene id: when it was written, POSIX seconds
    thumbnails: dict[str, float] = field(default_factory=dict)
    datasets: set[str] = field(default_factory=set)
    marks: dict[str, float] = field(default_factory=dict)
    is_claimed: bool = False
    written_at: float = 0.0  # the newest object but for the manifest, POSIX seconds

    def put(self, folder: str, found: StoredObject) -> None:
        """Note an object that was found in one of the folders that shelves() walks."""
        name = found.key.rpartition("/")[2].rpartition(".")[0]
        if folder.startswith("datasets/"):
            self.datasets.add(folder.split("/")[2])
        elif folder.startswith("pending/"):
            self.marks[folder.split("/")[2]] = found.modified_at
        elif folder.startswith("claims/"):
            self.is_claimed = True
        elif folder.startswith("sidecars/"):
            self.sidecars[name] = found.modified_at
        elif folder.startswith("thumbnails/"):
            self.thumbnails[name] = found.modified_at
        elif name == "manifest":
            self.has_manifest = True
            return
        else:
            self.spans.add(int(name))
        self.written_at = max(self.written_at, found.modified_at)


def shelves(catalog: Catalog) -> Iterator[Shelf]:
    """Everything in the workspace that is named by a video's id, in order of the ids.

    Memory follows the largest video and the number of datasets, not the number of videos. What changes meanwhile may be
    seen or not, so that parts of one video may be of different times: shelf_of() looks again.
    """
    streams = [_walk(catalog.store, folder, folder) for folder in _folders(catalog)]
    found = heapq.merge(*streams, key=itemgetter(0))
    for video_id, objects in groupby(found, key=itemgetter(0)):
        yield _filled(video_id, objects)


def shelf_of(catalog: Catalog, video_id: str) -> Shelf:
    """What there is of one video now."""
    found = (one for folder in _folders(catalog) for one in _walk(catalog.store, folder, folder + video_id))
    return _filled(video_id, found)


def _folders(catalog: Catalog) -> list[str]:
    workspace = catalog.workspace
    return [
        *(f"{kind}/{workspace}/" for kind in ("videos", "sidecars", "thumbnails", "claims")),
        *(f"pending/{workspace}/{mark}/" for mark in MARKS),
        *(f"datasets/{workspace}/{name}/" for name in catalog.datasets.names()),
    ]


def _walk(store: ObjectStore, folder: str, prefix: str) -> Iterator[tuple[str, str, StoredObject]]:
    for found in store.entries(prefix):
        rest = found.key[len(folder) :]
        video_id = rest[:36]
        # What is not named as footage names things is somebody else's.
        if VIDEO_ID.fullmatch(video_id) and rest[36:37] in ("", "/", "."):
            yield video_id, folder, found


def _filled(video_id: str, found: Iterator[tuple[str, str, StoredObject]]) -> Shelf:
    shelf = Shelf(video_id)
    for _, folder, one in found:
        shelf.put(folder, one)
    return shelf
