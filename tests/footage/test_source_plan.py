"""A plan is held against what plain lists and sets would say."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footage import identity
from footage.errors import StoreError
from footage.records import Source
from footage.sidecar import stored_source
from footage.source_book import EXPECTED, KnownSource
from footage.source_plan import PlanCounts, SourcePlan

PROJECT = Path(__file__).parents[2]
FINGERPRINT = "f1"


def known(source: Source, fingerprint: str = FINGERPRINT, video_id: str = "v1") -> KnownSource:
    state = identity.source_state(source.etag, source.size_bytes, fingerprint)
    return KnownSource(identity.uri_hash(source.uri), state, video_id)


def expected(source: Source) -> KnownSource:
    return KnownSource(identity.uri_hash(source.uri), EXPECTED, "v1")


def planned(plan: SourcePlan, size: int = 1000) -> list[Source]:
    return [source for tranche in plan.tranches(size) for source in tranche]


def in_working_order(sources: list[Source]) -> list[Source]:
    if not sources:
        return []
    by_size = sorted(sources, key=lambda source: (source.size_bytes, source.uri))
    first = next((source for source in by_size if source.size_bytes > 0), by_size[0])
    return [first, *(source for source in reversed(by_size) if source is not first)]


def test_a_small_video_comes_first_then_the_largest() -> None:
    with SourcePlan(FINGERPRINT) as plan:
        plan.add(Source(f"file:///{size}.mp4", "e", size) for size in (5, 0, 9, 3, 7))
        assert [source.size_bytes for source in planned(plan, 2)] == [3, 9, 7, 5, 0]


A, B, C, D = (Source(f"s3://films/{name}.mp4", f'"{name}1"', 10) for name in "abcd")
CHANGED = Source(A.uri, '"a2"', 10)


@pytest.mark.parametrize(
    ("before", "source", "counts"),
    [
        ([], A, PlanCounts(found=1, to_do=1, bytes_to_do=10)),
        ([known(A)], A, PlanCounts(found=1, skipped=1)),
        ([known(A)], CHANGED, PlanCounts(found=1, to_do=1, bytes_to_do=10)),
        ([known(A)], Source(A.uri, A.etag, 11), PlanCounts(found=1, to_do=1, bytes_to_do=11)),
        ([known(A, "f0")], A, PlanCounts(found=1, to_do=1, bytes_to_do=10)),
        ([known(A), known(CHANGED)], A, PlanCounts(found=1, to_do=1, bytes_to_do=10)),
        ([known(A), expected(A)], A, PlanCounts(found=1, to_do=1, bytes_to_do=10)),
        ([expected(A)], A, PlanCounts(found=1, to_do=1, bytes_to_do=10)),
    ],
)
def test_what_is_as_it_was_is_skipped(before: list[KnownSource], source: Source, counts: PlanCounts) -> None:
    with SourcePlan(FINGERPRINT, before) as plan:
        plan.add([source])
        assert plan.counts == counts
        assert planned(plan) == [source] * counts.to_do


@pytest.mark.parametrize(
    ("before", "counts"),
    [
        ([], PlanCounts(found=1, left_out=1)),
        ([expected(A)], PlanCounts(found=1, left_out=1)),
        ([known(A)], PlanCounts(found=1, skipped=1)),
        ([known(A, "f0")], PlanCounts(found=1, to_do=1, bytes_to_do=10)),
        ([known(A, "f0"), expected(A)], PlanCounts(found=1, to_do=1, bytes_to_do=10)),
    ],
)
def test_only_what_was_indexed_before(before: list[KnownSource], counts: PlanCounts) -> None:
    with SourcePlan(FINGERPRINT, before, only_known=True) as plan:
        plan.add([A])
        assert plan.counts == counts


def test_what_failed_is_left_in_quarantine_until_it_changes() -> None:
    with SourcePlan(FINGERPRINT, failed=[stored_source(A), stored_source(A), stored_source(B)]) as plan:
        plan.add([CHANGED, B, C])
        assert plan.counts == PlanCounts(found=3, in_quarantine=1, to_do=2, bytes_to_do=20)
        assert planned(plan) == [CHANGED, C]
        assert [plan.concerns(source.uri) for source in (A, B, C, D)] == [True, True, True, False]


def test_skipped_videos_that_the_dataset_has_not_got_are_to_be_referenced() -> None:
    before = [known(A, video_id="v1"), known(B, video_id="v2"), known(C, "f0", video_id="v3"), known(D, video_id="v2")]
    with SourcePlan(FINGERPRINT, before, in_dataset=["v1", "v1", "v9"]) as plan:
        plan.add([A, B, C, D])
        assert plan.counts == PlanCounts(found=4, skipped=3, to_do=1, to_reference=2, bytes_to_do=10)
        assert list(plan.to_reference()) == [(B.uri, "v2"), (D.uri, "v2")]


def test_no_references_without_a_dataset() -> None:
    with SourcePlan(FINGERPRINT, [known(A)]) as plan:
        plan.add([A])
        assert list(plan.to_reference()) == []


@pytest.mark.parametrize(
    ("sizes", "order"), [([0, 0], [0, 0]), ([0, 5, 9, 2, 9], [2, 9, 9, 5, 0]), ([7], [7]), ([], [])]
)
def test_one_small_video_first_then_the_largest_across_tranches(sizes: list[int], order: list[int]) -> None:
    with SourcePlan(FINGERPRINT) as plan:
        plan.add(Source(f"{number}", "e", size) for number, size in enumerate(sizes))
        for size in (1, 2, 100):
            tranches = list(plan.tranches(size))
            assert [source.size_bytes for tranche in tranches for source in tranche] == order
            assert all(len(tranche) == size for tranche in tranches[:-1])


def test_the_plan_can_be_asked_between_tranches() -> None:
    with SourcePlan(FINGERPRINT) as plan:
        plan.add([A, B, C])
        tranches = plan.tranches(1)
        assert [source for tranche in tranches for source in tranche if plan.concerns(source.uri)] == [A, C, B]


def test_names_that_are_not_utf8_survive() -> None:
    odd = Source("s3://films/\udcff?#%.mp4", '"\udce9"', 1)
    with SourcePlan(FINGERPRINT, [known(A)], in_dataset=[]) as plan:
        plan.add([odd])
        assert planned(plan) == [odd]
        assert plan.concerns(odd.uri)
    with SourcePlan(FINGERPRINT, [known(odd)], in_dataset=[]) as plan:
        plan.add([odd])
        assert list(plan.to_reference()) == [(odd.uri, "v1")]


URIS = st.sampled_from(["a", "b", "é", "\udcff", "\ufffd", "😀", "a/b", ""]).map("s3://films/{}".format)
SOURCES = st.builds(Source, URIS, st.sampled_from(["e1", "e2"]), st.integers(0, 3))
VIDEOS = st.sampled_from(["v1", "v2", "v3"])
BOOK = st.one_of(
    st.builds(known, SOURCES, st.sampled_from([FINGERPRINT, "f0"]), VIDEOS),
    st.builds(expected, SOURCES),
)


@given(
    listed=st.lists(SOURCES, unique_by=lambda source: source.uri),
    book=st.lists(BOOK),
    failed=st.lists(SOURCES),
    in_dataset=st.none() | st.sets(VIDEOS),
    only_known=st.booleans(),
    size=st.integers(1, 4),
)
@settings(deadline=None)
def test_plans_are_what_lists_and_sets_would_say(
    listed: list[Source],
    book: list[KnownSource],
    failed: list[Source],
    in_dataset: set[str] | None,
    only_known: bool,
    size: int,
) -> None:
    skipped, in_quarantine, left_out, to_do = [], [], [], []
    for source in listed:
        records = [entry for entry in book if entry.uri_hash == identity.uri_hash(source.uri)]
        if [entry.state for entry in records] == [known(source).state]:
            skipped.append((source, records[0].video_id))
        elif source in failed:
            in_quarantine.append(source)
        elif only_known and (not records or [entry.state for entry in records] == [EXPECTED]):
            left_out.append(source)
        else:
            to_do.append(source)
    lacking = [(source.uri, id_) for source, id_ in skipped if in_dataset is not None and id_ not in in_dataset]

    with SourcePlan(FINGERPRINT, book, map(stored_source, failed), in_dataset, only_known) as plan:
        plan.add(iter(listed))
        assert plan.counts == PlanCounts(
            found=len(listed),
            skipped=len(skipped),
            in_quarantine=len(in_quarantine),
            to_do=len(to_do),
            left_out=len(left_out),
            to_reference=len(lacking),
            bytes_to_do=sum(source.size_bytes for source in to_do),
        )
        assert planned(plan, size) == in_working_order(to_do)
        assert list(plan.to_reference()) == lacking
        assert [plan.concerns(source.uri) for source in listed] == [
            source in to_do or source in in_quarantine for source in listed
        ]


def test_an_error_of_the_listing_comes_through() -> None:
    def listing() -> Iterator[Source]:
        yield A
        raise StoreError("The bucket films does not answer.")

    with SourcePlan(FINGERPRINT) as plan, pytest.raises(StoreError, match="The bucket films does not answer"):
        plan.add(listing())


def test_the_plan_leaves_nothing_even_if_its_process_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, signal\n"
        "from footage.records import Source; from footage.source_plan import SourcePlan\n"
        "plan = SourcePlan('f1')\n"
        "plan.add(Source(f's3://films/{number}' * 20, 'e', 1) for number in range(50_000))\n"
        "print(plan.counts.to_do, flush=True)\n"
        "print(os.listdir(os.environ['SQLITE_TMPDIR']), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={**os.environ, "SQLITE_TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert child.stdout.splitlines() == ["50000", "[]"]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_in_a_sentence() -> None:
    program = (
        "import resource, sys\n"
        "from footage.errors import StoreError\n"
        "from footage.records import Source; from footage.source_plan import SourcePlan\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "plan = SourcePlan('f1')\n"
        "try:\n"
        "    plan.add(Source(f's3://films/{number}' * 20, 'e', 1) for number in range(100_000))\n"
        "except StoreError as error:\n"
        "    print(error)\n"
    )
    child = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)
    assert child.stdout.startswith("The plan of the run cannot be kept among temporary files: ")
    assert "TMPDIR" in child.stdout
