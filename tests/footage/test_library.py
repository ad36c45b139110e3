"""What the library shows, with a clock that tests set."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from footage.catalog import Catalog
from footage.catalog_records import Lease, RunCounts
from footage.errors import SettingsError
from footage.library import LibraryEntry, library_page, running_jobs
from footage.quarantine import quarantine_record
from footage.sidecar import QuarantineRecord
from footage.store_reads import StoreReads
from footage.timestamps import stamp
from tests.memory_store import MeetingReads, MemoryStore
from tests.spans import FINGERPRINT, READ_AT, WORKSPACE, claim_of, manifest_of, source_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
COUNTS = RunCounts(
    videos_found=8, videos_done=3, videos_quarantined=1, media_s=61.5, bytes_done=3000, bytes_total=12000
)


class Reading(MemoryStore):
    """Counts what is read and listed, by the first part of the keys."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.listed: list[str] = []

    def get(self, key: str) -> bytes:
        self.read.append(key.partition("/")[0])
        return super().get(key)

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        self.listed.append(prefix.partition("/")[0])
        return super().list(prefix, after)


@pytest.fixture
def store() -> Reading:
    return Reading()


@pytest.fixture
def catalog(store: Reading) -> Catalog:
    return Catalog(store, WORKSPACE)


def lease(catalog: Catalog, run_id: str, expires_s: float = 60, **changes: Any) -> None:
    fields = {
        "run_id": run_id,
        "workspace": WORKSPACE,
        "what": "footage index /films",
        "source": "/films",
        "host": "studio",
        "pid": 1,
        "nonce": run_id,
        "started_at": stamp(NOON),
        "expires_at": stamp(NOON, expires_s),
    }
    assert catalog.leases.create(Lease.model_validate(fields | changes))


def claim(catalog: Catalog, name: str, **changes: Any) -> str:
    claimed = claim_of(name, 1).model_copy(update=changes)
    assert catalog.claims.create(claimed)
    return claimed.video_id


def index(catalog: Catalog, name: str, span_count: int = 1, **changes: Any) -> str:
    claimed = claim_of(name, span_count)
    assert catalog.create_manifest(manifest_of(claimed, **changes))
    for index in range(span_count):
        catalog.store.put(f"videos/{WORKSPACE}/{claimed.video_id}/spans/{index}.json", b"")
    catalog.record_source(claimed.video_id, claimed.source, FINGERPRINT, None, READ_AT)
    return claimed.video_id


def fail(
    catalog: Catalog, name: str, span: int | None = None, video_id: str | None = None, dataset: str | None = None
) -> QuarantineRecord:
    source = source_of(name)
    return catalog.put_quarantine(
        quarantine_record(
            "run-9", WORKSPACE, source, video_id, span, "truncated_video", "Cut off.", FINGERPRINT, dataset
        )
    )


def pages(catalog: Catalog, limit: int, **asked: Any) -> Iterator[list[LibraryEntry]]:
    position = None
    while True:
        entries, position = library_page(catalog, StoreReads(catalog.store), NOON, position, limit, **asked)
        assert len(entries) <= limit
        yield entries
        if position is None:
            return


def shown(catalog: Catalog, limit: int = 50, **asked: Any) -> list[tuple[str, str]]:
    return [(entry.state, entry.name) for page in pages(catalog, limit, **asked) for entry in page]


def test_an_empty_library(catalog: Catalog) -> None:
    assert library_page(catalog, StoreReads(catalog.store), NOON) == ([], None)


def test_what_is_known_of_each(catalog: Catalog) -> None:
    lease(catalog, "run-1")
    running = claim(catalog, "now")
    done = index(catalog, "done", datasets=["pilots"])
    record = fail(catalog, "bad", span=2, video_id=claim_of("bad", 3).video_id)
    entries, position = library_page(catalog, StoreReads(catalog.store), NOON)
    assert position is None
    assert entries == [
        LibraryEntry("running", "now.mp4", ("file:///films/now.mp4",), running, 10.0, run_id="run-1"),
        LibraryEntry("quarantined", "bad.mp4", ("file:///films/bad.mp4",), record.video_id, problem=record),
        LibraryEntry("indexed", "done.mp4", ("file:///films/done.mp4",), done, 10.0, catalog.manifest(done)),
    ]
    assert [entry.next_step() for entry in entries] == [
        "",
        "Copy the file again and index it again, or `footage retry`.",
        "",
    ]
    assert "After 1 tries `footage retry` leaves it out" in entries[1].next_step(max_attempts=1)


