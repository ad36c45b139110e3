"""What a run has seen so far, from the writer's rows: totals, and the outcomes of the sources it works on now."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from footage.catalog_records import RunCounts
from footage.records import Source
from footage.transfers import Transferred
from pipelines.ledger import LedgerState
from pipelines.progress import Progress
from pipelines.reconcile import Found, Outcomes, Settled


class Tally:
    """Counts outcomes as they come. Sources come in tranches; only those of the present one are held by name."""

    def __init__(self, to_do: int, bytes_total: int, skipped: int, moved_before: Transferred) -> None:
        self._size_bytes: dict[str, int] = {}  # of the present tranche, by URI
        self._before = Progress(to_do)  # the counts of settled tranches
        self._written: Counter[str] = Counter()  # scenes of videos of the present tranche that are not done, by URI
        self.scenes = Counter(done=0, quarantined=0)  # by what became of their video
        self.outcomes = Outcomes()
        self.progress = Progress(to_do, skipped, bytes_total=bytes_total)
        self.elsewhere: dict[str, tuple[Source, Found]] = {}  # by URI: what another run works on
        self.originals_deleted = 0
        self.moved_before = moved_before  # by this process, in runs before this one
        self.ledger = LedgerState()
        self.state: Literal["finished", "interrupted", "failed"] = "finished"
        self.error = ""
        self.last_outcome_at = 0.0  # time.time()

    def begin(self, sources: Sequence[Source]) -> None:
        """A tranche sets out."""
        self._size_bytes = {source.uri: source.size_bytes for source in sources}
        self.outcomes = Outcomes()
        self._written.clear()

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
            self._written[uri] += outcome["scene_count"]
        if status == "video_done":
            self.scenes["done"] += self._written.pop(uri)
            self.outcomes.done.add(uri)
        elif status == "duplicate":
            self.outcomes.duplicate_of[uri] = Found(outcome["video_id"], outcome["read_at"])
        elif status == "joined":
            self.outcomes.joined.add(uri)
        elif status == "elsewhere":
            self.outcomes.elsewhere[uri] = Found(outcome["video_id"], outcome["read_at"])
        elif status == "failed":
            self.outcomes.failed.add(uri)
        progress.bytes_done += self._size_bytes[uri] // (outcome["span_count"] or 1)
        self._count(
            len(self.outcomes.done),
            len((self.outcomes.duplicate_of.keys() | self.outcomes.joined) - self.outcomes.done),
            len(self.outcomes.failed - self.outcomes.done),
        )

    def settle(self, sources: Sequence[Source], settled: Settled) -> None:
        """A tranche has ended, each of its sources having its place."""
        self._count(len(settled.done), len(settled.duplicate), len(settled.quarantined))
        self.scenes["done"] += sum(self._written.pop(uri, 0) for uri in settled.done)
        self.scenes["quarantined"] += sum(self._written.pop(uri, 0) for uri in settled.quarantined)
        self._before = Progress(
            0, done=self.progress.done, duplicate=self.progress.duplicate, quarantined=self.progress.quarantined
        )
        by_uri = {source.uri: source for source in sources}
        self.elsewhere |= {uri: (by_uri[uri], found) for uri, found in settled.elsewhere.items()}

    def counts(self) -> RunCounts:
        """How far the run has come, for its lease. Any thread may ask."""
        progress = self.progress
        return RunCounts(
            videos_found=progress.videos,
            videos_done=progress.done + progress.duplicate + progress.elsewhere,
            videos_skipped=progress.skipped,
            videos_quarantined=progress.quarantined,
            scenes=progress.scenes,
            media_s=round(progress.media_s, 3),
            bytes_done=progress.bytes_done,
            bytes_total=progress.bytes_total,
            doing=progress.doing,
        )

    @property
    def released(self) -> int:
        """Videos whose claims are given back: finished ones, and those of tranches that are settled."""
        return self.progress.done + self._before.quarantined

    def _count(self, done: int, duplicate: int, quarantined: int) -> None:
        """The counts of the present tranche, on top of those before."""
        self.progress.done = self._before.done + done
        self.progress.duplicate = self._before.duplicate + duplicate
        self.progress.quarantined = self._before.quarantined + quarantined
