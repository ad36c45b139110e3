"""Records of what could not be indexed, what to do about each, and how often it is tried."""

from footage import identity
from footage.errors import PartsDiffer
from footage.kept_parts import REMEDY
from footage.sidecar import QuarantineRecord, StoredSource
from footage.timestamps import utc_now

_COPY = "Copy the file again and index it again, or `footage retry`."
_CONVERT = "Convert it (to H.264 in MP4, for example) and index the result."
_LEAVE_OUT = "Leave it out: footage indexes videos."
_LOOK = "Look at the run's log, or at the machine's memory, then `footage retry`."

# What to do, by the code of the error; see footage.errors and, for stage_failed, pipelines.reconcile.
_STEPS = {
    "video_error": "Look at the reason, mend the file, then `footage retry`.",
    "missing_source": "Put the file back, or give permission to read it, then `footage retry`; if it is gone for good,"
    " nothing is left to do.",
    "source_changed": "Wait until it is written to no more, then `footage retry`.",
    "empty_source": _COPY,
    "unsupported_container": f"If it is a video, convert it to MP4 or Matroska and index the result. {_LEAVE_OUT}",
    "undecodable_video": f"{_COPY} If it is whole: {_CONVERT[0].lower()}{_CONVERT[1:]}",
    "truncated_video": _COPY,
    "no_video_stream": _LEAVE_OUT,
    "video_too_large": "If it is a real video, raise the limit that the reason names, then `footage retry`.",
    "decoder_crashed": f"{_CONVERT} An original that crashes a decoder is worth a report to FFmpeg.",
    "decoder_timed_out": "If it is a real video, raise decoder.limits.wall_per_media_s or .cpu_per_media_s (or give the"
    " run a less busy machine), then `footage retry`.",
    "decoder_out_of_memory": "If it is a real video, raise decoder.limits.address_space_mib, then `footage retry`.",
    "duplicate_failed": "See to the file that has the same bytes, then `footage retry`.",
    "parts_differ": REMEDY,
    "worker_lost": _LOOK,
    "stage_failed": _LOOK,
}


def next_step(code: str, attempts: int = 1, max_attempts: int | None = None) -> str:
    """What to do about a failure, as a sentence or two for the user.

    Args:
        code: the kind of failure; one that is not known is treated as a plain video error.
        attempts: runs that failed on it.
        max_attempts: after so many, `footage retry` leaves it out; None if that is not known here.
    """
    step = _STEPS.get(code, _STEPS["video_error"])
    if max_attempts is None or attempts < max_attempts or code == PartsDiffer.code:
        return step
    return f"{step} After {attempts} tries `footage retry` leaves it out, unless it is named: `footage retry URI`."


def may_retry(record: QuarantineRecord, max_attempts: int) -> bool:
    """Whether `footage retry` tries it again unasked: what fails each time is tried a bounded number of times."""
    return record.attempts < max_attempts or not was_tried(record)


def was_tried(record: QuarantineRecord) -> bool:
    """Whether the video failed when all of it was made. What `--only` refuses was not tried: it keeps nothing from
    being indexed.
    """
    return record.code != PartsDiffer.code


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
        next_step=next_step(code),
        attempts=1,
        pipeline_fingerprint=fingerprint,
        first_failed_at=now,
        last_failed_at=now,
        run_id=run_id,
    )
