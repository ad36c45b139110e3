"""One index run from start to report: choose sources, stream them, account for each of them."""

import contextlib
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from actors.model_preparation import PreparedModels
from footage.catalog import Catalog
from footage.embedded_index import EmbeddedIndex
from footage.errors import FootageError, StoreError
from footage.fingerprint import pipeline_fingerprint
from footage.index import VectorIndex
from footage.index_records import SceneFilter
from footage.model_list import check_models
from footage.orphans import remove_orphans
from footage.ownership import Ownership
from footage.settings import Settings
from footage.sidecar import RunReport
from footage.storage import DirectoryStore
from pipelines.describe_videos import describe_videos
from pipelines.described import Described
from pipelines.description_scope import DescriptionScope, descriptions_off, videos_to_describe
from pipelines.gpu_shares import check_devices
from pipelines.heartbeat import Heartbeat, OutageSeen, outage_in
from pipelines.index_owner import RemoteIndex
from pipelines.index_videos import IndexPools, index_pools, stream_outcomes
from pipelines.ledger import LedgerClient
from pipelines.preparation import ensure_prepared
from pipelines.process_memory import MemorySampler
from pipelines.progress import ProgressLine
from pipelines.ray_session import output_to, ray_session
from pipelines.reconcile import Run, settle
from pipelines.run_report import run_report
from pipelines.run_sources import RunSources, choose_sources, is_indexed, quarantined_sources
from pipelines.tally import Tally

# After a driver was killed its actors live on for about two seconds, and with them the lock of the index.
_LOCK_WAIT_S = 15.0

PoolsOf = Callable[[Settings, PreparedModels, Catalog, VectorIndex, Run, float], IndexPools]


@dataclass(frozen=True)
class IndexRequest:
    """What to index, and where to."""

    source: str | None  # None: what is in quarantine
    store: Path
    workspace: str = "default"
    dataset: str | None = None
    verbose: bool = False
    ray_address: str | None = None  # of a cluster that sees the same files; None: a Ray of our own

    @property
    def index_path(self) -> Path:
        """Folder of the embedded index."""
        return self.store / "index" / "scenes"

    @property
    def command(self) -> str:
        """What a process that waits for the index is told about this run."""
        return f"footage index {self.source}" if self.source else "footage retry"


def run_index(request: IndexRequest, settings: Settings, pools_of: PoolsOf = index_pools) -> RunReport:
    """Index a source, or try again what is in quarantine; store and return the report of the run.

    Raises:
        FootageError: the run could not be done: source, store, settings, models or index are not usable, or too
            many spans were lost. What was committed until then stays, and a later run goes on from there.
    """
    started_at, begun = datetime.now(UTC), time.monotonic()
    check_models(settings)  # first: it says what to fetch, also on a machine without the GPU
    check_devices(settings, own_machine=request.ray_address is None)
    off = descriptions_off(settings)  # refuses what cannot work
    store = DirectoryStore(request.store)
    store.probe()
    catalog = Catalog(store, request.workspace)
    models = ensure_prepared(settings, sys.stderr)
    run = Run(
        run_id=f"{started_at:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}",
        workspace=request.workspace,
        dataset=request.dataset,
        fingerprint=pipeline_fingerprint(settings, models.versions),
    )
    # One run at a time: the index changes hands within a run (its owner may be killed), so it cannot be the guard.
    guard = Ownership(request.store / "index" / "run.lock", request.command, _LOCK_WAIT_S)
    try:
        if request.source is None:
            sources = quarantined_sources(catalog)
            run = replace(run, datasets=sources.datasets)
        else:
            sources = choose_sources(request.source, catalog, run.fingerprint, request.dataset)
        tally = Tally(sources.to_do, len(sources.skipped))
        memory = MemorySampler(os.getpid())
        if sources.found:
            _check_index(request, models, catalog)
        scope = DescriptionScope(off=off)
        if sources.found and not sources.to_do:  # else the second pass looks, when the videos are there
            scope = videos_to_describe(settings, models, catalog, run)
        described, pools = Described.before(scope), None
        if sources.to_do or scope.to_describe:
            with (
                memory,
                _console(request, run) as console,
                ray_session(settings.pipeline, request.ray_address, verbose=request.verbose),
            ):
                import ray  # after ray_session() has set the environment that Ray reads when it is imported

                line, ledger = ProgressLine(console), LedgerClient()
                index = RemoteIndex(request.index_path, models.index_spec(), request.command)
                if sources.to_do:
                    line.say(f"Indexing {len(sources.to_do)} videos with profile {settings.profile} ...")
                    cards = ray.cluster_resources().get("GPU", 0)
                    pools = pools_of(settings, models, catalog, index, run, cards)
                    _stream(run, sources, pools, settings, catalog, tally, line, ledger)
                    line.show(tally.progress, force=True)
                if tally.state == "finished":  # else a renamed file may not have been reached yet
                    remove_orphans(catalog, index)
                    try:
                        described = describe_videos(settings, models, catalog, index, run, ledger, line)
                    except FootageError as error:  # what is indexed stays so, and the report is written
                        described.stopped = str(error)
                    if described.interrupted:
                        tally.state = "interrupted"
                    with contextlib.suppress(ray.exceptions.RayError):  # it holds what each stage cost, nothing else
                        tally.ledger = ledger.state()
                _close(index)
        source = request.source or "quarantine"
        wall_s = time.monotonic() - begun
        report = run_report(
            source, settings, run, catalog, sources, tally, pools, described, memory, started_at, wall_s
        )
        catalog.put_report(report)
    finally:
        guard.release()
    if tally.state == "failed":
        raise FootageError(tally.error)
    return report


