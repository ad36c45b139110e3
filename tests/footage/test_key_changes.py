from datetime import UTC, datetime

from footage.api_keys import KeyBook
from footage.audit_log import Actor, AuditLog
from footage.key_changes import end_key, make_key
from tests.memory_store import MemoryStore

ANN = Actor("Ann", "00aa00aa00aa00aa")


def test_keys_are_made_and_ended_and_the_log_says_so_once() -> None:
    store, now = MemoryStore(), datetime.now(UTC)
    key = make_key(store, ANN, "studio", "editor", now, lifetime_s=60, name="Bea", requests_per_minute=7).key
    assert (key.workspace, key.role, key.name, key.created_by, key.requests_per_minute) == (
        "studio",
        "editor",
        "Bea",
        "Ann",
        7,
    )
    nameless = make_key(store, ANN, "studio", "reader", now).key
    assert end_key(store, ANN, key.key_id, now, "annex") is None
    assert end_key(store, ANN, key.key_id, now) == key
    again = end_key(store, ANN, key.key_id, now, "studio")
    assert again == KeyBook(store).get(key.key_id)
    assert again is not None
    assert again.state(now) == "revoked"
    entries = [(entry.who, entry.action, entry.subject, entry.detail) for entry in AuditLog(store, "studio").newest()]
    assert entries == [
        ("Ann", "revoke key", key.key_id, "Bea"),
        ("Ann", "create key", nameless.key_id, "reader"),
        ("Ann", "create key", key.key_id, "editor Bea"),
    ]
    assert list(AuditLog(store, "annex").newest()) == []
