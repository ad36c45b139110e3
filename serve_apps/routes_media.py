"""Files: originals, thumbnails, sidecars and subtitles. An address that was signed opens one of them without a key."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field

from actors.scene_reading import read_scenes
from footage.errors import NoSuchScene
from footage.record_json import to_json
from footage.remote_access import RemoteAccess
from footage.sidecar import Manifest
from footage.subtitle_names import subtitle_name
from footage.subtitles import MEDIA_TYPES as SUBTITLE_TYPES
from footage.subtitles import SubtitleFormat, subtitles
from footage.version import VERSION
from serve_apps.access import Access, Caller
from serve_apps.backend import Backend
from serve_apps.etags import etag_of, not_modified
from serve_apps.ids import checked_scene, checked_video
from serve_apps.originals import LocalOriginal, find_original
from serve_apps.problems import declared
from serve_apps.ranged_file import RangedFile
from serve_apps.search_query import Parameters
from serve_apps.shown_videos import checked_manifest

_THUMBNAIL_AGE_S = 3600  # another pipeline may choose another picture for the same scene
_FILE = {"schema": {"type": "string", "format": "binary"}}


_Route = TypeVar("_Route", bound=Callable[..., Response])


class SignedQuery(Parameters):
    """What an address has that was signed; other requests have a key instead."""

    expires: str | None = Field(default=None, description="When the address ends, POSIX seconds")
    workspace: str | None = Field(default=None, description="For which it was made")
    signature: str | None = Field(default=None, description="Of the service")


def media_router(backend: Backend, access: Access) -> APIRouter:
    """The routes that give files."""
    router = APIRouter()
    holder = Annotated[Caller, Depends(access.signed_or_reader)]
    signed = Annotated[SignedQuery, Query()]
    remote = RemoteAccess.of(backend.settings)

    def shown(caller: Caller, video_id: str) -> Manifest:
        return checked_manifest(video_id, backend.recent_manifest(caller.workspace, checked_video(video_id)))

    def scene_of(caller: Caller, video_id: str, scene_id: str) -> Manifest:
        manifest = shown(caller, video_id)
        if not any(scene.scene_id == scene_id for scene in manifest.scenes):
            raise NoSuchScene(f"The video {video_id} has no scene {checked_scene(scene_id)}.")
        return manifest

    def route(
        path: str, tag: str, content: dict[str, Any], *problems: int, **options: Any
    ) -> Callable[[_Route], _Route]:
        """GET with its description, and HEAD of the same, which needs none."""
        answers = {200: {"description": "The file", "content": content}} | declared(401, 403, 404, 429, 503, *problems)
        answers |= options.pop("answers", {})

        def add(function: _Route) -> _Route:
            router.head(path, include_in_schema=False)(function)
            return router.get(path, tags=[tag], response_class=Response, responses=answers, **options)(function)

        return add

    @route(
        "/v1/media/{video_id}",
        "media",
        {"video/*": _FILE},
        *(409, 410, 416),
        operation_id="video_file",
        answers={
            206: {"description": "The part of the file that `Range` asks for", "content": {"*/*": _FILE}},
            304: {"description": "The file is the one of `If-None-Match`"},
            307: {"description": "Where the file is, for a short time, if it is in S3 or behind http(s)"},
        },
    )
    def video_file(request: Request, caller: holder, video_id: str, _: signed) -> Response:
        """The video as it was indexed, whole or by ranges: what `play_url` opens."""
        manifest = shown(caller, video_id)
        found = find_original(manifest, remote, backend.settings.serve.url_lifetime_s)
        if isinstance(found, LocalOriginal):
            file = RangedFile(
                found.path,
                headers={"Cache-Control": "private, no-cache"},
                media_type=found.media_type,
                filename=found.name,
                stat_result=found.info,
                content_disposition_type="inline",
            )
            return not_modified(request, file.headers) or file
        if request.method == "HEAD":  # a presigned URL is good for GET alone
            return Response(
                headers={"Accept-Ranges": "bytes", "Content-Length": str(found.size_bytes)}, media_type=found.media_type
            )
        return RedirectResponse(found.url, headers={"Cache-Control": "no-store"})

    @route("/v1/media/{video_id}/{scene_id}.jpg", "media", {"image/jpeg": _FILE}, operation_id="thumbnail")
    def thumbnail(request: Request, caller: holder, video_id: str, scene_id: str, _: signed) -> Response:
        """A picture of a scene, a JPEG."""
        headers = {
            "ETag": _etag_within(scene_of(caller, video_id, scene_id), scene_id),
            "Cache-Control": f"private, max-age={_THUMBNAIL_AGE_S}",
        }
        held = not_modified(request, headers)
        if held is not None:
            return held
        data = backend.catalog(caller.workspace).thumbnail(video_id, scene_id)
        if data is None:
            raise NoSuchScene(f"The scene {scene_id} has no thumbnail.")
        return Response(data, headers=headers, media_type="image/jpeg")

    @route("/v1/media/{video_id}/{scene_id}.json", "media", {"application/json": {}}, operation_id="sidecar")
    def sidecar(request: Request, caller: holder, video_id: str, scene_id: str, _: signed) -> Response:
        """All that is stored of a scene; docs/sidecar.schema.json describes it."""
        catalog = backend.catalog(caller.workspace)
        manifest = scene_of(caller, video_id, scene_id)
        stored = catalog.sidecar(video_id, scene_id)
        placed = stored and manifest.placed(stored)
        if placed is None:
            raise NoSuchScene(f"The scene {scene_id} is gone.")
        data = to_json(placed)
        headers = {"ETag": etag_of(data), "Cache-Control": "private, no-cache"}
        return not_modified(request, headers) or Response(data, headers=headers, media_type="application/json")

    def _subtitles(request: Request, caller: Caller, video_id: str, kind: SubtitleFormat) -> Response:
        manifest = shown(caller, video_id)
        name = quote(f"{''.join(subtitle_name(manifest))}.{kind}", safe="")
        headers = {
            "Content-Disposition": f"inline; filename*=utf-8''{name}",
            "ETag": _etag_within(manifest, f"{VERSION} {kind}"),
            "Cache-Control": "private, no-cache",
        }
        held = not_modified(request, headers)
        if held is not None:
            return held
        scenes = read_scenes(backend.catalog(caller.workspace), manifest, backend.reads)
        return Response("".join(subtitles(scenes, kind)), headers=headers, media_type=SUBTITLE_TYPES[kind])

    @route("/v1/videos/{video_id}/subtitles.vtt", "videos", {"text/vtt": {}}, operation_id="subtitles_vtt")
    def vtt(request: Request, caller: holder, video_id: str, _: signed) -> Response:
        """What is said in a video, as WebVTT."""
        return _subtitles(request, caller, video_id, "vtt")

    @route("/v1/videos/{video_id}/subtitles.srt", "videos", {"application/x-subrip": {}}, operation_id="subtitles_srt")
    def srt(request: Request, caller: holder, video_id: str, _: signed) -> Response:
        """What is said in a video, as SubRip."""
        return _subtitles(request, caller, video_id, "srt")

    return router


def _etag_within(manifest: Manifest, what: str) -> str:
    """Of a file of a video, by what it was made of: whoever has the file is told so before anything is read."""
    return etag_of(f"{manifest.committed_at} {manifest.pipeline_fingerprint} {what}".encode())
