"""The first span of each video's trace: from the reading of its source to its last outcome, told by the driver."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from footage.tracing import TracedSpan
from pipelines.observation import Observation

_NS = 1_000_000_000


@dataclass
class _Video:
    """What is known of a video that is worked on."""

    source: str
    began_ns: int
    ended_ns: int = 0
    scenes: int = 0
    error: str = ""


class VideoTraces:
    """Of the sources of a stream. What did not end well is told when the stream has ended."""

    def __init__(self, observation: Observation) -> None:
        self._observation = observation
        self._is_on = bool(observation.tracing.endpoint)
        self._traces = observation.traces()
        self._under_way: dict[str, _Video] = {}  # by video id, or the source's URI where it could not be read

    def add(self, outcome: Mapping[str, Any]) -> None:
        """Take one of the writer's rows (SceneWriter.RETURNS)."""
        if not self._is_on or outcome["status"] not in ("committed", "video_done", "failed"):
            return  # where the bytes are another source's, the video is that one's
        name, read_at = outcome["video_id"] or outcome["source_uri"], outcome["read_at"]
        now_ns = time.time_ns()
        began_ns = int(datetime.fromisoformat(read_at).timestamp() * _NS) if read_at else now_ns
        video = self._under_way.setdefault(name, _Video(outcome["source_uri"], began_ns))
        video.ended_ns = now_ns
        video.scenes += outcome["scene_count"]
        video.error = video.error or outcome["code"] or ""
        if outcome["status"] == "video_done":
            self._tell(name, self._under_way.pop(name))

    def close(self) -> None:
        """Tell the rest, and send what is still here."""
        for name, video in self._under_way.items():
            self._tell(name, video)
        self._under_way.clear()
        self._traces.close()

    def _tell(self, name: str, video: _Video) -> None:
        ids = self._observation.attributes() | {"footage.source": video.source}
        if name != video.source:
            ids["footage.video"] = name
        span = TracedSpan(
            "video",
            video.began_ns,
            video.ended_ns,
            {**ids, "footage.scenes": video.scenes},
            video.error,
            is_first=True,
        )
        self._traces.add(self._observation.video(name, video.source), span)
