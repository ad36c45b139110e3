"""Runs and re-indexing keep off each other: what is written while an index is rebuilt would be lost.

Each takes its lease first and looks for the other's then, so of two that start at once at least one sees the other.
"""

from datetime import UTC, datetime

from footage.catalog import Catalog
from footage.catalog_records import Lease
from footage.errors import IndexBusy
from footage.leases import live_runs, live_runs_of_store, new_run_id
from footage.ownership import Owner
from footage.storage import ObjectStore

WORKSPACE = "_reindex"  # the leases of re-indexing lie here, as it works on the index of all workspaces
_RUN_PREFIX = "reindex-"  # tells them from those of runs, should a workspace have this name


def new_reindex_id() -> str:
    """For the lease of a re-indexing."""
    return _RUN_PREFIX + new_run_id(datetime.now(UTC))


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
    for lease in live_runs_of_store(store):
        if lease.run_id != own_id:
            raise IndexBusy(
                f"{_owner(lease)} works on {store.address}, and what it writes while the index is rebuilt would be"
                f" lost. Wait for it to end and try again (if it was killed: until {_clock(lease.expires_at)})."
            )


def _owner(lease: Lease) -> Owner:
    return Owner(lease.what, lease.pid, lease.host, lease.started_at)


def _clock(time: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S")
