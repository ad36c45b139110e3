"""Runs and re-indexing keep off each other: what is written while an index is rebuilt would be lost.

Each takes its lease first and looks for the other's then, so of two that start at once at least one sees the other.
"""

import secrets
from datetime import UTC, datetime

from footage.catalog import Catalog
from footage.catalog_records import Lease
from footage.errors import IndexBusy
from footage.leases import live_runs
from footage.ownership import Owner
from footage.storage import ObjectStore

WORKSPACE = "_reindex"  # the leases of re-indexing lie here, as it works on the index of all workspaces
_RUN_PREFIX = "reindex-"  # tells them from those of runs, should a workspace have this name


def new_run_id() -> str:
    """For the lease of a re-indexing."""
    return f"{_RUN_PREFIX}{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def refuse_during_reindex(store: ObjectStore) -> None:
    """Let a run go on, or anything else that writes, that has taken its lease.

    Raises:
        IndexBusy: the index of the store is being rebuilt; the message says by whom.
    """
    for lease in live_runs(Catalog(store, WORKSPACE)):
        if lease.run_id.startswith(_RUN_PREFIX):
            raise IndexBusy(
                f"The index of {store.address} is being rebuilt by {_owner(lease)}. Wait for it to end and try again"
                f" (if it was killed: until {_clock(lease.expires_at)})."
            )


def refuse_live_runs(store: ObjectStore, own_id: str) -> None:
    """Let a re-indexing go on that has taken the lease `own_id`.

    Raises:
        IndexBusy: a run, a deletion or another re-indexing is at work in some workspace; the message says which.
    """
    for workspace in store.folders("leases/"):
        for lease in live_runs(Catalog(store, workspace)):
            if lease.run_id != own_id:
                raise IndexBusy(
                    f"{_owner(lease)} works on {store.address}, and what it writes while the index is rebuilt would be"
                    f" lost. Wait for it to end and try again (if it was killed: until {_clock(lease.expires_at)})."
                )


def _owner(lease: Lease) -> Owner:
    return Owner(lease.what, lease.pid, lease.host, lease.started_at)


def _clock(time: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S")
