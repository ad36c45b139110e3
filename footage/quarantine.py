"""Records of what could not be indexed."""

from footage import identity
from footage.catalog import utc_now
from footage.sidecar import QuarantineRecord, StoredSource


def quarantine_record(
    run_id: str,
    workspace: str,
    source: StoredSource,
    video_id: str | None,
    span_index: int | None,
    code: str,
    reason: str,
    fingerprint: str,
    dataset: str | None,
) -> QuarantineRecord:
    """The record of a failure that happened just now; Catalog.put_quarantine adds it to what failed before.

    Args:
        run_id: of the run that failed on it.
        workspace: of the run.
        source: that failed.
        video_id: its content; None if it could not be read.
        span_index: the span that failed; None for the whole source.
        code: the kind of failure; see footage.errors.
        reason: a sentence for the user.
        fingerprint: of the pipeline.
        dataset: that the run adds videos to.
    """
    now = utc_now()
    return QuarantineRecord(
        quarantine_id=identity.quarantine_id(source.uri, span_index),
        workspace=workspace,
        source=source,
        video_id=video_id,
        span_index=span_index,
        dataset=dataset,
        code=code,
        reason=reason,
        attempts=1,
        pipeline_fingerprint=fingerprint,
        first_failed_at=now,
        last_failed_at=now,
        run_id=run_id,
    )
