"""Writes what the models found: sidecars and thumbnails, then vectors, then the span's record, then the whole video."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import pyarrow as pa

from actors.scene_records import SceneRecords, scenes_of
from footage import identity
from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.completion import Completer, Completion, spans_of_plan
from footage.index import VectorIndex
from footage.quarantine import quarantine_record
from footage.span_table import SPAN, source_of, table_of
from footage.stored_models import StoredModels

OUTCOME = pa.schema(
    [
        SPAN.field("run_id"),
        SPAN.field("source_uri"),
        SPAN.field("video_id"),
        SPAN.field("read_at"),
        SPAN.field("span_index"),
        SPAN.field("span_count"),
        pa.field("status", pa.string(), nullable=False),  # see SceneWriter
        pa.field("code", pa.string()),  # of a failure
        pa.field("reason", pa.string()),
        pa.field("scene_count", pa.int64(), nullable=False),
        pa.field("duration_s", pa.float64(), nullable=False),  # of the span: seconds of media that are now indexed
        SPAN.field("stage_seconds"),
    ]
)


class SceneWriter:
    """Commits spans. Any write may be done again: what is stored is the same but for times and the run's name.

    Several writers may work on one video, and a writer may be killed anywhere; a video is seen by searches from the
    moment its manifest is there. What a run writes counts as long as it holds the claim under which the span set out.
    """

    RETURNS: ClassVar[pa.Schema] = OUTCOME

    def __init__(
        self,
        catalog: Catalog,
        index: VectorIndex,
        fingerprint: str,
        models: StoredModels,
        components: Mapping[str, str] | None = None,
        lease_s: float = 60,
        describes: bool = False,
    ) -> None:
        """Take what to write to.

        Args:
            catalog: of the workspace whose spans come.
            index: where vectors go.
            fingerprint: of the pipeline that made the spans.
            models: that made the vectors, tags and captions.
            components: of the pipeline's fingerprint, a hash each; see Manifest.
            lease_s: how long a claim holds from its confirmation on.
            describes: whether the run describes its videos afterwards.
        """
        self._catalog = catalog
        self._index = index
        self._fingerprint = fingerprint
        self._records = SceneRecords(catalog, fingerprint, models)
        self._completer = Completer(catalog, index, components or {}, lease_s, describes)

    def __call__(self, spans: pa.Table) -> pa.Table:
        """Write a table of spans with the columns of all stages (`captions` may be missing); gives one row of OUTCOME
        per span.

        `committed` says that the span is written, and `video_done` that the video is complete now; a video may say so
        more than once, when two writers end its last spans at the same time or a span is written again. `joined` says
        that a source was added to the complete video that has its bytes; where that is not complete yet, `duplicate`
        leaves it to the end of the run. `elsewhere` says that another run has the video, and `failed` that the row is
        in quarantine.

        Raises:
            StoreError: the store cannot be used.
        """
        return table_of([self._write(row) for row in spans.to_pylist()], OUTCOME)

    def _write(self, row: dict[str, Any]) -> dict[str, Any]:
        if row["elsewhere"]:
            return _outcome(row, "elsewhere")
        if row["failure_code"] is not None:
            if row["claim_generation"] is not None and self._claim(row) is None:
                return _outcome(row, self._after_loss(row))
            self._quarantine(row)
            return _outcome(row, "failed", code=row["failure_code"], reason=row["failure"])
        if row["duplicate"]:
            return _outcome(row, self._add_duplicate(row))
        status = self._commit(row)
        if status == "elsewhere":
            return _outcome(row, status)
        duration_s = row["span_end_s"] - row["span_start_s"]
        return _outcome(row, status, scene_count=len(row["scene_ids"]), duration_s=duration_s)

    def _commit(self, row: dict[str, Any]) -> Literal["committed", "video_done", "elsewhere"]:
        """Write one span, and end its video if it is the last one."""
        claim = self._claim(row)
        if claim is None or not self._store(row, claim):
            return self._after_loss(row)
        self._catalog.delete_quarantine_record(identity.quarantine_id(claim.source.uri, row["span_index"]))
        complete = spans_of_plan(self._catalog, claim)
        if complete is None:
            return "committed"
        ended: Completion = self._completer.complete(claim, complete, row["dataset"])
        match ended:
            case "complete":
                return "video_done"
            case "incomplete":
                return "committed"
            case "elsewhere":
                return self._after_loss(row)

    def _claim(self, row: dict[str, Any]) -> Claim | None:
        """The claim under which the row set out, if it still holds."""
        claim = self._catalog.claims.get(row["video_id"])
        ours = (row["run_id"], row["claim_generation"])
        return claim if claim is not None and (claim.run_id, claim.generation) == ours else None

    def _after_loss(self, row: dict[str, Any]) -> Literal["video_done", "elsewhere"]:
        """What a span without a claim comes to: this run has completed the video since, or another run has it."""
        manifest = self._catalog.manifest(row["video_id"])
        ours = (self._fingerprint, row["run_id"])
        done = manifest is not None and (manifest.pipeline_fingerprint, manifest.run_id) == ours
        return "video_done" if done else "elsewhere"

    def _store(self, row: dict[str, Any], claim: Claim) -> bool:
        """Write scenes, points, and then the span's record; False if the claim was lost on the way."""
        # A later span of a complete video, written again: its scenes have their final places already.
        complete = spans_of_plan(self._catalog, claim) if row["span_index"] else None
        before = sum(len(span.scenes) for span in (complete or [])[: row["span_index"]])
        scenes = scenes_of(row)
        for position, scene in enumerate(scenes):
            self._catalog.put_thumbnail(row["video_id"], scene["scene_id"], scene["thumbnail"])
            if not self._catalog.put_sidecar(self._records.sidecar(row, scene, before + position, claim), claim):
                return False
        now = datetime.now(UTC).timestamp()
        self._index.upsert([self._records.point(row, scene, now) for scene in scenes])
        return self._catalog.put_span(self._records.span_record(row, scenes, claim), claim)

    def _add_duplicate(self, row: dict[str, Any]) -> Literal["joined", "duplicate"]:
        source = source_of(row)
        added = self._catalog.add_source(row["video_id"], source, row["dataset"], self._fingerprint, row["read_at"])
        if added is None:
            return "duplicate"
        self._catalog.delete_quarantine(source.uri, added.span_count)
        return "joined"

    def _quarantine(self, row: dict[str, Any]) -> None:
        self._catalog.put_quarantine(
            quarantine_record(
                row["run_id"],
                self._catalog.workspace,
                source_of(row),
                row["video_id"],
                row["span_index"],
                row["failure_code"],
                row["failure"],
                self._fingerprint,
                row["dataset"],
            )
        )


def _outcome(
    row: dict[str, Any],
    status: str,
    code: str | None = None,
    reason: str | None = None,
    scene_count: int = 0,
    duration_s: float = 0.0,
) -> dict[str, Any]:
    kept = {name: row[name] for name in OUTCOME.names if name in row}
    return kept | {
        "status": status,
        "code": code,
        "reason": reason,
        "scene_count": scene_count,
        "duration_s": duration_s,
    }
