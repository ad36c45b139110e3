"""The library: videos, their scenes, datasets, and what filters can be set to."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from actors.scene_reading import read_scenes
from footage.api_keys import permits
from footage.errors import NoSuchScene
from footage.index_records import SceneFilter
from footage.library import library_page, running_jobs
from footage.page_links import is_web_address
from serve_apps.access import Access, Caller
from serve_apps.addresses import Addresses
from serve_apps.api_types import (
    DatasetList,
    JobList,
    LanguageList,
    RunningJob,
    SceneDetail,
    ScenePage,
    TagList,
    VideoDetail,
    VideoPage,
    VideoState,
)
from serve_apps.backend import Backend
from serve_apps.cursor import Cursors
from serve_apps.described_videos import described_videos
from serve_apps.ids import checked_scene, checked_video
from serve_apps.occurring import Occurring
from serve_apps.problems import declared
from serve_apps.search_query import MOST_CHARS, Cursor, Dataset, NoParameters, Parameters
from serve_apps.shown_videos import found_item, library_item, scene_detail, shown_manifest, video_detail


class VideosQuery(Parameters):
    """Which videos."""

    limit: int = Field(default=50, ge=1, le=200, description="At most this many videos in a page")
    cursor: Cursor = None
    about: str | None = Field(
        default=None, max_length=MOST_CHARS, description="Search descriptions: best first, and only indexed videos"
    )
    state: VideoState | None = Field(
        default=None,
        description="Only videos in this state. One that can be searched is `indexed`, also if a newer version of its"
        " file is in quarantine: `problem` then says so",
    )
    dataset: Dataset | None = Field(default=None, description="Only videos of this dataset")
    name: str | None = Field(default=None, max_length=255, description="Only where the file's name has this in it")


class ScenesQuery(Parameters):
    """Which part of a video's scenes."""

    limit: int = Field(default=50, ge=1, le=200, description="At most this many scenes in a page")
    cursor: Cursor = None


