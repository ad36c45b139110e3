"""`footage index copy` and `footage reindex`: moving the vectors, and holding them in another way."""

import json
import sys
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.options import DEFAULT_STORE, Index, Json, Profile, Store, sentences
from footage.errors import SettingsError, StoreError
from footage.index_address import IndexAddress, index_address, spec_there

if TYPE_CHECKING:
    from footage.index_copy import Copied

_EVERY_S = 5.0  # a log shows that it goes on; a terminal shows every step

_PLACE = "A store's folder, a folder of an index, or a Qdrant server such as http://qdrant:6334."


def index_copy(
    origin: Annotated[str, typer.Argument(metavar="FROM", help=_PLACE)],
    target: Annotated[str, typer.Argument(metavar="TO", help=_PLACE)],
    force: Annotated[bool, typer.Option("--force", help="Keep what TO has besides; FROM's scenes go over it.")] = False,
    profile: Profile = "auto",
    as_json: Json = False,
) -> None:
    """Copy a vector index into another place, such as a Qdrant server. No model is needed, and FROM stays as it is.

    No run may write to either meanwhile. A copy that broke off is begun again by the same command.
    """
    with sentences():
        from footage.index_address import open_index
        from footage.index_copy import copy_index, points_missing
        from footage.settings import load_settings

        settings = load_settings(profile).qdrant
        here, there = place_of(origin), place_of(target)
        if here == there:
            raise SettingsError(f"FROM and TO are both {here}: name two places.")
        spec = spec_there(here, settings)
        status = Status()
        with (
            closing(open_index(here, spec, settings, "footage index copy", create=False)) as held,
            closing(open_index(there, spec, settings, "footage index copy")) as empty,
        ):
            status.show("looking at what is there")
            kept = points_missing(empty, held)
            if kept and not force:
                raise StoreError(
                    f"The index {there} has {kept.total()} scenes that {here} has not: take an empty place, or keep"
                    " them with --force."
                )
            copied = copy_index(held, empty, lambda points: status.show(f"{points} scenes copied"), kept)
        status.end()
        if as_json:
            print(json.dumps({**asdict(copied), "kept": kept.total(), "index": str(there)}))
            return
        besides = f", beside {kept.total()} scenes that were there" if kept else ""
        print(
            f"{copied.points} scenes of {copied.videos} videos and {copied.descriptions} descriptions copied{besides}."
        )
        print(f"Use them with: --index {there} (or FOOTAGE_INDEX={there})")


def reindex(
    store: Store = DEFAULT_STORE, index: Index = None, profile: Profile = "auto", as_json: Json = False
) -> None:
    """Rebuild the vector index by the settings of today: graphs, and on a server quantisation, disk and shards.

    Searches go on; runs, deletions and gc are refused. It takes the disk space of the index once more, and
    may be killed: the old index stays until the new one is whole.
    """
    with sentences():
        from cluster.one_shot import catalog_of
        from footage.lease_keeper import LeaseKeeper
        from footage.reindex_guard import WORKSPACE, new_reindex_id, refuse_live_runs
        from footage.reindexing import OWNER
        from footage.reindexing import reindex as rebuild
        from footage.settings import load_settings
        from footage.store_identity import store_id

        settings = load_settings(profile)
        address = index_address(store, index)
        catalog = catalog_of(store, WORKSPACE, settings.s3)
        spec = spec_there(address, settings.qdrant)
        status, run_id, begun = Status(), new_reindex_id(), time.monotonic()
        with LeaseKeeper(catalog, run_id, OWNER, "", settings.pipeline.lease_s):
            refuse_live_runs(catalog.store, run_id)
            copied = rebuild(address, spec, settings.qdrant, status.show, store_id(catalog.store))
        status.end()
        wall_s = time.monotonic() - begun
        if as_json:
            print(json.dumps({**asdict(copied), "index": str(address), "wall_s": round(wall_s, 1)}))
            return
        print(f"{_told(copied)} are in the rebuilt index {address} ({wall_s:.0f} s).")


def place_of(place: str) -> IndexAddress:
    """The index that a place stands for: of a store if it is the folder of one, else the place itself."""
    is_store = "://" not in place and any((Path(place) / part).is_dir() for part in ("index", "runs"))
    return index_address(place, None) if is_store else index_address("", place)


def _told(copied: "Copied") -> str:
    return f"{copied.points} scenes of {copied.videos} videos and {copied.descriptions} descriptions"


class Status:
    """A line on stderr that says what is done now: rewritten on a terminal, now and then in a log."""

    def __init__(self) -> None:
        self._shown_at = float("-inf")
        self._width = 0

    def show(self, text: str) -> None:
        """Say what is done now."""
        if sys.stderr.isatty():
            print(f"\r{text:<{self._width}}", end="", file=sys.stderr, flush=True)
            self._width = len(text)
        elif time.monotonic() - self._shown_at >= _EVERY_S:
            print(text, file=sys.stderr, flush=True)
            self._shown_at = time.monotonic()

    def end(self) -> None:
        """Leave the line."""
        if self._width:
            print(file=sys.stderr)
            self._width = 0
