"""`footage keys`: who may use the service."""

import json
import re
import sys
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from cluster.options import DEFAULT_STORE, Json, Profile, Store, Workspace, sentences, unread_store
from footage.errors import SettingsError

KeyRole = Literal["reader", "editor", "admin"]  # api_keys.Role, whose file brings more along than --help needs
_UNIT_S = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
_SPAN = re.compile(r"([1-9][0-9]{0,5})([mhdwy])", re.ASCII)


def keys(
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Annotated[str | None, typer.Option(help="Only those of this workspace.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """List the keys of the search service. `keys create` makes one, and `keys revoke` ends one."""
    with sentences():
        from cluster.display_keys import key_as_json, print_keys
        from footage.api_keys import KeyBook
        from footage.store_reads import StoreReads

        now = datetime.now(UTC)
        with StoreReads(unread_store(store, profile)) as reads:
            found = sorted(KeyBook(reads.store).all(reads, workspace), key=lambda key: key.workspace)
        if as_json:
            print(json.dumps({"keys": [key_as_json(key, now) for key in found]}))
        else:
            print_keys(found, now)


def keys_create(
    role: Annotated[
        KeyRole, typer.Option(help="An editor also deletes and changes datasets, an admin also makes keys.")
    ],
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    name: Annotated[str, typer.Option(help="Whose it is, for lists and the audit log.")] = "",
    expires: Annotated[
        str | None, typer.Option(help="Ends after this time, such as 12h, 30d, 6w or 1y.", show_default="never")
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(help="Limit of this key alone.", show_default="serve.requests_per_minute")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key of a workspace. It is printed once, on stdout; footage keeps only a hash of it."""
    with sentences():
        from cluster.audit_notes import HERE
        from cluster.display_keys import key_as_json, key_in_words
        from footage.key_changes import make_key

        lifetime_s = None if expires is None else seconds_of(expires)
        now, opened = datetime.now(UTC), unread_store(store, profile)
        new = make_key(opened, HERE, workspace, role, now, lifetime_s, name, requests_per_minute)
        if as_json:
            print(json.dumps({**key_as_json(new.key, now), "key": new.token}))
            return
        print(f"{key_in_words(new.key)} Keep it: it cannot be shown again.", file=sys.stderr)
        print(new.token)


def keys_revoke(
    key_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of keys: `footage keys` lists them.")],
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
) -> None:
    """End keys. A running service notices within `serve.key_cache_s` seconds."""
    with sentences():
        from cluster.audit_notes import HERE
        from footage.api_keys import KeyBook
        from footage.key_changes import end_key

        opened = unread_store(store, profile)
        book = KeyBook(opened)
        missing = [key_id for key_id in key_ids if book.get(key_id) is None]
        if missing:  # before any is ended: a slip of the finger is to change nothing
            raise SettingsError(f"There is no key {', '.join(map(repr, missing))}; `footage keys` lists them.")
        for key_id in key_ids:
            end_key(opened, HERE, key_id, datetime.now(UTC))


def seconds_of(span: str) -> float:
    """The seconds of a time such as `30d`.

    Raises:
        SettingsError: it is not one.
    """
    found = _SPAN.fullmatch(span)
    if found is None:
        raise SettingsError(f"{span!r} is not a time: take a number with m, h, d, w or y, such as 12h or 30d.")
    return float(int(found[1]) * _UNIT_S[found[2]])
