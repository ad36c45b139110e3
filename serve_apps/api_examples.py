"""Answers as they look, for the API's description: of a made library of one video."""

from collections.abc import Mapping

from pydantic import BaseModel

from footage.search import ListAsked, Why
from serve_apps.api_types import (
    Changed,
    DatasetItem,
    DatasetList,
    Health,
    JobList,
    LanguageList,
    Me,
    RunningJob,
    SceneDetail,
    SceneHit,
    SceneOfVideo,
    ScenePage,
    SearchAnswer,
    SpokenSegment,
    TagList,
    VideoDetail,
    VideoItem,
    VideoPage,
)
from serve_apps.change_types import AuditItem, AuditPage, KeyItem, KeyList, KeyMade

VIDEO_ID = "0d9d3ef7-5d0c-5f0e-9a5e-3f3f5b8d2c11"
SCENE_ID = "6a2a1c56-7f7b-5d43-8f4e-1f6a0c9be2d4"
KEY_ID = "3f9c0a72d15e8b46"
_SIGNED = "?expires=1767225600&workspace=default&signature=5f2b"
_THUMBNAIL = f"/v1/media/{VIDEO_ID}/{SCENE_ID}.jpg{_SIGNED}"
_SIDECAR = f"/v1/media/{VIDEO_ID}/{SCENE_ID}.json{_SIGNED}"
_MOMENT = f"/v1/media/{VIDEO_ID}{_SIGNED}#t=0.000,7.000"
_SAID = "Please replace the front brake pads before you change the oil."
_URIS = ["s3://workshop/2026/garage.mp4"]
_CURSOR = "pV3Yk0nXc1d0bW1oYm5vYTIw"

