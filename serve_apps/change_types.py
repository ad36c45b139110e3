"""What the routes that change something take and answer."""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from footage.api_keys import ApiKey, NewKey, Role
from footage.audit_log import AuditEntry
from footage.search import Wire

_LONGEST_S = 100 * 366 * 86_400


class KeyItem(Wire):
    """A key of the workspace, without what opens it."""

    key_id: str
    name: str
    role: Role
    state: Literal["active", "expired", "revoked"]
    created_at: str
    created_by: str = Field(description="Who made it, as the audit log says it")
    expires_at: str | None = Field(description="Null: it does not expire")
    revoked_at: str | None
    requests_per_minute: int | None = Field(description="Null: the setting of the service counts")

    @classmethod
    def of(cls, key: ApiKey, now: datetime) -> Self:
        """A key as it is shown.

        Args:
            key: as it is stored.
            now: UTC.
        """
        same = key.model_dump(exclude={"schema_version", "workspace", "secret_sha256"})
        return cls.model_validate({**same, "state": key.state(now)})


class KeyList(Wire):
    """The keys of the workspace."""

    keys: list[KeyItem]


class KeyWanted(Wire):
    """A key that is to be made."""

    role: Role = Field(description="Each role may do what those before it may: reader, editor, admin")
    name: str = Field(default="", max_length=200, description="Whose it is, for lists and the audit log")
    expires_in_s: float | None = Field(
        default=None, gt=0, le=_LONGEST_S, description="Seconds after which it ends; null: it does not expire"
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, le=1_000_000, description="Of this key alone; null: the setting of the service"
    )


class KeyMade(KeyItem):
    """A key that was just made."""

    key: str = Field(description="To be sent as `Authorization: Bearer`. It is shown this once; footage keeps a hash")

    @classmethod
    def made(cls, new: NewKey, now: datetime) -> Self:
        """A new key with what opens it.

        Args:
            new: as the book gave it.
            now: UTC.
        """
        return cls.model_validate({**KeyItem.of(new.key, now).model_dump(), "key": new.token})


class AuditItem(Wire):
    """A change, and who did it."""

    entry_id: str
    at: str
    who: str = Field(description="The name of a key, or `command line`, or `open mode`")
    key_id: str | None = Field(description="Of the key; null where none was used")
    action: str
    subject: str = Field(
        description="What was changed: the id of a video or a key; `dataset/video`; of gc, its finding"
    )
    outcome: Literal["done", "kept", "failed"]
    detail: str

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """An entry as it is shown."""
        return cls.model_validate(entry.model_dump(exclude={"schema_version", "workspace"}))


class AuditPage(Wire):
    """A part of the audit log, the latest first."""

    entries: list[AuditItem]
    next_cursor: str | None = Field(description="For older ones: ask the same with `cursor`; null after the last")
