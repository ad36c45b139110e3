"""What a second pass has done so far, from the writer's rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from actors.summarizer import MODEL_UNAVAILABLE
from pipelines.description_scope import DescriptionScope
from pipelines.progress import Progress


@dataclass
class Described:
    """What became of the descriptions of a workspace's videos."""

    done: int = 0  # written by this run
    skipped: int = 0  # there already, and just so
    silent: int = 0  # nothing to tell: neither captions nor speech
    failed: int = 0  # the model gave no answer, or a worker died on it each time
    left: int = 0  # without an outcome: the pass was stopped
    stopped: str = ""  # why; empty if it was not
    interrupted: bool = False  # by the user
    off: str = ""  # why nothing was to be described

    @classmethod
    def before(cls, scope: DescriptionScope) -> Self:
        """What is known when nothing was described yet; and all there is to know where nothing is to be described."""
        return cls(skipped=scope.described, silent=scope.silent, left=len(scope.to_describe), off=scope.off)

    def add(self, outcome: Mapping[str, Any]) -> None:
        """Count one of the writer's rows (DescriptionWriter.RETURNS); one of a model that is down stops the pass."""
        if outcome["code"] == MODEL_UNAVAILABLE:
            self.stopped = outcome["reason"]
            return
        self.left -= 1
        self.done += outcome["status"] == "described"
        self.silent += outcome["status"] == "nothing_to_tell"
        self.failed += outcome["status"] == "failed"

    @property
    def reason(self) -> str:
        """Why there are no descriptions, or fewer than videos, as sentences for the report; empty if all is well."""
        parts = [self.off] if self.off else []
        if self.interrupted:
            parts.append(f"Interrupted: {_videos(self.left)} left for the next run.")
        elif self.stopped:
            parts.append(f"Stopped, with {_videos(self.left)} left for the next run: {self.stopped.rstrip('.')}.")
        elif self.left:
            parts.append(f"The run ended before this: {_videos(self.left)} left for the next one.")
        if self.failed:
            parts.append(
                f"{_videos(self.failed)} without: the model gave no answer, or a worker died. The next run tries again."
            )
        if self.silent:
            parts.append(f"{_videos(self.silent)} with nothing to tell: neither captions nor speech.")
        return " ".join(parts)


@dataclass
class DescriptionProgress(Progress):
    """A Progress of videos that are described."""

    described: Described = field(default_factory=Described)

    def line(self) -> str:
        """One line: what is done and what is left."""
        parts = [f"{self.described.done} of {self.videos} videos described", f"{self.described.left} remaining"]
        if self.described.failed:
            parts.append(f"{self.described.failed} failed")
        if self.doing:
            parts.append(self.doing)
        return " · ".join(parts)


def _videos(count: int) -> str:
    return "1 video" if count == 1 else f"{count} videos"
