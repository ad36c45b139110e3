"""What a run has seen so far, from the writer's rows."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from footage.records import Source
from pipelines.ledger import LedgerState
from pipelines.progress import Progress
from pipelines.reconcile import Outcomes, Settled


class Tally:
    """Counts outcomes as they come."""

    def __init__(self, sources: Sequence[Source], skipped: int) -> None:
        self._size_bytes = {source.uri: source.size_bytes for source in sources}
        self.outcomes = Outcomes()
        self.progress = Progress(len(sources), skipped, bytes_total=sum(self._size_bytes.values()))
        self.settled = Settled(set(), set(), set())
        self.ledger = LedgerState()
        self.state: Literal["finished", "interrupted", "failed"] = "finished"
        self.error = ""
        self.last_outcome_at = 0.0  # time.time()

    def fail(self, reason: str) -> None:
        """The run was broken off."""
        self.state = "failed"
        self.error = (
            f"The run was stopped: {reason.rstrip('.')}. What was finished is kept; the log of the run is in the store"
            " under runs/, and the next run goes on from there."
        )

    def add(self, outcome: Mapping[str, Any]) -> None:
        """Count one of the writer's rows (SceneWriter.RETURNS)."""
        uri, status = outcome["source_uri"], outcome["status"]
        progress, self.last_outcome_at = self.progress, time.time()
        if status in ("committed", "video_done"):
            progress.spans += 1
            progress.scenes += outcome["scene_count"]
            progress.media_s += outcome["duration_s"]
        if status == "video_done":
            self.outcomes.done.add(uri)
        elif status == "duplicate":
            self.outcomes.duplicate_of[uri] = outcome["video_id"]
        elif status == "failed":
            self.outcomes.failed.add(uri)
        progress.bytes_done += self._size_bytes[uri] // (outcome["span_count"] or 1)
        progress.done = len(self.outcomes.done)
        progress.duplicate = len(self.outcomes.duplicate_of)
        progress.quarantined = len(self.outcomes.failed - self.outcomes.done)
