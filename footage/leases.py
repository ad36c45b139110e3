"""Signs of life of runs: a lease that a run renews while it works, and that others may break once it has run out.

One lease holds all claims of its run. Who finds it expired breaks it, by a write that only succeeds if the owner has
not renewed it meanwhile; the owner's next renewal then fails, and it stops. So a run that slept too long (a laptop with
its lid closed) learns that its videos are no longer its own, whatever the clocks say. The scheme is the usual one for
stores with conditional writes; see Gray and Cheriton, "Leases" (SOSP 1989), for leases, and
https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html for why claims have generations as well.

`now` is UTC everywhere. Clocks of the machines must agree to a third of a lease.
"""

import os
import secrets
import socket
from datetime import UTC, datetime

from footage.catalog import Catalog
from footage.catalog_records import Claim, Lease, RunCounts
from footage.dead_runs import this_machine
from footage.errors import LeaseLost
from footage.storage import ObjectStore
from footage.timestamps import has_passed, stamp


def new_nonce() -> str:
    """A value that no other write has."""
    return secrets.token_hex(8)


def new_run_id(now: datetime) -> str:
    """The name of a run that begins now (UTC); runs are in order of their names."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def new_job_id(now: datetime) -> str:
    """The name of a job that is submitted now (UTC), for us and for Ray."""
    return f"job-{new_run_id(now)}"


class RunLease:
    """The lease of this run. One thread at a time."""

    def __init__(self, catalog: Catalog, run_id: str, what: str, source: str, lease_s: float, job: str = "") -> None:
        """Take nothing yet.

        Args:
            catalog: of the workspace.
            run_id: of this run, which no other has.
            what: the command, as others are to call it.
            source: what it indexes; empty if it indexes nothing.
            lease_s: how long the others wait for a sign of life.
            job: that the run belongs to.
        """
        self.dashboard_url = ""  # of its page on Ray's dashboard; the next sign of life tells it
        self._catalog = catalog
        self._lease_s = lease_s
        self._lease = Lease(
            run_id=run_id,
            workspace=catalog.workspace,
            job=job,
            what=what,
            source=source,
            host=socket.gethostname(),
            machine=this_machine(),
            pid=os.getpid(),
            nonce="",
            started_at="",
            expires_at="",
        )
        self._tried: set[str] = set()  # nonces of writes of which it is not known whether they were done

    def take(self, now: datetime) -> None:
        """Give the first sign of life.

        Raises:
            LeaseLost: another run has this id.
        """
        fresh = self._fresh(now).model_copy(update={"started_at": stamp(now)})
        if not self._catalog.leases.create(fresh) and not self._take_up():
            raise LeaseLost(f"There is a run {fresh.run_id} already: start this one again.")
        self._keep(fresh)

    def renew(self, now: datetime, counts: RunCounts | None = None) -> None:
        """Give another sign of life; to be called about every third of `lease_s`.

        A renewal that failed for an outage may have been done all the same; the next one goes on from either.

        Args:
            now: UTC.
            counts: how far the run has come; None leaves what was said last.

        Raises:
            LeaseLost: the last one came too late, and another run took over this one's videos.
            StoreError: the store cannot be used; the lease is held until it expires.
        """
        fresh = self._fresh(now)
        if counts is not None:
            fresh = fresh.model_copy(update={"counts": counts})
        while not self._catalog.leases.swap(self._lease, fresh):
            if not self._take_up():
                raise LeaseLost(
                    f"Run {fresh.run_id} gave no sign of life for more than {self._lease_s:g} s, and another run took"
                    " over its videos. What it committed stays; start it again to go on."
                )
        self._keep(fresh)

    def release(self) -> None:
        """Say that this run has ended, so that others need not wait; again is fine."""
        self._catalog.leases.delete(self._lease.run_id)

    def _fresh(self, now: datetime) -> Lease:
        nonce = new_nonce()
        self._tried.add(nonce)
        return self._lease.model_copy(
            update={
                "nonce": nonce,
                "expires_at": stamp(now, self._lease_s),
                "dashboard_url": self.dashboard_url,
            }
        )

    def _keep(self, lease: Lease) -> None:
        self._lease = lease
        self._tried.clear()

    def _take_up(self) -> bool:
        """Go on from an earlier write of ours that was done though it was reported as failed; False if none was."""
        held = self._catalog.leases.get(self._lease.run_id)
        if held is None or held.nonce not in self._tried:
            return False
        self._lease = held
        return True


def is_alive(catalog: Catalog, claim: Claim, now: datetime) -> bool:
    """Whether a claim holds: its own time has not passed, or its run gives signs of life."""
    if not has_passed(claim.expires_at, now):
        return True
    lease = catalog.leases.get(claim.run_id) if claim.run_id else None
    return lease is not None and not has_passed(lease.expires_at, now)


def live_runs(catalog: Catalog, now: datetime | None = None) -> list[Lease]:
    """The leases of the workspace that have not expired, by run id."""
    now = now or datetime.now(UTC)
    return [lease for lease in catalog.leases.all() if not has_passed(lease.expires_at, now)]


def live_runs_of_store(store: ObjectStore) -> list[Lease]:
    """The leases of all workspaces that have not expired."""
    return [lease for workspace in store.folders("leases/") for lease in live_runs(Catalog(store, workspace))]


def break_lease(catalog: Catalog, run_id: str, now: datetime) -> bool:
    """See to it that a run whose lease has expired cannot renew it; False if it has renewed it.

    The lease is first changed, which fails if its owner was faster, and then removed.
    """
    lease = catalog.leases.get(run_id) if run_id else None
    if lease is None:
        return True
    if lease.expires_at:
        if not has_passed(lease.expires_at, now):
            return False
        broken = lease.model_copy(update={"nonce": new_nonce(), "expires_at": ""})
        if not catalog.leases.swap(lease, broken):
            return break_lease(catalog, run_id, now)
    catalog.leases.delete(run_id)
    return True
