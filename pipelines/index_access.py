"""The vector index of a run: an embedded one behind its one owner, or a server that any worker asks itself."""

import contextlib
from collections.abc import Iterator

from footage.catalog import Catalog
from footage.completion import UNFIT
from footage.errors import StoreError
from footage.index import VectorIndex
from footage.index_address import IndexAddress, open_index
from footage.index_records import IndexSpec, SceneFilter
from footage.ownership import Ownership
from footage.server_index import ServerIndex
from footage.storage_settings import QdrantSettings
from footage.store_identity import store_id
from pipelines.index_owner import RemoteIndex

# After a driver was killed its actors live on for about two seconds, and with them the index.
_LOCK_WAIT_S = 15.0


@contextlib.contextmanager
def one_run_at_a_time(address: IndexAddress, command: str) -> Iterator[None]:
    """Keep other runs off an embedded index for the block; a server is for many runs at once.

    Two on one machine would only take its memory twice. Searches, the service and deletions share the index with a run.

    Raises:
        IndexBusy: another run has it; the message says which.
    """
    if address.path is None:
        yield
        return
    guard = Ownership(address.path.with_name("run.lock"), command, _LOCK_WAIT_S)
    try:
        yield
    finally:
        guard.release()


def check_index(
    address: IndexAddress, spec: IndexSpec, settings: QdrantSettings, command: str, catalog: Catalog
) -> None:
    """Refuse an index whose owner does not answer, or that is of other models or another store, or was lost, before
    anything starts; one that no store has yet is tied to this store.

    Raises:
        IndexBusy, IndexMismatch, StoreError: see there; the message says what to do.
    """
    own = store_id(catalog.store)
    with contextlib.closing(open_index(address, spec, settings, command, _LOCK_WAIT_S)) as index:
        index.bind(own, dry_run=True)  # the reason first, and no tie to an index that is refused below
        if not index.count(SceneFilter(catalog.workspace)):
            _refuse_if_lost(address, catalog)
        index.bind(own)


def _refuse_if_lost(address: IndexAddress, catalog: Catalog) -> None:
    """Refuse an index that holds nothing of a workspace in which videos are searchable."""
    # What `footage gc` found incomplete is to be indexed anew, so it need not be in the index.
    if any(manifest.scenes for manifest in catalog.manifests() if manifest.pipeline_fingerprint != UNFIT):
        raise StoreError(
            f"The index {address} holds nothing of workspace {catalog.workspace}, but the records of the store"
            f" {catalog.store.address} say that its videos are searchable: the index was removed, replaced, or is"
            " another one. Bring it back, or name it with --index. If it is lost, `footage gc` gives its videos back to"
            " be indexed anew."
        )


@contextlib.contextmanager
def index_of_run(
    address: IndexAddress, spec: IndexSpec, settings: QdrantSettings, command: str
) -> Iterator[VectorIndex]:
    """The index for the stages of a run, within ray_session(); it can be sent to any worker."""
    if address.path is None:
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(contextlib.closing(open_index(address, spec, settings, command)))
            if settings.bulk_load and isinstance(server, ServerIndex):
                stack.enter_context(server.bulk_load())
            yield server
        return
    from ray.exceptions import RayError

    owned = RemoteIndex(address.path, spec, command)
    yield owned
    with contextlib.suppress(RayError):  # if its owner is dead, the lock is free and its log has all that it confirmed
        owned.close()
