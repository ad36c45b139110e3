"""Runs and re-indexing keep off each other, in whatever workspace."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.errors import IndexBusy
from footage.leases import RunLease
from footage.reindex_guard import WORKSPACE, new_reindex_id, refuse_during_reindex, refuse_live_runs


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


def lease(store: DirectoryStore, workspace: str, run_id: str, what: str) -> RunLease:
    return RunLease(Catalog(store, workspace), run_id, what, "", lease_s=60)


def test_runs_are_refused_while_an_index_is_rebuilt(store: DirectoryStore) -> None:
    refuse_during_reindex(store)
    rebuilding = lease(store, WORKSPACE, new_reindex_id(), "footage reindex")
    rebuilding.take(datetime.now(UTC))
    with pytest.raises(
        IndexBusy,
        match=r"The index of .*/store is being rebuilt by `footage reindex` \(pid \d+, since .*\)\. Wait for it to end",
    ):
        refuse_during_reindex(store)
    rebuilding.release()
    refuse_during_reindex(store)


def test_what_is_left_of_a_killed_rebuild_counts_until_its_lease_ends(store: DirectoryStore) -> None:
    lease(store, WORKSPACE, new_reindex_id(), "footage reindex").take(datetime.now(UTC) - timedelta(seconds=61))
    refuse_during_reindex(store)
    refuse_live_runs(store, new_reindex_id())


def test_a_workspace_may_have_the_same_name(store: DirectoryStore) -> None:
    lease(store, WORKSPACE, "20250101T000000-abcdef", "footage index films").take(datetime.now(UTC))
    refuse_during_reindex(store)


@pytest.mark.parametrize("workspace", ["home", "away", WORKSPACE])
def test_a_rebuild_is_refused_while_anything_is_at_work(store: DirectoryStore, workspace: str) -> None:
    own = new_reindex_id()
    lease(store, WORKSPACE, own, "footage reindex").take(datetime.now(UTC))
    refuse_live_runs(store, own)
    run = lease(store, workspace, "20250101T000000-abcdef", "footage delete films")
    run.take(datetime.now(UTC))
    with pytest.raises(IndexBusy, match=r"^`footage delete films` \(pid \d+, since .*\) works on .*/store, and what"):
        refuse_live_runs(store, own)
    run.release()
    refuse_live_runs(store, own)