def test_pages_of_any_size_give_the_same_once(catalog: Catalog) -> None:
    lease(catalog, "run-1")
    for number in range(5):
        index(catalog, f"done-{number}", span_count=3)
        claim(catalog, f"now-{number}")
        fail(catalog, f"bad-{number}")
    whole = shown(catalog)
    assert [state for state, _ in whole] == ["running"] * 5 + ["quarantined"] * 5 + ["indexed"] * 5
    assert len({name for _, name in whole}) == 15
    for limit in (1, 2, 5, 7, 14, 15, 16):
        assert shown(catalog, limit) == whole
    for state in ("running", "quarantined", "indexed"):
        assert shown(catalog, 2, state=state) == [each for each in whole if each[0] == state]


def test_a_page_reads_what_it_shows(catalog: Catalog, store: Reading) -> None:
    for number in range(30):
        index(catalog, f"done-{number}")
    first, position = library_page(catalog, StoreReads(catalog.store), NOON, limit=10)
    store.read.clear()
    entries, _ = library_page(catalog, StoreReads(catalog.store), NOON, position, limit=10)
    assert len({entry.video_id for entry in first + entries}) == 20
    assert len(store.read) <= 11  # one more tells that there is another page


def test_what_concerns_all_of_a_page_is_read_once(catalog: Catalog, store: Reading) -> None:
    lease(catalog, "run-1")
    for number in range(5):
        index(catalog, f"done-{number}")
        claim(catalog, f"now-{number}")
        fail(catalog, f"bad-{number}", video_id=claim(catalog, f"tried-{number}"))
    store.read.clear()
    store.listed.clear()
    assert len(library_page(catalog, StoreReads(store), NOON)[0]) == 15
    assert store.read.count("leases") == 1
    assert [store.listed.count(part) for part in ("leases", "quarantine", "claims")] == [1, 1, 1]


def test_videos_are_looked_at_at_once_where_the_store_is_a_bucket() -> None:
    store = MeetingReads()
    catalog = Catalog(store, WORKSPACE)
    for number in range(6):
        index(catalog, f"done-{number}")
    store.expect(3)
    with StoreReads(store, threads=3) as reads:
        assert len(library_page(catalog, reads, NOON)[0]) == 6


def test_what_runs_is_claimed_by_a_run_that_lives(catalog: Catalog) -> None:
    lease(catalog, "alive")
    lease(catalog, "dead", expires_s=0)
    claim(catalog, "mine", run_id="alive")
    claim(catalog, "killed", run_id="dead")
    claim(catalog, "forgotten", run_id="gone")
    claim(catalog, "given back", run_id="")
    claim(catalog, "for a moment", run_id="gone", expires_at=stamp(NOON, 1))
    claim(catalog, "to be deleted", run_id="alive", purpose="delete")
    assert sorted(shown(catalog)) == [("running", "for a moment.mp4"), ("running", "mine.mp4")]
    assert sorted(shown(catalog, 1, state="running")) == sorted(shown(catalog))


def test_a_video_that_is_indexed_anew_can_be_searched_meanwhile(catalog: Catalog) -> None:
    lease(catalog, "run-1")
    index(catalog, "film")
    claim(catalog, "film")
    assert shown(catalog) == [("indexed", "film.mp4")]


def test_a_video_that_no_source_has_is_not_shown(catalog: Catalog) -> None:
    index(catalog, "film", sources=[])
    assert shown(catalog) == []


def test_a_video_that_has_spans_only_is_not_indexed(catalog: Catalog, store: Reading) -> None:
    video_id = claim_of("begun", 1).video_id
    store.put(f"videos/{WORKSPACE}/{video_id}/spans/0.json", b"")
    done = index(catalog, "done", span_count=3)
    assert list(catalog.video_ids()) == sorted([video_id, done])
    assert list(catalog.video_ids(min(video_id, done))) == [max(video_id, done)]
    assert shown(catalog) == [("indexed", "done.mp4")]


def test_a_source_is_in_quarantine_once_whatever_of_it_failed(catalog: Catalog) -> None:
    video_id = claim_of("long", 9).video_id
    first = fail(catalog, "long", span=3, video_id=video_id)
    fail(catalog, "long", span=7, video_id=video_id)
    assert [entry.problem for page in pages(catalog, 1) for entry in page] == [first]
    whole = fail(catalog, "long")
    assert [entry.problem for page in pages(catalog, 1) for entry in page] == [whole]


