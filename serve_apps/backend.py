"""What the API stands on: a store, an index, and what searches them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from footage.catalog import Catalog
from footage.settings import Settings
from footage.sidecar import Manifest
from footage.storage import ObjectStore
from footage.store_reads import StoreReads
from footage.tracing import NoTraces, Traces
from serve_apps.api_types import DatasetItem, Health
from serve_apps.recent import Recent

if TYPE_CHECKING:  # they bring the search's own libraries along, which the description of the API does without
    from actors.scene_searcher import SceneSearcher
    from actors.video_searcher import VideoSearcher
    from footage.index import VectorIndex

MANIFESTS_GOOD_FOR_S = 3.0
_MOST_MANIFESTS = 100  # one of a video of ten hours takes some megabytes
_DATASETS_GOOD_FOR_S = 10.0


@dataclass
class Backend:
    """One store and what answers searches over it. Every part may be used by many threads at once.

    Attributes:
        reads: of the store, for all requests.
        health: whether searches can be answered now.
        traces: takes a trace of each search.
    """

    reads: StoreReads
    searcher: "SceneSearcher"
    video_searcher: "VideoSearcher"
    index: "VectorIndex"
    settings: Settings
    health: Callable[[], Health]
    traces: Traces = field(default_factory=NoTraces)
    _manifests: Recent[Manifest | None] = field(
        init=False, repr=False, default_factory=lambda: Recent(MANIFESTS_GOOD_FOR_S, _MOST_MANIFESTS)
    )
    _datasets: Recent[list[DatasetItem]] = field(
        init=False, repr=False, default_factory=lambda: Recent(_DATASETS_GOOD_FOR_S)
    )

    @property
    def store(self) -> ObjectStore:
        """The store that is searched."""
        return self.reads.store

    def catalog(self, workspace: str) -> Catalog:
        """The records of a workspace."""
        return Catalog(self.store, workspace)

    def recent_manifest(self, workspace: str, video_id: str) -> Manifest | None:
        """The manifest of a video as it was within the last MANIFESTS_GOOD_FOR_S seconds; None if there is none.

        For files, of which a page asks for dozens: each would read and parse the manifest of its whole video. What this
        process changes is looked at anew; what others change or delete counts after that time. Searches and all that
        shows what is there read manifests themselves.

        Raises:
            StoreError: the store cannot be used.
        """
        return self._manifests.get((workspace, video_id), lambda: self.catalog(workspace).manifest(video_id))

    def recent_datasets(self, workspace: str) -> list[DatasetItem]:
        """The datasets of a workspace, as they were within the last seconds; see recent_manifest.

        Raises:
            StoreError: the store cannot be used.
        """
        return self._datasets.get(workspace, lambda: self._counted(workspace))

    def forget(self, workspace: str, video_id: str) -> None:
        """Look at a video and at the datasets anew: this process has just changed them."""
        self._manifests.forget((workspace, video_id))
        self._datasets.forget(workspace)

    def _counted(self, workspace: str) -> list[DatasetItem]:
        book = self.catalog(workspace).datasets
        return [DatasetItem(name=name, video_count=sum(1 for _ in book.videos(name))) for name in book.names()]
