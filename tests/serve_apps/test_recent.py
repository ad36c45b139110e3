import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from serve_apps.recent import Recent

LONG_S = 1000.0


class Looking:
    """Counts looks; each waits until it may go on."""

    def __init__(self) -> None:
        self.count = 0
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> int:
        self.count += 1
        self.begun.set()
        assert self.may_end.wait(10)
        return self.count


def counting(looks: list[str], key: str) -> int:
    looks.append(key)
    return len(looks)


def test_what_was_found_is_given_again_by_key_until_it_is_forgotten() -> None:
    recent: Recent[int] = Recent(LONG_S)
    looks: list[str] = []
    assert [recent.get(key, lambda key=key: counting(looks, key)) for key in "aabab"] == [1, 1, 2, 1, 2]
    recent.forget("a")
    assert [recent.get(key, lambda key=key: counting(looks, key)) for key in "ab"] == [3, 2]


def test_after_its_time_it_is_looked_for_anew() -> None:
    recent: Recent[int] = Recent(0)
    looks: list[str] = []
    assert [recent.get("a", lambda: counting(looks, "a")) for _ in range(3)] == [1, 2, 3]


def test_the_least_recently_found_are_forgotten() -> None:
    recent: Recent[int] = Recent(LONG_S, most=2)
    looks: list[str] = []
    for key in "abca":
        recent.get(key, lambda key=key: counting(looks, key))
    assert looks == ["a", "b", "c", "a"]


def test_one_looks_and_those_who_come_meanwhile_wait_for_it() -> None:
    recent: Recent[int] = Recent(LONG_S)
    look = Looking()
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(recent.get, "a", look) for _ in range(4)]
        assert look.begun.wait(10)
        look.may_end.set()
        assert [each.result(10) for each in asked] == [1, 1, 1, 1]


def test_or_they_get_what_there_was() -> None:
    recent: Recent[int] = Recent(0, old_for_s=LONG_S)
    look = Looking()
    look.may_end.set()
    assert recent.get("a", look) == 1
    look.may_end.clear()
    look.begun.clear()
    with ThreadPoolExecutor(1) as threads:
        anew = threads.submit(recent.get, "a", look)
        assert look.begun.wait(10)
        assert recent.get("a", look) == 1
        look.may_end.set()
        assert anew.result(10) == 2


def test_what_was_looked_for_before_it_was_forgotten_is_not_remembered() -> None:
    recent: Recent[int] = Recent(LONG_S)
    before = Looking()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(recent.get, "a", before)
        assert before.begun.wait(10)
        recent.forget("a")  # it was changed, and the look saw it as it was
        before.may_end.set()
        assert asked.result(10) == 1
    assert recent.get("a", lambda: 7) == 7
    assert recent.get("a", lambda: 8) == 7


def test_a_failure_is_not_remembered() -> None:
    recent: Recent[int] = Recent(LONG_S)

    def fail() -> int:
        raise RuntimeError("away")

    with pytest.raises(RuntimeError):
        recent.get("a", fail)
    assert recent.get("a", lambda: 7) == 7
