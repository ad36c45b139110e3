"""`footage audit`: who changed what."""

from itertools import islice
from typing import Annotated

import typer

from cluster.options import DEFAULT_STORE, Json, Profile, Store, Workspace, sentences, unread_store
from footage.errors import SettingsError


def audit(
    limit: Annotated[int, typer.Option(min=1, help="So many entries at most, the latest first.")] = 50,
    before: Annotated[
        str | None, typer.Option(help="Only entries before this one, by its id.", show_default=False)
    ] = None,
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    as_json: Json = False,
) -> None:
    """List who deleted or changed what in a workspace, the latest first."""
    with sentences():
        from cluster.display_catalog import print_json_list
        from cluster.display_keys import entry_as_json, print_entries
        from footage.audit_log import AuditLog, is_entry_id

        if before is not None and not is_entry_id(before):
            raise SettingsError(f"{before!r} is not the id of an entry; `footage audit --json` shows them.")
        entries = islice(AuditLog(unread_store(store, profile), workspace).newest(before), limit)
        if as_json:
            print_json_list({}, "entries", map(entry_as_json, entries))
        else:
            print_entries(entries)
