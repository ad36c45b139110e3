"""Claims are written under conditions, also where the store writes and then fails to say so."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from footage.catalog_records import Claim
from footage.claim_book import ClaimBook
from footage.directory_store import DirectoryStore
from footage.record_json import to_json
from footage.storage import ObjectStore
from footage.store_address import open_store
from tests.memory_store import MemoryStore
from tests.spans import claim_of

CLAIM = claim_of("film", 2)
OTHERS = CLAIM.model_copy(update={"run_id": "run-2", "nonce": "theirs"})


def with_nonce(nonce: str, **changes: object) -> Claim:
    return CLAIM.model_copy(update={"nonce": nonce, **changes})


class AnswerLost(MemoryStore):
    """The client of this store sends each write twice, since the first answer does not come."""

    def create(self, key: str, data: bytes) -> bool:
        super().create(key, data)
        return super().create(key, data)

    def swap(self, key: str, expected: bytes, data: bytes) -> bool:
        super().swap(key, expected, data)
        return super().swap(key, expected, data)


@pytest.fixture(params=["directory", "moto"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    if request.param == "directory":
        yield DirectoryStore(tmp_path)
    else:
        server = request.getfixturevalue("moto_s3")
        yield open_store(f"s3://{server.new_bucket()}/store", server.settings)


def test_a_claim_is_taken_passed_on_and_given_free(store: ObjectStore) -> None:
    book = ClaimBook(store, "studio")
    assert (book.get(CLAIM.video_id), book.holds(CLAIM), list(book.all())) == (None, False, [])
    assert book.create(CLAIM)
    assert not book.create(OTHERS)
    assert (book.get(CLAIM.video_id), book.holds(CLAIM), book.holds(OTHERS)) == (CLAIM, True, False)

    renewed = with_nonce("again", expires_at="2026-01-01T00:00:00.000+00:00")
    assert book.swap(CLAIM, renewed)
    assert not book.swap(CLAIM, OTHERS)
    assert (list(book.all()), book.holds(CLAIM)) == ([renewed], True)
    later = with_nonce("later", generation=2)
    assert book.swap(renewed, later)
    assert (book.holds(later), book.holds(renewed)) == (True, False)

    assert list(store.list("")) == [f"claims/studio/{CLAIM.video_id}.json"]
    book.delete(CLAIM.video_id)
    assert not book.swap(later, renewed)
    assert book.get(CLAIM.video_id) is None


def test_of_many_one_takes_it_each_time(store: ObjectStore) -> None:
    book = ClaimBook(store, "studio")
    assert book.create(CLAIM)
    held = CLAIM
    for generation in range(2, 6):
        wanted = [with_nonce(f"{generation}/{number}", generation=generation) for number in range(6)]
        barrier = threading.Barrier(len(wanted))

        def contend(new: Claim, old: Claim = held, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            return book.swap(old, new)

        with ThreadPoolExecutor(len(wanted)) as pool:
            won = [new for new, is_won in zip(wanted, pool.map(contend, wanted), strict=True) if is_won]
        assert won == [book.get(CLAIM.video_id)]
        (held,) = won


def test_a_lost_answer_is_made_up_for() -> None:
    book = ClaimBook(AnswerLost(), "studio")
    assert book.create(with_nonce("a"))
    assert not book.create(with_nonce("b"))
    assert book.swap(with_nonce("a"), with_nonce("c"))
    assert not book.swap(with_nonce("a"), with_nonce("d"))
    assert book.get(CLAIM.video_id) == with_nonce("c")


def test_a_claim_of_an_older_version_can_be_taken_over() -> None:
    """It lacks the fields that are new, so its bytes are others."""
    store = MemoryStore()
    book = ClaimBook(store, "studio")
    new = {"generation", "resumes_from", "nonce", "expires_at", "purpose"}
    old = {name: value for name, value in json.loads(to_json(CLAIM)).items() if name not in new}
    store.put(f"claims/studio/{CLAIM.video_id}.json", json.dumps(old).encode())
    assert book.get(CLAIM.video_id) == CLAIM
    assert not book.swap(OTHERS, with_nonce("a"))
    assert book.swap(CLAIM, OTHERS)
    assert book.get(CLAIM.video_id) == OTHERS
