"""Files that are still being written wait; times are given, nobody sleeps."""

from footage.local_sources import MISSING_ETAG
from footage.records import Source
from footage.settling import Settling

NOW = 1_900_000_000.0


def file(modified_s: float, size_bytes: int = 10, name: str = "a") -> Source:
    return Source(f"file:///films/{name}.mp4", f"{int(modified_s * 1e9):x}-{size_bytes:x}", size_bytes)


def test_a_file_is_taken_when_nothing_was_written_to_it_for_a_while() -> None:
    settling = Settling(settle_s=5)
    old, young = file(NOW - 5), file(NOW - 4, name="b")

    assert list(settling.settled([old, young], NOW)) == [old]
    assert settling.waiting == 1
    assert list(settling.settled([young], NOW + 1)) == [young]
    assert settling.waiting == 0


def test_a_file_that_changed_between_two_looks_waits_for_another() -> None:
    settling = Settling(settle_s=5)
    assert list(settling.settled([file(NOW - 1, 10)], NOW)) == []

    grown = file(NOW - 1, 20)  # whose time was set back to that of its original, as `cp -p` does
    assert list(settling.settled([grown], NOW + 60)) == []
    assert list(settling.settled([grown], NOW + 120)) == [grown]


def test_a_file_of_a_clock_that_is_ahead_is_taken_when_it_did_not_change() -> None:
    settling = Settling(settle_s=5)
    ahead, gone = file(NOW + 3600), Source("file:///films/gone.mp4", MISSING_ETAG, 0)

    assert list(settling.settled([ahead, gone], NOW)) == []
    assert list(settling.settled([ahead, gone], NOW + 60)) == [ahead, gone]


def test_objects_are_whole_when_they_are_there() -> None:
    source = Source("s3://archive/a.mp4", "etag", 10)

    assert list(Settling(settle_s=5).settled([source], NOW)) == [source]