_HIT = SceneHit(
    video_id=VIDEO_ID,
    scene_id=SCENE_ID,
    index=0,
    name="garage.mp4",
    source_uris=_URIS,
    start_s=0.0,
    end_s=7.0,
    indexed_at="2026-01-01T12:00:00.000+00:00",
    score=0.0325,
    relevance=0.94,
    why=[
        Why(list="transcript", rank=1, score=0.61, weight=1.0, contribution=0.0164),
        Why(list="transcript_sparse", rank=2, score=7.9, weight=1.0, contribution=0.0161),
    ],
    transcript=_SAID,
    language="en",
    highlights=[(25, 30), (31, 35)],
    caption="A car with its bonnet open.",
    caption_toy=False,
    caption_highlights=[],
    tags={"workshop": 0.91, "car": 0.83},
    tags_toy=False,
    thumbnail_url=_THUMBNAIL,
    play_url=_MOMENT,
    sidecar_url=_SIDECAR,
    more_in_video=None,
)
_ANSWER = SearchAnswer(
    query="brake pads",
    hits=[_HIT],
    next_cursor=_CURSOR,
    left_out=3,
    lists=[
        ListAsked(list="transcript", weight=1.0, found=4, toy=False),
        ListAsked(list="transcript_sparse", weight=1.0, found=2, toy=False),
    ],
    took_ms={"encode": 2.1, "index": 1.3, "fuse": 0.1, "read": 1.9},
)
_SCENE = SceneDetail(
    scene_id=SCENE_ID,
    index=0,
    start_s=0.0,
    end_s=7.0,
    thumbnail_url=_THUMBNAIL,
    video_id=VIDEO_ID,
    transcript=_SAID,
    language="en",
    segments=[SpokenSegment(start_s=0.6, end_s=5.2, text=_SAID)],
    caption="A car with its bonnet open.",
    caption_toy=False,
    tags={"workshop": 0.91, "car": 0.83},
    tags_toy=False,
    play_url=_MOMENT,
    sidecar_url=_SIDECAR,
)
_VIDEO = VideoItem(
    video_id=VIDEO_ID,
    name="garage.mp4",
    state="indexed",
    source_uris=_URIS,
    duration_s=17.6,
    scene_count=4,
    language="en",
    datasets=["workshop"],
    description="A mechanic explains how brake pads are replaced.",
    indexed_at="2026-01-01T12:00:00.000+00:00",
    thumbnail_url=_THUMBNAIL,
    play_url=f"/v1/media/{VIDEO_ID}{_SIGNED}",
)
_REFUSED = VideoItem(
    video_id=None,
    name="notes.mp4",
    state="quarantined",
    source_uris=["s3://workshop/2026/notes.mp4"],
    problem_code="unsupported_container",
    problem="notes.mp4 is a text and no video.",
    next_step="Take the file out of the folder, or give it the suffix of what it is.",
    attempts=1,
)
_KEY = KeyItem(
    key_id=KEY_ID,
    name="Mara's laptop",
    role="reader",
    state="active",
    created_at="2026-01-01T12:00:00.000+00:00",
    created_by="command line",
    expires_at=None,
    revoked_at=None,
    requests_per_minute=None,
)
# Of the answers where all is well, by operation.
EXAMPLES: Mapping[str, BaseModel] = {
    "search": _ANSWER,
    "search_form": _ANSWER,
    "similar_scenes": _ANSWER,
    "list_videos": VideoPage(videos=[_REFUSED, _VIDEO], next_cursor=None),
    "get_video": VideoDetail(
        **_VIDEO.model_dump(),
        width_px=1920,
        height_px=1080,
        frame_rate=25.0,
        video_codec="h264",
        has_audio=True,
        scenes=[SceneOfVideo(scene_id=SCENE_ID, index=0, start_s=0.0, end_s=7.0, thumbnail_url=_THUMBNAIL)],
        subtitles_vtt_url=f"/v1/videos/{VIDEO_ID}/subtitles.vtt{_SIGNED}",
        subtitles_srt_url=f"/v1/videos/{VIDEO_ID}/subtitles.srt{_SIGNED}",
    ),
    "list_scenes": ScenePage(scenes=[_SCENE], next_cursor=_CURSOR),
    "get_scene": _SCENE,
    "list_datasets": DatasetList(datasets=[DatasetItem(name="workshop", video_count=12)]),
    "list_jobs": JobList(
        jobs=[
            RunningJob(
                run_id="20260101-120000-4f2a",
                what="footage index",
                source="s3://workshop/2026",
                started_at="2026-01-01T12:00:00.000+00:00",
                videos_found=40,
                videos_done=12,
                videos_quarantined=1,
                media_s=5400.0,
                progress=0.31,
                dashboard_url="https://ray.example.org/#/jobs/job-20260101T120000-4f2a00",
            )
        ]
    ),
    "list_tags": TagList(tags=["car", "workshop"]),
    "list_languages": LanguageList(languages=["de", "en"]),
    "me": Me(
        workspace="default",
        role="reader",
        key_id=KEY_ID,
        expires_at=None,
        requests_per_minute=600,
        toy_lists=[],
        max_image_mib=8,
    ),
    "health": Health(state="ok", index="ok", encoders="ok", store="ok", version="0.1.0"),
    "delete_video": Changed(done=True, detail="The video is deleted; its source is where it was."),
    "add_to_dataset": Changed(done=True, detail="The video is in the dataset."),
    "remove_from_dataset": Changed(done=True, detail="The video is out of the dataset."),
    "list_keys": KeyList(keys=[_KEY]),
    "create_key": KeyMade(**_KEY.model_dump(), key=f"footage_{KEY_ID}_SECRET"),
    "revoke_key": Changed(done=True, detail="The key works no more."),
    "list_audit": AuditPage(
        entries=[
            AuditItem(
                entry_id="20260101T120000-7f3a",
                at="2026-01-01T12:00:00.000+00:00",
                who="Mara's laptop",
                key_id=KEY_ID,
                action="delete video",
                subject=VIDEO_ID,
                outcome="done",
                detail="",
            )
        ],
        next_cursor=None,
    ),
}
