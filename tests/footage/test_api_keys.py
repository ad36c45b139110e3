import re
from datetime import UTC, datetime, timedelta

import pytest

from footage.api_keys import ROLES, ApiKey, KeyBook, permits, split_token
from footage.errors import SettingsError
from footage.store_reads import StoreReads
from tests.memory_store import MeetingReads, MemoryStore

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def book(store: MemoryStore) -> KeyBook:
    return KeyBook(store)


@pytest.fixture
def reads(store: MemoryStore) -> StoreReads:
    return StoreReads(store)


def test_a_key_opens_with_its_secret_alone(book: KeyBook) -> None:
    new = book.create("studio", "editor", NOW, 60, "Ann", 30, "command line")
    key_id, secret = split_token(new.token) or ("", "")
    key = book.get(key_id)
    assert key == new.key
    assert key == ApiKey(
        key_id=key_id,
        name="Ann",
        workspace="studio",
        role="editor",
        secret_sha256=key.secret_sha256,
        created_at="2026-01-01T12:00:00.000+00:00",
        created_by="command line",
        expires_at="2026-01-01T12:01:00.000+00:00",
        requests_per_minute=30,
    )
    assert key.opens_with(secret)
    other = book.create("studio", "editor", NOW)
    assert not key.opens_with(other.token.rpartition("_")[2])
    assert not key.opens_with(secret[:-1] + ("A" if secret[-1] != "A" else "B"))


def test_nothing_stored_opens_a_key(book: KeyBook, store: MemoryStore) -> None:
    tokens = [book.create("studio", "reader", NOW).token for _ in range(20)]
    stored = b"".join(store.get(key) for key in store.list("")).decode()
    for token in tokens:
        key_id, secret = split_token(token) or ("", "")
        assert len(secret) == 43  # 32 bytes
        assert secret not in stored
        assert store.exists(f"keys/{key_id}.json")
    assert len(set(tokens)) == 20


@pytest.mark.parametrize(
    "token",
    [
        "",
        "footage__",
        f"footage_{'../' * 5}x_{'a' * 43}",
        f"footage_{'0' * 16}_{'a' * 42}",
        f"footage_{'0' * 16}_{'ä' * 43}",
        f" footage_{'0' * 16}_{'a' * 43}",
        f"footage_{'0' * 16}_{'a' * 43}\n",
        f"FOOTAGE_{'0' * 16}_{'a' * 43}",
    ],
)
def test_what_is_no_key_names_no_object(token: str) -> None:
    assert split_token(token) is None


@pytest.mark.parametrize("key_id", ["", "../keys/x", "a" * 15, "0" * 16 + "\n", "\u0660" * 16, "*"])
def test_what_is_no_id_finds_nothing(book: KeyBook, key_id: str) -> None:
    assert book.get(key_id) is None
    assert book.revoke(key_id, NOW) is None


def test_a_key_ends_by_time_and_by_hand(book: KeyBook) -> None:
    key = book.create("studio", "reader", NOW, 60).key
    assert [key.state(NOW + timedelta(seconds=after)) for after in (0, 59, 60)] == ["active", "active", "expired"]
    assert book.revoke(key.key_id, NOW) == key
    again = book.get(key.key_id)
    assert again is not None
    assert again.state(NOW) == "revoked"
    assert book.revoke(key.key_id, NOW + timedelta(days=1)) == again
    assert book.get(key.key_id) == key.model_copy(update={"revoked_at": "2026-01-01T12:00:00.000+00:00"})  # the first
    assert not book.is_empty()


def test_a_workspace_leaves_keys_of_others_alone(book: KeyBook, reads: StoreReads) -> None:
    assert book.is_empty()
    later = NOW + timedelta(seconds=1)
    other, mine = book.create("annex", "reader", later).key, book.create("studio", "reader", NOW).key
    assert book.revoke(other.key_id, NOW, "studio") is None
    assert book.get(other.key_id) == other
    assert book.all(reads, "studio") == [mine]
    assert book.all(reads) == [mine, other]


def test_the_keys_of_a_bucket_are_read_several_at_once() -> None:
    store = MeetingReads()
    book = KeyBook(store)
    made = [book.create("studio", "reader", NOW + timedelta(seconds=number)).key for number in range(8)]
    store.expect(at_once=4)
    with StoreReads(store, threads=4) as reads:
        assert book.all(reads) == made


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"workspace": "a/b"}, "workspace 'a/b' cannot be used"),
        ({"workspace": ".."}, "cannot be used"),
        ({"name": "two\nlines"}, "take one line of at most 200"),
        ({"name": "x" * 201}, "take one line of at most 200"),
        ({"lifetime_s": 0}, "good for some time"),
        ({"lifetime_s": 1e15}, "after the year 9999"),
        ({"requests_per_minute": 0}, "one request a minute at least"),
    ],
)
def test_what_cannot_be_a_key_is_a_sentence(book: KeyBook, wrong: dict, says: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(says)):
        book.create(**{"workspace": "studio", "role": "reader", "now": NOW, **wrong})
    assert book.is_empty()


def test_each_role_may_do_what_those_before_it_may() -> None:
    table = {held: [needed for needed in ROLES if permits(held, needed)] for held in ROLES}
    assert table == {"reader": ["reader"], "editor": ["reader", "editor"], "admin": ["reader", "editor", "admin"]}
