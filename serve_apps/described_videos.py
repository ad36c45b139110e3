"""Finds whole videos by their descriptions, a page at a time."""

from actors.video_searcher import DescribedVideo
from footage.sources import source_name
from footage.video_search import VideoSearchRequest
from serve_apps.backend import Backend

MOST_FOUND = 1000  # videos that one search can page through


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
    found = backend.video_searcher.described(request)
    if dataset is not None:
        members = set(backend.catalog(workspace).datasets.videos(dataset))
        found = [video for video in found if video.manifest.video_id in members]
    if name:
        found = [video for video in found if _is_called(video, name)]
    return found[offset:end], end if len(found) > end else None


def _is_called(video: DescribedVideo, name: str) -> bool:
    return any(name.casefold() in source_name(source.uri).casefold() for source in video.manifest.sources)
