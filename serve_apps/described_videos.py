"""Finds whole videos by their descriptions, a page at a time."""

from functools import partial
from typing import NamedTuple

from footage.sidecar import Manifest
from footage.sources import source_name
from footage.video_search import FoundVideo, VideoSearchRequest
from serve_apps.backend import Backend

MOST_FOUND = 1000  # videos that one search can page through


class DescribedVideo(NamedTuple):
    """A video that was found."""

    manifest: Manifest
    score: float


def described_videos(
    backend: Backend, workspace: str, about: str, offset: int, limit: int, dataset: str | None, name: str | None
) -> tuple[list[DescribedVideo], int | None]:
    """Videos whose descriptions answer a query, best first, and where the next page begins; None after the last.

    Args:
        backend: to search.
        workspace: whose videos.
        about: the query.
        offset: where the page begins.
        limit: most videos of the page.
        dataset: only videos of this one.
        name: only where the file's name has this in it, in whatever case.

    Raises:
        SettingsError: the dataset has a name that none can have.
    """
    end = min(offset + limit, MOST_FOUND)
    # What is left out below must not make a page too short: then all that there may be is asked for.
    most = MOST_FOUND if dataset is not None or name else min(end + 1, MOST_FOUND)
    request = VideoSearchRequest(query=about, limit=most, workspace=workspace)
    found = backend.video_searcher.search(request).videos
    catalog = backend.catalog(workspace)
    if dataset is not None:
        members = set(catalog.datasets.videos(dataset))
        found = [video for video in found if video.video_id in members]
    if name:
        found = [video for video in found if _is_called(video, name)]
    page = found[offset:end]
    manifests = backend.reads.all([partial(catalog.manifest, video.video_id) for video in page])
    shown = [
        DescribedVideo(manifest, video.score)
        for video, manifest in zip(page, manifests, strict=True)
        if manifest is not None and manifest.sources
    ]
    return shown, end if len(found) > end else None


def _is_called(video: FoundVideo, name: str) -> bool:
    return any(name.casefold() in source_name(uri).casefold() for uri in video.source_uris)
