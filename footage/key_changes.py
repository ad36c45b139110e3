"""Keys that somebody makes or ends, each with its entry in the audit log."""

from datetime import datetime

from footage.api_keys import ApiKey, KeyBook, NewKey, Role
from footage.audit_log import Actor, AuditLog
from footage.storage import ObjectStore


def make_key(
    store: ObjectStore,
    actor: Actor,
    workspace: str,
    role: Role,
    now: datetime,
    lifetime_s: float | None = None,
    name: str = "",
    requests_per_minute: int | None = None,
) -> NewKey:
    """Make a key; takes and raises what KeyBook.create does."""
    new = KeyBook(store).create(workspace, role, now, lifetime_s, name, requests_per_minute, actor.who)
    AuditLog(store, workspace).add(actor, "create key", new.key.key_id, detail=f"{role} {name}".strip())
    return new


def end_key(
    store: ObjectStore, actor: Actor, key_id: str, now: datetime, workspace: str | None = None
) -> ApiKey | None:
    """See to it that a key works no more; takes and gives what KeyBook.revoke does. Again is fine, and not noted."""
    before = KeyBook(store).revoke(key_id, now, workspace)
    if before is not None and before.revoked_at is None:
        AuditLog(store, before.workspace).add(actor, "revoke key", key_id, detail=before.name)
    return before
