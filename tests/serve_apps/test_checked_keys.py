import threading
from concurrent.futures import Future
from datetime import UTC, datetime

import pytest

from footage.api_keys import ApiKey, KeyBook
from footage.errors import StoreUnavailable
from serve_apps.checked_keys import CheckedKeys
from tests.memory_store import MemoryStore

GOOD_FOR_S = 5.0
PATIENCE_S = 10.0  # of these tests, on a machine that does much else


class SlowBook(KeyBook):
    """Answers as soon as it may, with what the store had when it was asked."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.asked = threading.Semaphore(0)
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.fails = False

    def get(self, key_id: str) -> ApiKey | None:
        held, fails = super().get(key_id), self.fails
        self.asked.release()
        assert self.may_answer.wait(PATIENCE_S)
        if fails:
            raise StoreUnavailable("away")
        return held


class Desk:
    """Keys in a slow book, one of which was just looked up, and a clock that stands."""

    def __init__(self) -> None:
        store = MemoryStore()
        self.now_s = 100.0
        self.book = KeyBook(store)
        self.slow = SlowBook(store)
        self.key = self.book.create("studio", "reader", datetime.now(UTC)).key
        self.checked = CheckedKeys(self.slow, GOOD_FOR_S, lambda: self.now_s)
        assert self.look_up() == self.key
        self.was_asked()

    @property
    def remembered(self) -> tuple[ApiKey | None] | None:
        return self.checked.remembered(self.key.key_id)

    def look_up(self) -> ApiKey | None:
        return self.checked.look_up(self.key.key_id).result(PATIENCE_S)

    def forget(self) -> None:
        self.checked.forget(self.key.key_id)

    def revoked_during_a_look(self) -> "Future[ApiKey | None]":
        """A look that found the key, which is then revoked; it ends when the book may answer."""
        self.forget()
        self.slow.may_answer.clear()
        look = self.checked.look_up(self.key.key_id)
        self.was_asked()
        self.book.revoke(self.key.key_id, datetime.now(UTC))
        return look

    def was_asked(self) -> None:
        """Once more, and no more than that."""
        assert self.slow.asked.acquire(timeout=PATIENCE_S)
        assert not self.slow.asked.acquire(blocking=False)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_those_who_ask_at_once_cost_one_look(desk: Desk) -> None:
    desk.forget()
    desk.slow.may_answer.clear()
    asked = [desk.checked.look_up(desk.key.key_id) for _ in range(5)]
    desk.slow.may_answer.set()
    assert [each.result(PATIENCE_S) for each in asked] == [desk.key] * 5
    desk.was_asked()


def test_a_key_in_use_is_looked_up_before_its_time_is_over_and_nobody_waits(desk: Desk) -> None:
    desk.now_s += 0.49 * GOOD_FOR_S
    desk.slow.may_answer.clear()
    assert desk.remembered == (desk.key,)
    desk.now_s += 0.02 * GOOD_FOR_S
    assert [desk.remembered for _ in range(5)] == [(desk.key,)] * 5  # the store has not answered yet
    desk.was_asked()
    desk.slow.may_answer.set()
    assert desk.look_up() == desk.key
    desk.now_s += 0.6 * GOOD_FOR_S  # more than its time since the first look
    assert desk.remembered == (desk.key,)


def test_a_key_that_was_revoked_elsewhere_counts_no_longer_than_it_may(desk: Desk) -> None:
    desk.book.revoke(desk.key.key_id, datetime.now(UTC))
    desk.slow.may_answer.clear()
    desk.now_s += 0.9 * GOOD_FOR_S
    assert desk.remembered == (desk.key,)
    desk.now_s += 0.1 * GOOD_FOR_S
    assert desk.remembered is None
    desk.slow.may_answer.set()
    assert desk.look_up() == desk.book.get(desk.key.key_id)


def test_nobody_joins_a_look_that_would_tell_of_too_long_ago(desk: Desk) -> None:
    slow = desk.revoked_during_a_look()
    desk.now_s += GOOD_FOR_S
    desk.slow.may_answer.set()
    assert desk.look_up() == desk.book.get(desk.key.key_id)
    assert slow.result(PATIENCE_S) == desk.key


def test_a_look_that_began_before_a_key_was_changed_here_counts_no_more(desk: Desk) -> None:
    before = desk.revoked_during_a_look()
    desk.forget()
    desk.slow.may_answer.set()
    assert before.result(PATIENCE_S) == desk.key
    assert desk.remembered is None
    assert desk.look_up() == desk.book.get(desk.key.key_id)


def test_where_the_store_fails_the_next_who_needs_the_key_is_told(desk: Desk) -> None:
    desk.now_s += 0.5 * GOOD_FOR_S
    desk.slow.fails = True
    assert desk.remembered == (desk.key,)
    desk.was_asked()
    desk.now_s += 0.5 * GOOD_FOR_S
    assert desk.remembered is None
    with pytest.raises(StoreUnavailable):
        desk.look_up()
    desk.slow.fails = False
    assert desk.look_up() == desk.key


def test_made_up_keys_push_no_good_one_out_and_are_not_looked_up_ahead(desk: Desk) -> None:
    made_up = [f"{number:016x}" for number in range(10_500)]
    for key_id in made_up:
        desk.checked.look_up(key_id).result(PATIENCE_S)
        desk.was_asked()
    desk.now_s += 0.5 * GOOD_FOR_S
    assert [desk.checked.remembered(made_up[number]) for number in (-1, 1)] == [(None,), None]
    assert desk.remembered == (desk.key,)
    desk.was_asked()
