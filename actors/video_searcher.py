"""Finds whole videos by what their descriptions say."""

from collections.abc import Iterator
from typing import Protocol

from actors.scene_searcher import Encoder
from footage.catalog import Catalog
from footage.index_records import VideoHit
from footage.records import Vector
from footage.storage import ObjectStore
from footage.video_search import FoundVideo, VideoSearchRequest, VideoSearchResponse


class SearchableVideos(Protocol):
    """What this search needs of an index: any VectorIndex, or a client of the process that owns it."""

    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        """See VectorIndex.search_videos."""
        ...


class VideoSearcher:
    """Searches the descriptions of one store."""

    def __init__(self, index: SearchableVideos, store: ObjectStore, encoder: Encoder) -> None:
        """Take the descriptions' vectors, the videos' manifests, and what encodes queries by the same text model."""
        self._index = index
        self._store = store
        self._encoder = encoder

    def search(self, request: VideoSearchRequest) -> VideoSearchResponse:
        """Answer a search: the videos with the nearest descriptions first, at most `request.limit`.

        A video is left out if it was deleted, or if its description was, which another pipeline's run does, meanwhile.
        """
        vector = self._encoder.encode(request.query).transcript
        hits = self._index.search_videos(vector, request.workspace, (), request.limit)
        found = list(self._found(Catalog(self._store, request.workspace), hits))
        return VideoSearchResponse(query=request.query, workspace=request.workspace, videos=found)

    @staticmethod
    def _found(catalog: Catalog, hits: list[VideoHit]) -> Iterator[FoundVideo]:
        for hit in hits:
            manifest = catalog.manifest(hit.video_id)
            if manifest is None or not manifest.sources or manifest.told is None:
                continue
            yield FoundVideo(
                video_id=hit.video_id,
                score=hit.score,
                source_uris=[source.uri for source in manifest.sources],
                duration_s=manifest.video.duration_s,
                language=manifest.language,
                scene_count=len(manifest.scenes),
                description=manifest.told.text,
                description_toy=manifest.told.toy,
            )
