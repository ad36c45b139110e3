"""Who changed what: one object for each change, `audit/{workspace}/{date}/{time}-{nonce}.json`, never written again.

An entry is written when its change is done, so that it can say how that went; a process that is killed between the two
leaves none. Nothing in footage removes entries: how long they are kept is up to whoever runs it.
"""

import contextlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Literal

from pydantic import Field

from footage import identity
from footage.errors import FootageError, StoreError
from footage.record_store import create_record, get_record, record_name
from footage.sidecar import Stored
from footage.storage import ObjectStore
from footage.store_reads import StoreReads
from footage.timestamps import stamp

COMMAND_LINE = "command line"
Action = Literal[
    "delete video", "delete dataset", "add to dataset", "remove from dataset", "create key", "revoke key", "gc"
]
Outcome = Literal["done", "kept", "failed"]

_ENTRY_ID = re.compile(r"(\d{4}-\d\d-\d\d)T(\d{6}\.\d{6}-[0-9a-f]{8})")


class AuditEntry(Stored):
    """One change."""

    schema_version: Literal[1] = 1
    entry_id: str = Field(description="Of later entries it is greater")
    workspace: str
    at: str = Field(description="UTC, ISO 8601")
    who: str = Field(description="The name of the key, or `command line`, or `open mode`")
    key_id: str | None = Field(default=None, description="Of the key; null where none was used")
    action: str
    subject: str = Field(
        description="What was changed: the id of a video or a key; `dataset/video`; of gc, its finding"
    )
    outcome: Outcome
    detail: str = Field(default="", description="A sentence")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something."""

    who: str
    key_id: str | None = None


@dataclass(frozen=True)
class AuditLog:
    """The log of one workspace. A name that cannot be one is a SettingsError; a store that fails a StoreError."""

    store: ObjectStore
    workspace: str

    def add(
        self, actor: Actor, action: Action, subject: str, outcome: Outcome = "done", detail: str = ""
    ) -> AuditEntry:
        """Write an entry about what has just happened."""
        folder = self._folder
        while True:
            now = datetime.now(UTC)
            day, clock = f"{now:%Y-%m-%d}", f"{now:%H%M%S.%f}-{secrets.token_hex(4)}"
            entry = AuditEntry(
                entry_id=f"{day}T{clock}",
                workspace=self.workspace,
                at=stamp(now),
                who=actor.who,
                key_id=actor.key_id,
                action=action,
                subject=subject,
                outcome=outcome,
                detail=detail,
            )
            if create_record(self.store, f"{folder}{day}/{clock}.json", entry):
                return entry

    @contextlib.contextmanager
    def noting_failure(self, actor: Actor, action: Action, subject: str) -> Iterator[None]:
        """Write an entry if the block fails: part of the change may have been done.

        Of the error it has the kind only. Its sentence may name folders and hosts, which a tenant is not to see.
        """
        try:
            yield
        except FootageError as error:
            with contextlib.suppress(StoreError):  # the store may be what failed
                self.add(actor, action, subject, "failed", f"{type(error).__name__}: it may be done in part.")
            raise

    def newest(self, before: str | None = None) -> Iterator[AuditEntry]:
        """Entries, the latest first; memory follows the number of entries of one day.

        Args:
            before: the id of an entry: only those before it. What is no id gives none.
        """
        found = (get_record(self.store, key, AuditEntry) for key in self._newest_keys(before))
        return (entry for entry in found if entry is not None)

    def page(self, reads: StoreReads, limit: int, before: str | None = None) -> tuple[list[AuditEntry], str | None]:
        """Entries, the latest first, and where the next page begins: None after the last one."""
        keys = self._newest_keys(before)
        found: list[AuditEntry] = []
        while len(found) <= limit and (batch := list(islice(keys, limit + 1 - len(found)))):
            read = reads.all([partial(get_record, self.store, key, AuditEntry) for key in batch])
            found += [entry for entry in read if entry is not None]
        return found[:limit], found[limit - 1].entry_id if len(found) > limit else None

    def _newest_keys(self, before: str | None) -> Iterator[str]:
        last = None
        if before is not None:
            last = _ENTRY_ID.fullmatch(before)
            if last is None:
                return
        folder = self._folder
        for day in sorted(self.store.folders(folder), reverse=True):
            if last is not None and day > last[1]:
                continue
            for key in sorted(self.store.list(f"{folder}{day}/"), reverse=True):
                if last is None or (day, record_name(key)) < (last[1], last[2]):
                    yield key

    @property
    def _folder(self) -> str:
        return f"audit/{identity.check_name('workspace', self.workspace)}/"


def is_entry_id(text: str) -> bool:
    """Whether this could be the id of an entry."""
    return _ENTRY_ID.fullmatch(text) is not None
