"""One index run from start to report: choose sources, stream them, account for each of them."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from actors.model_preparation import PreparedModels
from actors.source_files import SourceFiles
from footage.catalog import Catalog
from footage.dataset_changes import join_dataset
from footage.errors import FootageError, LeaseLost, StoreError, StoreUnavailable
from footage.fingerprint import component_fingerprints
from footage.index import VectorIndex
from footage.lease_keeper import LeaseKeeper
from footage.leases import new_run_id
from footage.orphans import remove_orphans
from footage.records import Source
from footage.reindex_guard import refuse_during_reindex
from footage.remote_access import RemoteAccess
from footage.run_records import RunReport
from footage.s3_uri import is_s3
from footage.settings import Settings
from footage.sources import is_remote
from footage.storage import ObjectStore
from footage.transfers import TRANSFERS, Transferred
from pipelines.admission import admitted, started
from pipelines.cluster_room import ClusterRoom, room_of_ray
from pipelines.dashboard_link import dashboard_page
from pipelines.describe_videos import describe_videos
from pipelines.described import Described
from pipelines.description_scope import DescriptionScope, descriptions_off, videos_to_describe
from pipelines.elsewhere import left_by_others
from pipelines.index_access import check_index, index_of_run, one_run_at_a_time
from pipelines.index_pass import IndexPass
from pipelines.index_request import IndexRequest
from pipelines.index_videos import IndexPools, index_pools
from pipelines.ledger import LedgerClient
from pipelines.metrics import RunMetrics
from pipelines.observation import Observation
from pipelines.original_deletion import delete_originals
from pipelines.process_memory import MemorySampler
from pipelines.progress import ProgressLine
from pipelines.ray_session import Session, output_to, ray_session
from pipelines.reconcile import Run
from pipelines.run_report import first_report, reported, run_report
from pipelines.run_sources import RunSources, arrived_sources, choose_sources, quarantined_sources
from pipelines.run_start import start_of_run
from pipelines.sizing import expected_spans
from pipelines.stopping import interrupted_by_sigterm
from pipelines.tally import Tally

PoolsOf = Callable[[Settings, PreparedModels, Catalog, VectorIndex, Run, ClusterRoom], IndexPools]


@dataclass(frozen=True)
class _Work:
    """What the steps of a run have in common."""

    request: IndexRequest
    settings: Settings
    models: PreparedModels
    catalog: Catalog
    run: Run
    pools_of: PoolsOf
    lease: LeaseKeeper
    session: Session
    moved_before: Transferred  # by this process, in runs before this one


def run_index(
    request: IndexRequest, settings: Settings, pools_of: PoolsOf = index_pools, session: Session = ray_session
) -> RunReport:
    """Index a source, or try again what is in quarantine; store and return the report of the run.

    `session` gives the run its Ray, if it needs one.

    Raises:
        FootageError: the run could not be done: source, store, settings, models or index are not usable, or too
            many spans were lost. What was committed until then stays, and a later run goes on from there.
    """
    started_at, moved_before = datetime.now(UTC), TRANSFERS.total()
    start = start_of_run(request, settings)
    address, catalog, models, fingerprint = request.index_address, start.catalog, start.models, start.fingerprint
    run_id = new_run_id(started_at)
    lease_s = settings.pipeline.lease_s
    with (
        interrupted_by_sigterm(),
        one_run_at_a_time(address, request.command),
        LeaseKeeper(catalog, run_id, request.command, request.source_address, lease_s, job=request.job) as lease,
        reported(catalog, first_report(request, settings, run_id, fingerprint, started_at)),
    ):
        refuse_during_reindex(catalog.store)
        with _sources(request, settings, catalog, fingerprint) as sources:
            run = Run(
                run_id=run_id,
                workspace=request.workspace,
                dataset=request.dataset,
                fingerprint=fingerprint,
                components=component_fingerprints(settings, models.versions),
                datasets=sources.datasets,
                only=request.only,
            )
            work = _Work(request, settings, models, catalog, run, pools_of, lease, session, moved_before)
            report = _run(work, sources, started_at)
    if report.state == "failed":
        raise FootageError(report.error)
    return report


def _sources(request: IndexRequest, settings: Settings, catalog: Catalog, fingerprint: str) -> RunSources:
    if request.source is None:
        return quarantined_sources(catalog, fingerprint, settings, request.names)
    if request.arrived is not None:
        return arrived_sources(request.arrived, catalog, fingerprint, request.dataset)
    return choose_sources(
        request.source, catalog, fingerprint, request.dataset, settings, only_known=bool(request.only)
    )


def _run(work: _Work, sources: RunSources, started_at: datetime) -> RunReport:
    begun = time.monotonic()
    request, settings, catalog, run = work.request, work.settings, work.catalog, work.run
    counts = sources.plan.counts
    if run.dataset is not None:
        for uri, video_id in sources.plan.to_reference():
            join_dataset(catalog, run.dataset, video_id, uri)
    tally = Tally(counts.to_do, counts.bytes_to_do, counts.skipped, work.moved_before)
    work.lease.tell(tally.counts)
    memory = MemorySampler(os.getpid())
    spec = work.models.index_spec()
    if counts.found:
        check_index(request.index_address, spec, settings.qdrant, request.command, catalog)
    scope = DescriptionScope(off=descriptions_off(settings))
    if counts.found and not counts.to_do:  # else the second pass looks, when the videos are there
        scope = videos_to_describe(settings, work.models, catalog, run)
    described, pools = Described.before(scope), None
    if counts.to_do or scope.to_describe:
        observation = Observation.of(request, settings, run.run_id)
        os.environ.update(observation.ray_environment())
        try:
            with (
                memory,
                _console(request, catalog.store, run) as console,
                observation.logging(),
                work.session(settings.pipeline, request.ray_address, verbose=request.verbose),
                observation.traces_sent(),
                index_of_run(request.index_address, spec, settings.qdrant, request.command) as index,
            ):
                line, ledger = ProgressLine(console), LedgerClient(observation)
                work.lease.show_at(dashboard_page(settings.pipeline, request.job))
                with RunMetrics(run.workspace, tally, ledger):
                    if counts.to_do:
                        pools = _index(work, sources, index, tally, line, ledger)
                    if tally.state == "finished":  # else a renamed file may not have been reached yet
                        described = _finish(work, index, tally, line, ledger)
        except KeyboardInterrupt:  # between the streams, each of which accounts for its own videos
            tally.state = "interrupted"
    if settings.sources.delete_original and tally.state == "finished":
        delete_originals(run, settings, catalog, tally, ())  # what had to wait for other runs
    wall_s = time.monotonic() - begun
    report = run_report(request, settings, run, catalog, sources, tally, pools, described, memory, started_at, wall_s)
    catalog.put_report(report)
    return report


def _index(
    work: _Work, sources: RunSources, index: VectorIndex, tally: Tally, line: ProgressLine, ledger: LedgerClient
) -> IndexPools | None:
    """Stream all sources, tranche by tranche, and then what other runs had in hand and did not finish."""
    settings, run, counts = work.settings, work.run, sources.plan.counts
    line.say(f"Indexing {tally.progress.videos} videos with profile {settings.profile} ...")
    spans = expected_spans(counts.to_do, counts.bytes_to_do, settings.decoder)
    pools: IndexPools | None = None

    def stream(tranche: Sequence[Source]) -> None:
        nonlocal pools
        with _pools(work, index, spans, tally, line, ledger) as pools:
            IndexPass(run, settings, work.catalog, pools, tally, line, ledger, work.lease).stream(tranche)

    is_remote_run = False
    try:
        for tranche in sources.plan.tranches(settings.pipeline.tranche_sources):
            is_remote_run |= any(is_remote(source.uri) for source in tranche)
            stream(tranche)
            if tally.state != "finished":
                break
        while tally.elsewhere and tally.state == "finished":
            if left := _left_by_others(work, tally, line):
                stream(left)
    finally:
        if is_remote_run:
            SourceFiles(RemoteAccess.of(settings)).clear_unused(run.run_id)
    line.show(tally.progress, force=True)
    return pools


@contextlib.contextmanager
def _pools(
    work: _Work, index: VectorIndex, spans: int, tally: Tally, line: ProgressLine, ledger: LedgerClient
) -> Iterator[IndexPools]:
    """The pools of one stream, as large as cluster and work allow, once the cards that they start on are there."""

    def pools(room: ClusterRoom) -> IndexPools:
        return work.pools_of(work.settings, work.models, work.catalog, index, work.run, room)

    def tell(waiting: str) -> None:
        if work.lease.lost is not None:
            raise work.lease.lost
        tally.progress.doing = waiting
        line.show(tally.progress)

    sizes = work.settings.pipeline
    room = room_of_ray(sizes, own_machine=work.request.ray_address is None).for_spans(spans, sizes.spans_per_card)
    planned = pools(room.grown())
    with admitted(planned.work, room, sizes, tell, started(ledger, planned.names)) as free:
        yield pools(free)


def _left_by_others(work: _Work, tally: Tally, line: ProgressLine) -> list[Source]:
    try:
        return left_by_others(work.run, work.catalog, tally, line, work.lease)
    except KeyboardInterrupt:
        tally.state = "interrupted"
    except LeaseLost as error:
        tally.fail(str(error))
    return []


def _finish(work: _Work, index: VectorIndex, tally: Tally, line: ProgressLine, ledger: LedgerClient) -> Described:
    """What follows when all sources are reached: orphans go, and videos are described."""
    import ray

    remove_orphans(work.catalog, index, work.run.run_id, work.settings.pipeline.lease_s)
    described = Described.before(DescriptionScope())
    tally.progress.doing = "describing videos"
    try:
        described = describe_videos(
            work.settings,
            work.models,
            work.catalog,
            index,
            work.run,
            ledger,
            line,
            own_machine=work.request.ray_address is None,
        )
    except FootageError as error:  # what is indexed stays so, and the report is written
        described.stopped = str(error)
    finally:
        tally.progress.doing = ""
    if described.interrupted:
        tally.state = "interrupted"
    with contextlib.suppress(ray.exceptions.RayError):  # it holds what each stage cost, nothing else
        tally.ledger = ledger.state()
    return described


@contextlib.contextmanager
def _console(request: IndexRequest, store: ObjectStore, run: Run) -> Iterator[IO[str]]:
    """Where the progress line goes; what libraries print goes to the run's log, unless asked for."""
    if request.verbose:
        yield sys.stderr
        return
    key = f"runs/{run.run_id}.log"
    if not is_s3(request.store_address):
        with output_to(Path(request.store_address) / key) as console:
            yield console
        return
    with tempfile.TemporaryDirectory(prefix="footage-log-") as folder:
        log = Path(folder) / "run.log"
        with output_to(log) as console:
            try:
                yield console
            except StoreUnavailable:
                log.unlink()  # there is nowhere to put it
                raise
            finally:
                if log.exists():
                    with contextlib.suppress(StoreError):  # how the run ended counts for more
                        store.upload(key, log)
