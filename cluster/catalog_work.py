"""What commands that change the catalog open: the store, the index, and a lease that keeps runs off what they touch."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cluster.one_shot import catalog_of, find_video
from footage.catalog import Catalog
from footage.deletion import IsPresent, videos_of_source
from footage.errors import SettingsError
from footage.identity import VIDEO_ID
from footage.index import VectorIndex
from footage.index_address import index_address, open_index, spec_there
from footage.lease_keeper import LeaseKeeper
from footage.leases import new_run_id
from footage.reindex_guard import refuse_during_reindex
from footage.remote_access import RemoteAccess
from footage.settings import Settings
from footage.sidecar import Manifest
from footage.sources import is_present
from footage.store_identity import known_store_id, store_id


@dataclass(frozen=True)
class Opened:
    """What a command works with."""

    catalog: Catalog
    index: VectorIndex
    is_present: IsPresent
    run_id: str


@contextlib.contextmanager
def opened(
    command: str, store: str, index: str | None, workspace: str, settings: Settings, dry_run: bool
) -> Iterator[Opened]:
    """Open a store and its index for the block. Runs, searches and the service may go on meanwhile.

    Args:
        command: for who finds the index held, or a lease of this process.
        store: address of the store.
        index: address of the index; None for that of the store.
        workspace: of the command.
        settings: of the profile.
        dry_run: nothing is to be changed, so that no lease is needed.

    Raises:
        IndexBusy: the owner of the embedded index does not answer, or it is just being rebuilt; the message says which.
        IndexMismatch: the index holds the scenes of another store.
        StoreError: there is no index, or the store cannot be used.
    """
    catalog = catalog_of(store, workspace, settings.s3)
    address = index_address(store, index)
    access = RemoteAccess.of(settings)
    run_id = new_run_id(datetime.now(UTC))
    spec = spec_there(address, settings.qdrant)
    with (
        contextlib.closing(open_index(address, spec, settings.qdrant, command, create=False)) as found,
        contextlib.nullcontext()
        if dry_run
        else LeaseKeeper(catalog, run_id, command, source="", lease_s=settings.pipeline.lease_s),
    ):
        if not dry_run:
            refuse_during_reindex(catalog.store)
        found.bind(known_store_id(catalog.store) if dry_run else store_id(catalog.store), dry_run)
        yield Opened(catalog, found, lambda uri: is_present(uri, access), run_id)


def find_videos(catalog: Catalog, names: list[str]) -> list[Manifest]:
    """The videos of these names, each once; a whole id also finds one that has no source any more.

    Raises:
        SettingsError: one is not there, or a name stands for several.
    """
    found: dict[str, Manifest] = {}
    for name in names:
        manifest = catalog.manifest(name) if VIDEO_ID.fullmatch(name) else None
        manifest = manifest or find_video(catalog, name)
        found[manifest.video_id] = manifest
    return list(found.values())


def check_dataset(catalog: Catalog, name: str) -> None:
    """Let the name of a dataset that has videos pass.

    Raises:
        SettingsError: it has none.
    """
    if next(catalog.datasets.videos(name), None) is None:
        names = ", ".join(catalog.datasets.names()) or "none"
        raise SettingsError(f"There is no dataset {name!r} in workspace {catalog.workspace}; there are: {names}.")


def check_source(catalog: Catalog, address: str) -> None:
    """Let an address pass at or below which a video has a source.

    Raises:
        SettingsError: none has.
    """
    if next(videos_of_source(catalog, address), None) is None:
        raise SettingsError(
            f"No video of workspace {catalog.workspace} has a source at or below {address}; see `footage videos`."
        )
