"""API keys: who may do what in which workspace. One object a key, `keys/{key_id}.json`; no secret is stored.

A key as its owner has it is `footage_<id>_<secret>`. The secret is 256 random bits, so a plain SHA-256 of it is as good
as a slow hash: slow hashes protect what people think up, and nobody can try 2^256 secrets.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from pydantic import Field

from footage.errors import SettingsError
from footage.identity import check_name
from footage.record_store import create_record, get_record, swap_record
from footage.sidecar import Stored
from footage.storage import ObjectStore
from footage.store_reads import StoreReads
from footage.timestamps import has_passed, stamp

Role = Literal["reader", "editor", "admin"]  # each may do what those before it may
ROLES: tuple[Role, ...] = ("reader", "editor", "admin")

KEY_ID = re.compile(r"[0-9a-f]{16}")

_FOLDER = "keys/"
_ID_BYTES = 8
_SECRET_BYTES = 32
_LONGEST = 200  # characters of a name
_TOKEN = re.compile(rf"footage_({KEY_ID.pattern})_([A-Za-z0-9_-]{{43}})")  # 32 bytes in URL-safe base64 without padding


class ApiKey(Stored):
    """A key as it is stored."""

    schema_version: Literal[1] = 1
    key_id: str
    name: str = Field(description="What its owner is to be called in lists and in the audit log; may be empty")
    workspace: str
    role: Role
    secret_sha256: str = Field(description="64 hex digits")
    created_at: str
    created_by: str = Field(default="", description="As the audit log names who did it")
    expires_at: str | None = Field(default=None, description="UTC, ISO 8601; null: never")
    revoked_at: str | None = None
    requests_per_minute: int | None = Field(default=None, ge=1, description="Null: the setting of the service")

    def opens_with(self, secret: str) -> bool:
        """Whether this is the key's secret; takes as long for a wrong one as for the right one."""
        return hmac.compare_digest(_digest(secret), self.secret_sha256)

    def state(self, now: datetime) -> Literal["active", "expired", "revoked"]:
        """Whether it can be used.

        Args:
            now: UTC.
        """
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and has_passed(self.expires_at, now) else "active"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; the only place that has the secret."""

    key: ApiKey
    token: str  # what its owner sends


def split_token(token: str) -> tuple[str, str] | None:
    """The id and the secret of a key; None if it does not look like one, so that no id from outside names an object."""
    found = _TOKEN.fullmatch(token)
    return (found[1], found[2]) if found else None


class KeyBook:
    """The keys of a store, of all its workspaces. What cannot be read, or is not there, raises a StoreError."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def is_empty(self) -> bool:
        """Whether there never was a key: one that was revoked or has expired counts."""
        return next(self._store.list(_FOLDER), None) is None

    def create(
        self,
        workspace: str,
        role: Role,
        now: datetime,
        lifetime_s: float | None = None,
        name: str = "",
        requests_per_minute: int | None = None,
        created_by: str = "",
    ) -> NewKey:
        """Make a key.

        Args:
            workspace: all that it will ever see.
            role: what it may do there.
            now: UTC.
            lifetime_s: after which it does not work any more; None: no end.
            name: for lists and the audit log.
            requests_per_minute: of this key alone; None: by the settings of the service.
            created_by: who makes it.

        Raises:
            SettingsError: a name or a number cannot be one.
        """
        check_name("workspace", workspace)
        if len(name) > _LONGEST or not name.isprintable():
            raise SettingsError(
                f"The name {name[:50]!r} of the key cannot be used: take one line of at most {_LONGEST} characters."
            )
        if lifetime_s is not None and lifetime_s <= 0:
            raise SettingsError("A key has to be good for some time: let it expire later than now.")
        if requests_per_minute is not None and requests_per_minute < 1:
            raise SettingsError("A key must be allowed one request a minute at least.")
        try:
            expires_at = None if lifetime_s is None else stamp(now, lifetime_s)
        except OverflowError as error:
            raise SettingsError("The key would expire after the year 9999: leave the time out.") from error
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        while True:
            key = ApiKey(
                key_id=secrets.token_hex(_ID_BYTES),
                name=name,
                workspace=workspace,
                role=role,
                secret_sha256=_digest(secret),
                created_at=stamp(now),
                created_by=created_by,
                expires_at=expires_at,
                requests_per_minute=requests_per_minute,
            )
            if create_record(self._store, _key(key.key_id), key):
                return NewKey(key, f"footage_{key.key_id}_{secret}")

    def get(self, key_id: str) -> ApiKey | None:
        """A key, revoked and expired ones too; None if there is none with this id, or it cannot be an id."""
        return get_record(self._store, _key(key_id), ApiKey) if KEY_ID.fullmatch(key_id) else None

    def all(self, reads: StoreReads, workspace: str | None = None) -> list[ApiKey]:
        """The keys of a workspace, or of all; revoked and expired ones too, the oldest first.

        All that the store has are read, since an id does not tell the workspace.
        """
        held = reads.all([partial(get_record, self._store, key, ApiKey) for key in self._store.list(_FOLDER)])
        found = [key for key in held if key is not None and workspace in (None, key.workspace)]
        return sorted(found, key=lambda key: (key.created_at, key.key_id))

    def revoke(self, key_id: str, now: datetime, workspace: str | None = None) -> ApiKey | None:
        """See to it that a key works no more; services notice it within `serve.key_cache_s`. Again is fine.

        Args:
            key_id: of the key.
            now: UTC.
            workspace: leave the keys of others alone; None: of any.

        Returns:
            The key as it was before, or None if there is none.
        """
        while True:
            held = self.get(key_id)
            if held is None or (workspace is not None and held.workspace != workspace):
                return None
            if held.revoked_at is not None:
                return held
            if swap_record(self._store, _key(key_id), held, held.model_copy(update={"revoked_at": stamp(now)})):
                return held


def permits(held: Role, needed: Role) -> bool:
    """Whether a role may do what another may."""
    return ROLES.index(held) >= ROLES.index(needed)


def _key(key_id: str) -> str:
    return f"{_FOLDER}{key_id}.json"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