def test_an_indexed_video_that_a_later_run_failed_on_is_indexed_and_says_so(catalog: Catalog) -> None:
    video_id = index(catalog, "film", span_count=3)
    record = fail(catalog, "film", span=1, video_id=video_id)
    (entry,) = library_page(catalog, StoreReads(catalog.store), NOON)[0]
    assert (entry.state, entry.problem) == ("indexed", record)
    assert shown(catalog, state="quarantined") == []
    # a file that is gone has no id, but the video of its URI is there
    catalog.delete_quarantine("file:///films/film.mp4", 3)
    record = fail(catalog, "film")
    (entry,) = library_page(catalog, StoreReads(catalog.store), NOON)[0]
    assert (entry.state, entry.problem) == ("indexed", record)


def test_a_video_that_is_tried_again_runs(catalog: Catalog) -> None:
    lease(catalog, "run-1")
    fail(catalog, "film", span=0, video_id=claim(catalog, "film"))
    assert shown(catalog) == [("running", "film.mp4")]
    catalog.leases.delete("run-1")
    assert shown(catalog) == [("quarantined", "film.mp4")]


def test_names_and_datasets(catalog: Catalog) -> None:
    lease(catalog, "run-1")
    claim(catalog, "Red car now")
    fail(catalog, "red car bad", dataset="pilots")
    fail(catalog, "red car worse")
    for name in ("A red car", "a blue car", "CARED"):
        video_id = index(catalog, name)
        if name != "CARED":
            catalog.datasets.add("pilots", video_id, None)
    assert sorted(shown(catalog, 1, name="RED")) == [
        ("indexed", "A red car.mp4"),
        ("indexed", "CARED.mp4"),
        ("quarantined", "red car bad.mp4"),
        ("quarantined", "red car worse.mp4"),
        ("running", "Red car now.mp4"),
    ]
    assert shown(catalog, 1, name="red", dataset="pilots") == [
        ("quarantined", "red car bad.mp4"),
        ("indexed", "A red car.mp4"),
    ]
    assert len(shown(catalog, 1, dataset="pilots", state="indexed")) == 2
    assert shown(catalog, dataset="none") == []


def test_a_rare_name_is_looked_for_page_by_page(catalog: Catalog) -> None:
    for number in range(11):
        index(catalog, f"film-{number}")
    found = list(pages(catalog, 50, name="film-3", most_looked_at=4))
    assert [len(page) for page in found if page] == [1]
    assert len(found) == 3


@pytest.mark.parametrize("position", ["", "x", "indexed:", "indexed:../../x", "gone:" + claim_of("film", 1).video_id])
def test_what_is_no_position_is_refused(catalog: Catalog, position: str) -> None:
    with pytest.raises(SettingsError, match="is no position in the library"):
        library_page(catalog, StoreReads(catalog.store), NOON, position)


def test_a_dataset_that_cannot_be_one_is_refused(catalog: Catalog) -> None:
    with pytest.raises(SettingsError, match=r"The dataset '\.\./x' cannot be used"):
        library_page(catalog, StoreReads(catalog.store), NOON, dataset="../x")


def test_other_workspaces_are_not_seen(catalog: Catalog, store: Reading) -> None:
    lease(catalog, "run-1", counts=COUNTS)
    claim(catalog, "now")
    index(catalog, "done")
    fail(catalog, "bad")
    for workspace in ("studio2", "studi"):
        other = Catalog(store, workspace)
        assert library_page(other, StoreReads(store), NOON) == ([], None)
        assert running_jobs(other, NOON) == []


def test_jobs_are_runs_that_live_with_their_progress(catalog: Catalog) -> None:
    lease(catalog, "run-2", started_at=stamp(NOON, -10), counts=COUNTS)
    lease(catalog, "run-1", started_at=stamp(NOON, -5))
    lease(catalog, "run-3", expires_s=-1)
    nothing = COUNTS.model_copy(update={"bytes_total": 0})
    lease(catalog, "run-4", started_at=stamp(NOON, -1), counts=nothing)
    jobs = running_jobs(catalog, NOON + timedelta(seconds=1))
    assert [(job.run_id, job.counts, job.share) for job in jobs] == [
        ("run-2", COUNTS, 0.25),
        ("run-1", None, None),
        ("run-4", nothing, None),
    ]
    assert (jobs[0].what, jobs[0].source, jobs[0].started_at) == ("footage index /films", "/films", stamp(NOON, -10))
