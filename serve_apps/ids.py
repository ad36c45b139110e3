"""Ids in URLs. They become parts of keys of the store, so nothing else passes."""

from footage.errors import NoSuchScene, NoSuchVideo
from footage.identity import VIDEO_ID


def checked_scene(scene_id: str) -> str:
    """The id itself.

    Raises:
        NoSuchScene: it is none.
    """
    if not VIDEO_ID.fullmatch(scene_id):
        raise NoSuchScene(f"{scene_id!r} is not the id of a scene: take `scene_id` of a search's answer.")
    return scene_id


def checked_video(video_id: str) -> str:
    """The id itself.

    Raises:
        NoSuchVideo: it is none.
    """
    if not VIDEO_ID.fullmatch(video_id):
        raise NoSuchVideo(f"{video_id!r} is not the id of a video: take `video_id` of an answer.")
    return video_id
