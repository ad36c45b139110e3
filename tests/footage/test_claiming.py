"""Who gets a video, and what becomes of whoever loses it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.claiming import Taken, confirm_claim, give_back, release_claim, take_claim, take_for_deletion
from footage.directory_store import DirectoryStore
from footage.errors import LeaseLost
from footage.leases import RunLease
from footage.sidecar import StoredSource
from footage.storage import ObjectStore
from footage.store_address import open_store
from footage.timestamps import stamp
from tests.memory_store import MemoryStore
from tests.spans import WORKSPACE, claim_of, manifest_of, source_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
CLAIM = claim_of("film", 2).model_copy(update={"expires_at": stamp(NOON, 60)})
NEWER = "f" * 16


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(MemoryStore(), WORKSPACE)


def wanted(run_id: str, **changes: object) -> Claim:
    return CLAIM.model_copy(update={"run_id": run_id, "expires_at": stamp(LATER, 60), **changes})


def numbers(claim: Claim) -> tuple[str, int, int]:
    return claim.run_id, claim.generation, claim.resumes_from


def test_a_free_video_is_taken_and_taken_again(catalog: Catalog) -> None:
    claim, how = take_claim(catalog, CLAIM, NOON)
    assert (claim.model_copy(update={"nonce": ""}), how) == (CLAIM, "ours")
    assert claim.nonce
    assert catalog.claims.get(CLAIM.video_id) == claim
    assert take_claim(catalog, wanted("run-1"), NOON) == Taken(claim, "ours")  # a task that Ray tries again
    copy = wanted("run-1", source=source_of("copy"))
    assert take_claim(catalog, copy, NOON) == Taken(claim, "duplicate")


def test_a_live_one_is_left_alone(catalog: Catalog) -> None:
    claim = take_claim(catalog, CLAIM, NOON).claim
    assert take_claim(catalog, wanted("run-2"), NOON) == Taken(claim, "elsewhere")
    RunLease(catalog, "run-1", "footage index", "/films", 600).take(NOON)
    assert take_claim(catalog, wanted("run-2"), LATER) == Taken(claim, "elsewhere")
    assert take_for_deletion(catalog, manifest_of(CLAIM), "gc", 60, LATER) is None
    assert catalog.claims.get(CLAIM.video_id) == claim


def test_a_dead_one_is_taken_over_and_its_run_stopped(catalog: Catalog) -> None:
    lease = RunLease(catalog, "run-1", "footage index", "/films", 60)
    lease.take(NOON)
    first = take_claim(catalog, CLAIM, NOON).claim
    second, how = take_claim(catalog, wanted("run-2"), LATER)
    assert (numbers(second), how) == (("run-2", 2, 1), "ours")
    assert catalog.claims.get(CLAIM.video_id) == second
    assert confirm_claim(catalog, first, 60, LATER) is None
    assert not release_claim(catalog, first)
    give_back(catalog, first)
    assert catalog.claims.get(CLAIM.video_id) == second
    with pytest.raises(LeaseLost):
        lease.renew(LATER)
    third = take_claim(catalog, wanted("run-3", expires_at=""), LATER + timedelta(hours=1)).claim
    assert numbers(third) == ("run-3", 3, 1)


def test_spans_of_another_pipeline_or_a_deletion_do_not_count(catalog: Catalog) -> None:
    """Between them, points of ours may have been removed."""
    take_claim(catalog, CLAIM, NOON)
    other = take_claim(catalog, wanted("run-2", pipeline_fingerprint=NEWER, expires_at=""), LATER).claim
    assert numbers(other) == ("run-2", 2, 2)
    again = take_claim(catalog, wanted("run-3", expires_at=""), LATER).claim
    assert numbers(again) == ("run-3", 3, 3)
    deletion = take_for_deletion(catalog, manifest_of(CLAIM), "gc", 0, LATER)
    assert deletion is not None
    assert numbers(deletion)[:2] == ("gc", 4)
    assert numbers(take_claim(catalog, wanted("run-4"), LATER).claim) == ("run-4", 5, 5)


def test_one_given_back_is_free_at_once(catalog: Catalog) -> None:
    RunLease(catalog, "run-1", "footage index", "/films", 600).take(NOON)
    claim = take_claim(catalog, CLAIM, NOON).claim
    give_back(catalog, claim)
    left = catalog.claims.get(CLAIM.video_id)
    assert left is not None
    assert (numbers(left), left.spans) == (("", 1, 1), CLAIM.spans)
    second, how = take_claim(catalog, wanted("run-2"), NOON)
    assert (numbers(second), how) == (("run-2", 2, 1), "ours")


def test_a_video_that_was_completed_meanwhile_is_a_duplicate(catalog: Catalog) -> None:
    catalog.create_manifest(manifest_of(CLAIM))
    assert take_claim(catalog, CLAIM, NOON).how == "duplicate"
    assert catalog.claims.get(CLAIM.video_id) is None


def test_generations_rise_past_the_manifest_of_another_pipeline(catalog: Catalog) -> None:
    catalog.create_manifest(manifest_of(CLAIM, pipeline_fingerprint=NEWER, claim_generation=7))
    claim, how = take_claim(catalog, CLAIM, NOON)
    assert (numbers(claim), how) == (("run-1", 8, 8), "ours")
    assert catalog.claims.get(CLAIM.video_id) == claim


def test_a_claim_is_confirmed_by_every_writer_of_its_run(catalog: Catalog) -> None:
    claim = take_claim(catalog, CLAIM, NOON).claim
    one = confirm_claim(catalog, claim, 60, LATER)
    assert one is not None
    assert (one.expires_at, one.nonce != claim.nonce) == (stamp(LATER, 60), True)
    other = confirm_claim(catalog, claim, 60, LATER)  # it knows the claim as it was
    assert other == catalog.claims.get(CLAIM.video_id)
    assert release_claim(catalog, claim)
    assert confirm_claim(catalog, claim, 60, LATER) is None


def test_a_deletion_has_the_claim_to_itself(catalog: Catalog) -> None:
    manifest = manifest_of(CLAIM, claim_generation=3, sources=[])
    claim = take_for_deletion(catalog, manifest, "gc", 60, NOON)
    assert claim is not None
    assert claim.model_copy(update={"nonce": ""}) == CLAIM.model_copy(
        update={
            "run_id": "gc",
            "generation": 4,
            "purpose": "delete",
            "source": StoredSource(uri="", etag="", size_bytes=0),
            "spans": [],
            "claimed_at": stamp(NOON),
        }
    )
    assert take_claim(catalog, wanted("run-2"), NOON).how == "elsewhere"
    assert take_for_deletion(catalog, manifest, "gc-2", 60, NOON) is None
    again = take_for_deletion(catalog, manifest, "gc", 60, NOON)  # of the same process
    assert again is not None
    assert again.generation == 5


@pytest.fixture(params=["directory", "moto"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    if request.param == "directory":
        yield DirectoryStore(tmp_path)
    else:
        server = request.getfixturevalue("moto_s3")
        yield open_store(f"s3://{server.new_bucket()}/store", server.settings)


def test_of_runs_that_meet_one_has_the_video(store: ObjectStore) -> None:
    """Fresh first, then taken over from dead owners again and again; each has a lease."""
    now, before = NOON, 0
    for turn in range(4):
        runs = [f"run-{turn}-{number}" for number in range(5)]
        barrier = threading.Barrier(len(runs))

        def meet(run_id: str, now: datetime = now, barrier: threading.Barrier = barrier) -> Taken:
            catalog = Catalog(store, WORKSPACE)
            RunLease(catalog, run_id, "footage index", "/films", 60).take(now)
            barrier.wait()
            return take_claim(catalog, wanted(run_id, expires_at=stamp(now, 60)), now)

        with ThreadPoolExecutor(len(runs)) as pool:
            taken = list(pool.map(meet, runs))
        (ours,) = [one.claim for one in taken if one.how == "ours"]
        assert {one.how for one in taken} == {"ours", "elsewhere"}
        assert Catalog(store, WORKSPACE).claims.get(CLAIM.video_id) == ours
        assert ours.generation == before + 1
        now, before = now + timedelta(minutes=5), ours.generation
