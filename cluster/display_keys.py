"""How the command line shows keys and the audit log."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from footage.api_keys import ApiKey
from footage.audit_log import AuditEntry

_STYLES = {"active": "green", "expired": "dim", "revoked": "dim"}
_OUTCOMES = {"done": "green", "kept": "yellow", "failed": "red"}


def print_keys(keys: Sequence[ApiKey], now: datetime) -> None:
    """A table of keys.

    Args:
        keys: in the order in which they are shown.
        now: UTC.
    """
    console = Console()
    if not keys:
        console.print("There are no keys. Make one with: footage keys create --role reader", markup=False)
        return
    table = Table()
    table.add_column("id", no_wrap=True)  # to be copied into `keys revoke`
    for column in ("workspace", "role", "name", "works", "limit"):
        table.add_column(column, overflow="fold")
    for key in keys:
        state = key.state(now)
        works = f"until {key.expires_at[:10]}" if state == "active" and key.expires_at else state
        limit = "" if key.requests_per_minute is None else f"{key.requests_per_minute}/min"
        cells = [key.key_id, key.workspace, key.role, key.name, works, limit]
        table.add_row(*map(Text, cells), style=_STYLES[state])  # Text: a name may look like markup
    console.print(table)


def key_in_words(key: ApiKey) -> str:
    """A new key in a sentence."""
    ends = "It does not expire." if key.expires_at is None else f"It ends at {key.expires_at[:16]} UTC."
    return f"Key {key.key_id} of workspace {key.workspace} with the role {key.role}. {ends}"


def key_as_json(key: ApiKey, now: datetime) -> dict[str, object]:
    """A key as the content of JSON, without the hash of its secret.

    Args:
        key: to show.
        now: UTC.
    """
    return {**key.model_dump(exclude={"schema_version", "secret_sha256"}), "state": key.state(now)}


def print_entries(entries: Iterable[AuditEntry]) -> None:
    """The audit log, an entry a line."""
    console = Console()
    is_empty = True
    for entry in entries:
        is_empty = False
        line = Text(f"{entry.at[:19]}  ", style="dim")
        line.append(f"{entry.outcome:6} ", style=_OUTCOMES[entry.outcome])
        line.append(f"{entry.action} {entry.subject}  ", style="default")
        line.append(entry.who if entry.key_id is None else f"{entry.who} ({entry.key_id})", style="cyan")
        if entry.detail:
            line.append(f"\n        {entry.detail}", style="dim")
        console.print(line, soft_wrap=True)
    if is_empty:
        console.print("Nothing was changed yet.", markup=False)


def entry_as_json(entry: AuditEntry) -> dict[str, object]:
    """An entry as the content of JSON."""
    return entry.model_dump(exclude={"schema_version"})