def _check_index(request: IndexRequest, models: PreparedModels, catalog: Catalog) -> None:
    """Refuse an index that is held by a search, is of other models, or was lost, before anything starts."""
    with EmbeddedIndex(request.index_path, models.index_spec(), owner=request.command, wait_s=_LOCK_WAIT_S) as index:
        if index.count(SceneFilter(request.workspace)):
            return
    lost = sum(1 for manifest in catalog.manifests() if manifest.scenes)
    if lost:
        raise StoreError(
            f"The index of {request.store} is empty, but its records say that {lost} videos are searchable: the folder"
            " index/ was removed or replaced. Bring it back, or index into a new store."
        )


def _stream(
    run: Run,
    sources: RunSources,
    pools: IndexPools,
    settings: Settings,
    catalog: Catalog,
    tally: Tally,
    line: ProgressLine,
    ledger: LedgerClient,
) -> None:
    """Run the pipeline to its end and account for every source."""
    # Imported here: Ray reads its environment when it is imported, and ray_session() sets that.
    from ray.data import DataContext
    from ray.data.exceptions import ExecutionTimeoutError, RayDataUserCodeException, SystemException
    from ray.exceptions import RayError

    # The backstop behind the watchdogs: nothing at all came out for as long as the slowest stage may take, each try.
    longest_s = max(settings.decoder.span_s * 1.25, settings.decoder.limits.max_untimed_s)
    patience_s = (settings.pipeline.retries + 2) * pools.longest_task_s(longest_s)
    DataContext.get_current().execution_no_progress_timeout_s = patience_s
    heartbeat = Heartbeat(line, tally.progress, ledger, pools.names, ends_on_outage=True)
    try:
        with heartbeat:
            for outcome in stream_outcomes(sources.to_do, run, pools, ledger, settings.pipeline.retries):
                tally.add(outcome)
    except KeyboardInterrupt:
        tally.state = "interrupted"
    except OutageSeen:
        pass  # it is told below
    except (RayError, RayDataUserCodeException, SystemException, ExecutionTimeoutError) as error:
        tally.fail(str(error).strip().splitlines()[-1])
    with contextlib.suppress(RayError):  # without it a lost span is found all the same; only the stage is not named
        tally.ledger = ledger.state()
    outage = heartbeat.outage or outage_in(tally.ledger)
    if outage is not None and tally.state == "finished":
        tally.fail(f"{outage.stage} raised {outage.error}")
    reached = sources.to_do
    if tally.state != "finished":
        # What was not reached, or failed with what every video needs, is for the next run and not for quarantine.
        done = {source.uri for source in sources.to_do if is_indexed(catalog, run.fingerprint, source)}
        tally.outcomes.done.update(done)  # also those whose outcome was still on its way
        reached = [source for source in sources.to_do if source.uri in tally.outcomes.done | tally.outcomes.failed]
        tally.outcomes.duplicate_of.clear()
    tally.settled = settle(run, reached, tally.outcomes, catalog, tally.ledger)
    tally.progress.done = len(tally.settled.done)
    tally.progress.duplicate = len(tally.settled.duplicate)
    tally.progress.quarantined = len(tally.settled.quarantined)


def _close(index: RemoteIndex) -> None:
    """Close the index through its owner; if that is dead, the lock is free and its log has all that it confirmed."""
    from ray.exceptions import RayError

    with contextlib.suppress(RayError):
        index.close()


@contextlib.contextmanager
def _console(request: IndexRequest, run: Run) -> Iterator[IO[str]]:
    """Where the progress line goes; what libraries print goes to the run's log, unless asked for."""
    if request.verbose:
        yield sys.stderr
    else:
        with output_to(request.store / "runs" / f"{run.run_id}.log") as console:
            yield console
