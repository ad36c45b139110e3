"""Videos and their scenes as the API shows them."""

from typing import Any

from footage.catalog import Catalog
from footage.errors import NoSuchVideo
from footage.library import LibraryEntry
from footage.sidecar import Manifest, Sidecar
from footage.sources import source_name
from serve_apps.addresses import Addresses
from serve_apps.api_types import SceneDetail, SceneOfVideo, SpokenSegment, VideoDetail, VideoItem


def shown_manifest(catalog: Catalog, video_id: str) -> Manifest:
    """The manifest of a video that can be searched and that a source still holds.

    Raises:
        NoSuchVideo: there is none of this id.
    """
    return checked_manifest(video_id, catalog.manifest(video_id))


def checked_manifest(video_id: str, manifest: Manifest | None) -> Manifest:
    """The same of what was read already; see shown_manifest."""
    if manifest is None or not manifest.sources:
        raise NoSuchVideo(f"No indexed video of this workspace has the id {video_id}; GET /v1/videos lists them.")
    return manifest


def library_item(entry: LibraryEntry, addresses: Addresses, max_attempts: int) -> VideoItem:
    """A video of the library, in whatever state; after `max_attempts` a retry leaves it out."""
    problem = entry.problem
    return VideoItem(
        video_id=entry.video_id,
        name=entry.name,
        state=entry.state,
        source_uris=list(entry.source_uris),
        **({"duration_s": entry.duration_s} if entry.manifest is None else _indexed(entry.manifest, addresses)),
        problem_code=problem.code if problem is not None else None,
        problem=problem.reason if problem is not None else None,
        next_step=entry.next_step(max_attempts) or None,
        attempts=problem.attempts if problem is not None else None,
    )


def found_item(manifest: Manifest, score: float, addresses: Addresses) -> VideoItem:
    """A video that a search by description found."""
    return VideoItem(**_named(manifest), **_indexed(manifest, addresses), score=score)


def video_detail(manifest: Manifest, addresses: Addresses) -> VideoDetail:
    """A video with its time line."""
    video = manifest.video
    return VideoDetail(
        **_named(manifest),
        **_indexed(manifest, addresses),
        width_px=video.width_px,
        height_px=video.height_px,
        frame_rate=video.frame_rate,
        video_codec=video.video_codec,
        has_audio=video.has_audio,
        scenes=[
            SceneOfVideo(
                scene_id=scene.scene_id,
                index=index,
                start_s=scene.start_s,
                end_s=scene.end_s,
                thumbnail_url=addresses.thumbnail(manifest.video_id, scene.scene_id),
            )
            for index, scene in enumerate(manifest.scenes)
        ],
        subtitles_vtt_url=addresses.subtitles(manifest.video_id, "vtt"),
        subtitles_srt_url=addresses.subtitles(manifest.video_id, "srt"),
    )


def scene_detail(scene: Sidecar, addresses: Addresses) -> SceneDetail:
    """A scene, placed as its manifest has it."""
    caption = scene.caption
    return SceneDetail(
        video_id=scene.video_id,
        scene_id=scene.scene_id,
        index=scene.index,
        start_s=scene.start_s,
        end_s=scene.end_s,
        thumbnail_url=addresses.thumbnail(scene.video_id, scene.scene_id),
        transcript=scene.transcript.text,
        language=scene.transcript.language,
        segments=[
            SpokenSegment(start_s=segment.start_s, end_s=segment.end_s, text=segment.text)
            for segment in scene.transcript.segments
        ],
        caption=caption.text if caption is not None else "",
        caption_toy=caption is not None and caption.toy,
        tags=scene.vision_tags,
        tags_toy=scene.embeddings.vision.toy and bool(scene.vision_tags),
        play_url=addresses.moment(scene.video_id, scene.start_s, scene.end_s),
        sidecar_url=addresses.sidecar(scene.video_id, scene.scene_id),
    )


def _named(manifest: Manifest) -> dict[str, Any]:
    uris = [source.uri for source in manifest.sources]
    return {"video_id": manifest.video_id, "name": source_name(uris[0]), "state": "indexed", "source_uris": uris}


def _indexed(manifest: Manifest, addresses: Addresses) -> dict[str, Any]:
    told = manifest.told
    first = manifest.scenes[0] if manifest.scenes else None
    return {
        "duration_s": manifest.video.duration_s,
        "scene_count": len(manifest.scenes),
        "language": manifest.language,
        "datasets": manifest.datasets,
        "description": told.text if told is not None else "",
        "description_toy": told is not None and told.toy,
        "indexed_at": manifest.committed_at,
        "thumbnail_url": addresses.thumbnail(manifest.video_id, first.scene_id) if first is not None else None,
        "play_url": addresses.video(manifest.video_id),
    }
