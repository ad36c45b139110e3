"""The report of a run: what it did, how long each part took, and how well its pools were used."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from footage.catalog import Catalog
from footage.errors import FootageError, StoreError
from footage.run_records import RunReport
from footage.settings import Settings
from footage.timestamps import stamp, utc_now
from footage.transfers import TRANSFERS
from pipelines.described import Described
from pipelines.index_request import IndexRequest
from pipelines.index_videos import IndexPools
from pipelines.process_memory import MemorySampler
from pipelines.reconcile import Run
from pipelines.run_sources import RunSources
from pipelines.tally import Tally


def run_report(
    request: IndexRequest,
    settings: Settings,
    run: Run,
    catalog: Catalog,
    sources: RunSources,
    tally: Tally,
    pools: IndexPools | None,
    described: Described,
    memory: MemorySampler,
    started_at: datetime,
    wall_s: float,
) -> RunReport:
    """The report of a run that ended, however it did.

    Args:
        request: what was asked for.
        settings: of the run.
        run: names it.
        catalog: says what is in quarantine now.
        sources: what the run found.
        tally: what came out.
        pools: what ran; None where nothing was to do.
        described: what became of the videos' descriptions.
        memory: of the whole process tree.
        started_at: with its time zone.
        wall_s: from start to end.
    """
    counts = sources.plan.counts
    quarantined = [record for record in catalog.quarantine() if sources.plan.concerns(record.source.uri)]
    works, moved = tally.ledger.work.values(), TRANSFERS.total()
    return RunReport(
        run_id=run.run_id,
        job=request.job,
        workspace=run.workspace,
        dataset=run.dataset,
        source=request.source or "quarantine",
        profile=settings.profile,
        pipeline_fingerprint=run.fingerprint,
        state=tally.state,
        error=tally.error,
        started_at=stamp(started_at),
        finished_at=utc_now(),
        wall_s=round(wall_s, 3),
        videos_found=counts.found,
        videos_done=tally.progress.done,
        videos_skipped=counts.skipped,
        videos_left_out=counts.left_out,
        videos_duplicate=tally.progress.duplicate,
        videos_elsewhere=tally.progress.elsewhere,
        videos_quarantined=len({record.source.uri for record in quarantined}),
        videos_remaining=tally.progress.remaining,
        spans_done=tally.progress.spans,
        scenes_done=tally.progress.scenes,
        media_s=round(tally.progress.media_s, 3),
        media_hours_per_hour=round(tally.progress.media_s / wall_s, 3),
        quarantined=quarantined,
        videos_described=described.done,
        descriptions=described.reason,
        batch_fill={
            stage: round(work.items / work.slots, 3) for stage, work in tally.ledger.work.items() if work.slots
        },
        pool_busy_share=busy_shares(tally, pools) if pools is not None else {},
        stage_seconds={stage: round(work.seconds, 3) for stage, work in tally.ledger.work.items()},
        stage_calls={stage: work.calls for stage, work in tally.ledger.work.items()},
        # by this process, and by the stages
        store_retries=moved.retries - tally.moved_before.retries + sum(work.retries for work in works),
        bytes_read=moved.bytes_read - tally.moved_before.bytes_read + sum(work.bytes_read for work in works),
        originals_deleted=tally.originals_deleted,
        worker_deaths=dict(tally.ledger.deaths),
        pool_ready_s={
            pool: round(ready - started_at.timestamp(), 3) for pool, ready in tally.ledger.first_ready_at.items()
        },
        last_outcome_s=round(tally.last_outcome_at - started_at.timestamp(), 3) if tally.last_outcome_at else 0.0,
        peak_pss_mib=memory.peak_mib,
        peak_pss_by_process_mib=dict(memory.peak_by_process_mib),
    )


def first_report(
    request: IndexRequest, settings: Settings, run_id: str, fingerprint: str, started_at: datetime
) -> RunReport:
    """The report of a run that begins, for whoever looks for it: nothing is known of its sources yet."""
    return RunReport(
        run_id=run_id,
        job=request.job,
        workspace=request.workspace,
        dataset=request.dataset,
        source=request.source or "quarantine",
        profile=settings.profile,
        pipeline_fingerprint=fingerprint,
        state="running",
        started_at=stamp(started_at),
        finished_at="",
        wall_s=0,
        videos_found=0,
        videos_done=0,
        videos_skipped=0,
        videos_duplicate=0,
        videos_quarantined=0,
        spans_done=0,
        scenes_done=0,
        media_s=0,
        media_hours_per_hour=0,
        peak_pss_mib=0,
    )


@contextlib.contextmanager
def reported(catalog: Catalog, first: RunReport) -> Iterator[None]:
    """Write the first report of a run, whose block is to write the last one; if it breaks off before, say how."""
    catalog.put_report(first)
    try:
        yield
    except BaseException as error:
        now = datetime.now(UTC)
        wall_s = round((now - datetime.fromisoformat(first.started_at)).total_seconds(), 3)
        ended = {"finished_at": stamp(now), "wall_s": wall_s}
        if isinstance(error, Exception):
            why = str(error) if isinstance(error, FootageError) else f"{type(error).__name__}: {error}"
            ended |= {"state": "failed", "error": why}
        else:  # Ctrl-C, SIGTERM
            ended |= {"state": "interrupted"}
        with contextlib.suppress(StoreError):  # why it broke off counts for more
            catalog.put_report(first.model_copy(update=ended))
        raise


def busy_shares(tally: Tally, pools: IndexPools) -> dict[str, float]:
    """For each pool the share of its actors' time that they worked, from its first readiness to the last outcome."""
    shares = {}
    for pool in (pools.plan, *pools.work):
        ready_at = tally.ledger.first_ready_at.get(pool.name)
        if ready_at is None or tally.last_outcome_at <= ready_at:
            continue
        worked_s = sum(work.seconds for stage in pool.stages if (work := tally.ledger.work.get(stage.name)))
        # One that grew counts with all that it had at last, as if they had been there from the start.
        actors = max(pool.size, min(pool.ceiling, tally.ledger.actors_ready[pool.name]))
        shares[pool.name] = round(worked_s / (actors * (tally.last_outcome_at - ready_at)), 3)
    return shares