def videos_router(backend: Backend, access: Access) -> APIRouter:
    """The routes of the library."""
    router = APIRouter(prefix="/v1")
    reader = Annotated[Caller, Depends(access.reader)]
    nothing = Annotated[NoParameters, Query()]
    occurring = Occurring(backend.index)

    @router.get("/videos", operation_id="list_videos", tags=["videos"], responses=declared(400, 401, 403, 429, 503))
    def videos(caller: reader, query: Annotated[VideosQuery, Query()]) -> VideoPage:
        """The videos of the workspace, running and quarantined ones first, or those that are about something.

        A page may have fewer videos than `limit`, down to none, and a `next_cursor` all the same.
        """
        asked = query.model_dump(mode="json", exclude={"limit", "cursor"})
        cursors = Cursors(access.secret, caller.workspace, caller.key_id, "videos", asked)
        position = cursors.read(query.cursor)
        if query.about is not None and query.about.strip():
            return _about(query.about, query, int(position or 0), cursors, caller)
        catalog, now = backend.catalog(caller.workspace), datetime.now(UTC)
        entries, after = library_page(
            catalog, backend.reads, now, position, query.limit, query.state, query.name, query.dataset
        )
        addresses = Addresses(access, caller)
        most = backend.settings.pipeline.max_attempts
        return VideoPage(
            videos=[library_item(entry, addresses, most) for entry in entries], next_cursor=cursors.make(after)
        )

    def _about(about: str, query: VideosQuery, offset: int, cursors: Cursors, caller: Caller) -> VideoPage:
        if query.state not in (None, "indexed"):
            return VideoPage(videos=[], next_cursor=None)  # only what is indexed has a description
        found, after = described_videos(
            backend, caller.workspace, about, offset, query.limit, query.dataset, query.name
        )
        addresses = Addresses(access, caller)
        return VideoPage(
            videos=[found_item(each.manifest, each.score, addresses) for each in found],
            next_cursor=cursors.make(str(after) if after is not None else None),
        )

    @router.get(
        "/videos/{video_id}", operation_id="get_video", tags=["videos"], responses=declared(401, 403, 404, 429, 503)
    )
    def video(caller: reader, video_id: str, _: nothing) -> VideoDetail:
        """An indexed video with its description and its scenes as a time line."""
        manifest = shown_manifest(backend.catalog(caller.workspace), checked_video(video_id))
        return video_detail(manifest, Addresses(access, caller))

    @router.get(
        "/videos/{video_id}/scenes",
        operation_id="list_scenes",
        tags=["videos"],
        responses=declared(400, 401, 403, 404, 429, 503),
    )
    def scenes(caller: reader, video_id: str, query: Annotated[ScenesQuery, Query()]) -> ScenePage:
        """The scenes of a video in time order, with what is said and seen in each."""
        catalog, addresses = backend.catalog(caller.workspace), Addresses(access, caller)
        manifest = shown_manifest(catalog, checked_video(video_id))
        cursors = Cursors(access.secret, caller.workspace, caller.key_id, "scenes", video_id)
        start = int(cursors.read(query.cursor) or 0)
        end = start + query.limit
        read = read_scenes(catalog, manifest, backend.reads, start, end)
        return ScenePage(
            scenes=[scene_detail(scene, addresses) for scene in read],
            next_cursor=cursors.make(str(end) if end < len(manifest.scenes) else None),
        )

    @router.get(
        "/scenes/{scene_id}", operation_id="get_scene", tags=["videos"], responses=declared(401, 403, 404, 429, 503)
    )
    def scene(caller: reader, scene_id: str, _: nothing) -> SceneDetail:
        """A scene with what is said and seen in it."""
        catalog = backend.catalog(caller.workspace)
        points = backend.index.points(SceneFilter(caller.workspace, scene_ids=(checked_scene(scene_id),)))
        for point in points[:1]:
            stored = catalog.sidecar(point.video_id, scene_id)
            placed = stored and shown_manifest(catalog, point.video_id).placed(stored)
            if placed is not None:
                return scene_detail(placed, Addresses(access, caller))
        raise NoSuchScene(f"No scene of this workspace has the id {scene_id}.")

    @router.get("/datasets", operation_id="list_datasets", tags=["datasets"], responses=declared(401, 403, 429, 503))
    def datasets(caller: reader, _: nothing) -> DatasetList:
        """The datasets of the workspace, and how many videos each has, as it was within the last ten seconds."""
        return DatasetList(datasets=backend.recent_datasets(caller.workspace))

    @router.get("/jobs", operation_id="list_jobs", tags=["videos"], responses=declared(401, 403, 429, 503))
    def jobs(caller: reader, _: nothing) -> JobList:
        """The runs that index, or change, videos of the workspace now."""
        found = running_jobs(backend.catalog(caller.workspace), datetime.now(UTC))
        return JobList(
            jobs=[
                RunningJob(
                    run_id=job.run_id,
                    what=job.what,
                    source=job.source,
                    started_at=job.started_at,
                    videos_found=job.counts.videos_found if job.counts else None,
                    videos_done=job.counts.videos_done if job.counts else None,
                    videos_quarantined=job.counts.videos_quarantined if job.counts else None,
                    media_s=job.counts.media_s if job.counts else None,
                    progress=job.share,
                    # It leads to all jobs and logs of a cluster, whatever their workspace, and to where it stands in
                    # a network: the affair of those who run it.
                    dashboard_url=job.dashboard_url if _may_follow(caller, job.dashboard_url) else None,
                )
                for job in found
            ]
        )

    @router.get("/tags", operation_id="list_tags", tags=["search"], responses=declared(401, 403, 429, 503))
    def tags(caller: reader, _: nothing) -> TagList:
        """The vision tags of the workspace's scenes: what `tag` can be. Of a large index, those of a part of it."""
        return TagList(tags=occurring.in_workspace(caller.workspace).tags)

    @router.get("/languages", operation_id="list_languages", tags=["search"], responses=declared(401, 403, 429, 503))
    def languages(caller: reader, _: nothing) -> LanguageList:
        """The languages that are spoken in the workspace's scenes: what `language` can be; see tags."""
        return LanguageList(languages=occurring.in_workspace(caller.workspace).languages)

    return router


def _may_follow(caller: Caller, dashboard_url: str) -> bool:
    return permits(caller.role, "admin") and is_web_address(dashboard_url)
