"""Addresses that answers give for what belongs to a scene or a video. They open without a key for a limited time."""

from typing import Literal

from serve_apps.access import Access, Caller


class Addresses:
    """Makes the addresses of one answer. Only for objects that the caller may see."""

    def __init__(self, access: Access, caller: Caller) -> None:
        self._access = access
        self._caller = caller

    def thumbnail(self, video_id: str, scene_id: str) -> str:
        """Of a scene's thumbnail."""
        return self._sign(f"/v1/media/{video_id}/{scene_id}.jpg")

    def sidecar(self, video_id: str, scene_id: str) -> str:
        """Of a scene's sidecar."""
        return self._sign(f"/v1/media/{video_id}/{scene_id}.json")

    def video(self, video_id: str) -> str:
        """Of the video itself."""
        return self._sign(f"/v1/media/{video_id}")

    def moment(self, video_id: str, start_s: float, end_s: float) -> str:
        """Of a part of the video: a media fragment, which players know. https://www.w3.org/TR/media-frags/"""
        return self._sign(f"/v1/media/{video_id}#t={start_s:.3f},{end_s:.3f}")

    def subtitles(self, video_id: str, kind: Literal["vtt", "srt"]) -> str:
        """Of the video's subtitles."""
        return self._sign(f"/v1/videos/{video_id}/subtitles.{kind}")

    def _sign(self, path: str) -> str:
        return self._access.sign(path, self._caller)
