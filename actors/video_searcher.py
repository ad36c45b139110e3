"""Finds whole videos by what their descriptions say."""

from functools import partial
from typing import NamedTuple, Protocol

from actors.encoder import WordsEncoder
from footage.catalog import Catalog
from footage.index_records import VideoHit
from footage.records import Vector
from footage.sidecar import Manifest
from footage.store_reads import StoreReads
from footage.video_search import FoundVideo, VideoSearchRequest, VideoSearchResponse


class SearchableVideos(Protocol):
    """What this search needs of an index: any VectorIndex, or a client of the process that owns it."""

    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        """See VectorIndex.search_videos."""
        ...


class DescribedVideo(NamedTuple):
    """A video that was found; its manifest has a description that tells something."""

    manifest: Manifest
    score: float


class VideoSearcher:
    """Searches the descriptions of one store. Any number of threads may search at once."""

    def __init__(self, index: SearchableVideos, reads: StoreReads, encoder: WordsEncoder) -> None:
        """Take the descriptions' vectors, reads of the manifests, and what encodes queries by the same text model."""
        self._index = index
        self._encoder = encoder
        self._reads = reads

    def search(self, request: VideoSearchRequest) -> VideoSearchResponse:
        """Answer a search: the videos with the nearest descriptions first, at most `request.limit`."""
        videos = [_shown(found) for found in self.described(request)]
        return VideoSearchResponse(query=request.query, workspace=request.workspace, videos=videos)

    def described(self, request: VideoSearchRequest) -> list[DescribedVideo]:
        """The same with all that is known of the videos.

        A video is left out if it was deleted, or if its description was, which another pipeline's run does, meanwhile;
        those that follow take its place, so that fewer than `request.limit` are all that there are.
        """
        vector, _ = self._encoder.encode_words(request.query)
        catalog = Catalog(self._reads.store, request.workspace)
        asked = request.limit
        while True:
            hits = self._index.search_videos(vector, request.workspace, (), asked)
            manifests = self._reads.all([partial(catalog.manifest, hit.video_id) for hit in hits])
            found = [
                DescribedVideo(manifest, hit.score)
                for hit, manifest in zip(hits, manifests, strict=True)
                if manifest is not None and manifest.sources and manifest.told is not None
            ]
            if len(found) >= request.limit or len(hits) < asked:
                return found[: request.limit]
            asked *= 2


def _shown(found: DescribedVideo) -> FoundVideo:
    manifest, told = found.manifest, found.manifest.told
    assert told is not None
    return FoundVideo(
        video_id=manifest.video_id,
        score=found.score,
        source_uris=[source.uri for source in manifest.sources],
        duration_s=manifest.video.duration_s,
        language=manifest.language,
        scene_count=len(manifest.scenes),
        description=told.text,
        description_toy=told.toy,
    )
