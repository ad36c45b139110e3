import threading
from pathlib import Path

import pytest

from footage.directory_store import DirectoryStore
from footage.errors import StoreUnavailable
from footage.store_reads import StoreReads
from tests.memory_store import MemoryStore


class Bucket(MemoryStore):
    """A store that is called as one in a bucket is."""

    address = "s3://bucket"


def test_requests_to_a_bucket_are_under_way_at_once() -> None:
    reads = StoreReads(Bucket(), threads=3)
    together = threading.Barrier(3, timeout=10)  # breaks unless three wait at it

    def read(number: int) -> int:
        together.wait()
        return number

    assert reads.all([lambda n=n: read(n) for n in range(6)]) == list(range(6))
    reads.close()
    reads.close()


def test_files_are_read_where_they_are_asked_for(tmp_path: Path) -> None:
    reads = StoreReads(DirectoryStore(tmp_path))
    assert set(reads.all([threading.get_ident] * 5)) == {threading.get_ident()}


def test_a_failure_is_raised_and_what_was_not_begun_is_left() -> None:
    before = set(threading.enumerate())
    reads = StoreReads(Bucket(), threads=1)
    read: list[int] = []

    def failing() -> None:
        raise StoreUnavailable("It does not answer.")

    def begun() -> None:
        read.append(1)

    with pytest.raises(StoreUnavailable):
        reads.all([failing, *[begun] * 100])
    assert len(read) < 100
    reads.close()
    assert not [one for one in set(threading.enumerate()) - before if one.name.startswith("store-reads")]
