"""The indexing pass: a tranche of sources streams through the pools, and each of them is accounted for."""

import contextlib
from collections.abc import Sequence

from actors.decoder_limits import fetch_limit_s
from footage.catalog import Catalog
from footage.errors import StoreUnavailable
from footage.lease_keeper import LeaseKeeper
from footage.records import Source
from footage.settings import Settings
from pipelines.heartbeat import Heartbeat, OutageSeen, outage_in
from pipelines.index_videos import IndexPools, stream_outcomes
from pipelines.ledger import LedgerClient, LostTask
from pipelines.lost_sources import lost_sources
from pipelines.original_deletion import delete_originals
from pipelines.progress import ProgressLine
from pipelines.reconcile import Run, settle
from pipelines.run_sources import is_indexed
from pipelines.tally import Tally
from pipelines.video_traces import VideoTraces

_ROUNDS = 3  # streams of the same sources: what one lost with its machines, the next one does


class IndexPass:
    """To be made within ray_session(); each call of stream() starts the pools and ends them."""

    def __init__(
        self,
        run: Run,
        settings: Settings,
        catalog: Catalog,
        pools: IndexPools,
        tally: Tally,
        line: ProgressLine,
        ledger: LedgerClient,
        lease: LeaseKeeper,
    ) -> None:
        self._run = run
        self._settings = settings
        self._catalog = catalog
        self._pools = pools
        self._tally = tally
        self._line = line
        self._ledger = ledger
        self._lease = lease

    def stream(self, sources: Sequence[Source]) -> None:
        """Run the pipeline over sources to its end; what came of them, and whether it broke off, is in the tally.

        Raises:
            StoreUnavailable: the store is away, so that nothing more can be written down, also not how the run ended.
        """
        tally = self._tally
        tally.begin(sources)
        left = list(sources)
        for _ in range(_ROUNDS):
            outage = self._stream(left)
            if tally.state != "finished" or outage is not None or self._lease.lost is not None:
                break
            left = self._lost(left)
            if not left:
                break
            self._line.say(f"{len(left)} videos were lost with a machine that went away; they are done again ...")
        if outage is not None and (away := self._store_away()) is not None:
            raise _store_is_away(str(away)) from away
        if outage is not None and tally.state == "finished":
            tally.fail(f"{outage.stage} raised {outage.error}")
        if self._lease.lost is not None:
            tally.fail(str(self._lease.lost))
        try:
            self._settle(sources)
        except StoreUnavailable as error:
            raise _store_is_away(str(error)) from error

    def _stream(self, sources: Sequence[Source]) -> LostTask | None:
        """Stream sources once; gives what ended it, if that was something that every video needs."""
        # Imported here: Ray reads its environment when it is imported, and ray_session() sets that.
        from ray.data import DataContext
        from ray.data.exceptions import ExecutionTimeoutError, RayDataUserCodeException, SystemException
        from ray.exceptions import RayError

        tally = self._tally
        fetch_s = max((fetch_limit_s(source.uri, source.size_bytes) for source in sources), default=0)
        DataContext.get_current().execution_no_progress_timeout_s = self._patience_s(fetch_s)
        heartbeat = Heartbeat(
            self._line,
            tally.progress,
            self._ledger,
            self._pools.names,
            ends_on_outage=True,
            is_lost=lambda: self._lease.lost is not None,
        )
        videos = VideoTraces(self._ledger.observation)
        try:
            with heartbeat, contextlib.closing(videos):
                retries = self._settings.pipeline.retries
                for outcome in stream_outcomes(sources, self._run, self._pools, self._ledger, retries):
                    tally.add(outcome)
                    videos.add(outcome)
        except KeyboardInterrupt:
            tally.state = "interrupted"
        except OutageSeen:
            pass  # it is told below
        except (RayError, RayDataUserCodeException, SystemException, ExecutionTimeoutError) as error:
            tally.fail(str(error).strip().splitlines()[-1])
        with contextlib.suppress(RayError):  # without it a lost span is found all the same; the stage is not named
            tally.ledger = self._ledger.state()
        return heartbeat.outage or outage_in(tally.ledger)

    def _lost(self, sources: Sequence[Source]) -> list[Source]:
        retries = self._settings.pipeline.retries
        return lost_sources(self._run, sources, self._tally.outcomes, self._catalog, self._tally.ledger, retries)

    def _patience_s(self, fetch_s: float) -> float:
        """The backstop behind the watchdogs: nothing at all came out for as long as the slowest stage may take."""
        decoder, sizes = self._settings.decoder, self._settings.pipeline
        longest_s = max(decoder.span_s * 1.25, decoder.limits.max_untimed_s)
        return (sizes.retries + 2) * (self._pools.longest_task_s(longest_s) + fetch_s)

    def _settle(self, sources: Sequence[Source]) -> None:
        tally = self._tally
        reached = list(sources)
        if tally.state != "finished":
            # What was not reached, or failed with what every video needs, is for the next run and not for quarantine.
            fingerprint = self._run.fingerprint
            done = {source.uri for source in sources if is_indexed(self._catalog, fingerprint, source)}
            tally.outcomes.done.update(done - tally.outcomes.joined)  # also those whose outcome was still on its way
            ended = tally.outcomes.done | tally.outcomes.joined | tally.outcomes.failed
            reached = [source for source in sources if source.uri in ended]
            tally.outcomes.duplicate_of.clear()
            tally.outcomes.elsewhere.clear()
        settled = settle(self._run, reached, tally.outcomes, self._catalog, tally.ledger)
        tally.settle(reached, settled)
        if self._settings.sources.delete_original:
            indexed = [source for source in reached if source.uri in settled.done | settled.duplicate]
            delete_originals(self._run, self._settings, self._catalog, tally, indexed)

    def _store_away(self) -> StoreUnavailable | None:
        """What is wrong where it is the store that does not answer, and not a server of models or sources."""
        try:
            self._catalog.store.exists("probe")
        except StoreUnavailable as error:
            return error
        return None


def _store_is_away(why: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"The run was stopped: {why.rstrip('.')}. What was finished is kept, and the next run goes on from there."
    )
