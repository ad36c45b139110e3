"""Gives signs of life for a run, as long as its block lasts."""

import logging
import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from footage.catalog import Catalog
from footage.catalog_records import RunCounts
from footage.dead_runs import break_leases_of_the_dead
from footage.errors import LeaseLost, StoreError, StoreUnavailable
from footage.leases import RunLease

LOG = logging.getLogger(__name__)
TELL_EVERY_S = 5.0  # who watches a run learns so late what it does


class LeaseKeeper:
    """Holds the lease of a run and renews it three times in the time that others wait, or sooner where there is
    something to tell.

    If it is lost, `lost` says so, and the block ends in LeaseLost. A store that is away for a moment is asked again; if
    it stays away, whoever writes next meets that, and not this thread.
    """

    def __init__(
        self,
        catalog: Catalog,
        run_id: str,
        what: str,
        source: str,
        lease_s: float,
        tell_every_s: float = TELL_EVERY_S,
        job: str = "",
    ) -> None:
        """Take nothing yet; see RunLease for the arguments, but for how soon what has changed is told."""
        self._catalog = catalog
        self._lease = RunLease(catalog, run_id, what, source, lease_s, job)
        self._every_s = lease_s / 3
        self._tell_every_s = tell_every_s
        self._ended = threading.Event()
        self._woken = threading.Event()  # before its time, to end or to tell
        self._counts: Callable[[], RunCounts | None] = lambda: None
        self.lost: LeaseLost | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True, name="lease-keeper")

    def __enter__(self) -> Self:
        """Take the lease; those of runs that were killed on this machine are broken first."""
        break_leases_of_the_dead(self._catalog)
        self._lease.take(datetime.now(UTC))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lease back, unless the store is away: then it runs out.

        Raises:
            LeaseLost: it was lost within the block, which ended for that.
        """
        self._ended.set()
        self._woken.set()
        self._thread.join()
        if self.lost is not None:
            raise self.lost from error
        if not isinstance(error, StoreUnavailable):
            self._lease.release()

    def tell(self, counts: Callable[[], RunCounts | None]) -> None:
        """Say how far the run has come with each sign of life from now on, the first of them at once.

        Args:
            counts: asked from a thread. What it raises is logged, and costs this sign its counts.
        """
        self._counts = counts
        self._woken.set()

    def show_at(self, dashboard_url: str) -> None:
        """Say from the next sign of life on where Ray's dashboard shows the run."""
        self._lease.dashboard_url = dashboard_url

    def _keep(self) -> None:
        pause_s = self._every_s / math.ceil(self._every_s / self._tell_every_s)
        renewed_at, told = time.monotonic(), None
        while True:
            self._woken.wait(pause_s)
            self._woken.clear()
            if self._ended.is_set():
                return
            counts = self._asked()
            if counts == told and time.monotonic() - renewed_at < self._every_s - pause_s / 2:
                continue
            try:
                self._lease.renew(datetime.now(UTC), counts)
            except LeaseLost as error:
                self.lost = error
                return
            except StoreError:
                continue
            renewed_at, told = time.monotonic(), counts

    def _asked(self) -> RunCounts | None:
        try:
            return self._counts()
        except Exception:  # whatever it is: without signs of life others would take the run's videos over
            LOG.exception("How far the run is cannot be told.")
            return None
