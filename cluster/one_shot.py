"""A search without a service: open the index, ask, close."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from footage.catalog import Catalog
from footage.errors import SettingsError
from footage.identity import VIDEO_ID, check_name
from footage.index import VectorIndex
from footage.index_address import index_address, open_index
from footage.local_sources import folder_path
from footage.s3_uri import is_s3
from footage.search import SearchRequest, SearchResponse, SimilarRequest
from footage.settings import Settings
from footage.sidecar import Manifest
from footage.sources import source_name
from footage.storage_settings import S3Settings
from footage.store_address import open_store
from footage.store_reads import StoreReads
from footage.toy_lists import toy_lists
from footage.video_search import VideoSearchRequest, VideoSearchResponse

if TYPE_CHECKING:
    from actors.query_encoder import QueryEncoder


def catalog_of(store: str | Path, workspace: str, s3: S3Settings) -> Catalog:
    """The catalog of a store that is there already.

    Raises:
        SettingsError: nothing was ever indexed into it, or the workspace has a name that cannot be used.
        StoreError: the store cannot be read.
    """
    check_name("workspace", workspace)
    if not is_s3(str(store)) and not folder_path(str(store)).is_dir():
        raise SettingsError(_no_index(store))  # and no folder is made by looking
    catalog = Catalog(open_store(str(store), s3), workspace)
    if not any(next(catalog.store.list(prefix), None) for prefix in ("runs/", "leases/", "videos/")):
        raise SettingsError(_no_index(store))
    return catalog


def _no_index(store: str | Path) -> str:
    return f"{store} holds no index. Make one with: footage index FOLDER --store {store}"


def find_video(catalog: Catalog, name: str) -> Manifest:
    """The video with this id, or whose id begins so, or that has a source of this file name or URI.

    Raises:
        SettingsError: there is none, or more than one.
    """
    if VIDEO_ID.fullmatch(name):  # of which there may be many: one is read, and not all
        named = catalog.manifest(name)
        if named is not None and named.sources:
            return named
    found = []
    for manifest in catalog.videos():
        uris = [source.uri for source in manifest.sources]
        names = {source_name(uri) for uri in uris}
        if name in names or name in uris or (len(name) >= 4 and manifest.video_id.startswith(name)):
            found.append(manifest)
    if not found:
        raise SettingsError(f"No video of this workspace is called {name!r}; `footage videos` lists them.")
    if len(found) > 1:
        ids = ", ".join(manifest.video_id for manifest in found)
        raise SettingsError(f"{name!r} stands for {len(found)} videos; name one by its id: {ids}.")
    return found[0]


def as_shown(manifest: Manifest) -> dict[str, object]:
    """A manifest as the content of JSON for users."""
    return manifest.model_copy(update={"description": manifest.told}).model_dump()


def search_once(
    request: SearchRequest | SimilarRequest,
    store: str | Path,
    settings: Settings,
    index: str | None = None,
    picture: bytes | None = None,
) -> SearchResponse:
    """Answer one search.

    Args:
        request: what is asked.
        store: folder or s3://bucket/prefix.
        settings: of the profile that indexed.
        index: address of the index; None for that of the store.
        picture: a JPEG, PNG or WebP file that scenes are to look like.

    Raises:
        IndexBusy: another process holds the index; the message says which.
        IndexMismatch: the index was made with other models than those of the settings.
        ModelMissing: a model of the settings is not on this machine or was not prepared.
        SettingsError, NoSuchScene, UnreadablePicture: see SceneSearcher.
    """
    from actors.scene_searcher import SceneSearcher

    with (
        _opened(store, index, request.workspace, settings) as (opened, catalog, encoder),
        StoreReads(catalog.store) as reads,
    ):
        searcher = SceneSearcher(opened, reads, encoder, settings.search, toy_lists(settings))
        return searcher.similar(request) if isinstance(request, SimilarRequest) else searcher.search(request, picture)


def search_videos_once(
    request: VideoSearchRequest, store: str | Path, settings: Settings, index: str | None = None
) -> VideoSearchResponse:
    """Find videos by their descriptions; takes and raises what search_once does."""
    from actors.video_searcher import VideoSearcher

    with (
        _opened(store, index, request.workspace, settings) as (opened, catalog, encoder),
        StoreReads(catalog.store) as reads,
    ):
        return VideoSearcher(opened, reads, encoder).search(request)


@contextlib.contextmanager
def _opened(
    store: str | Path, index: str | None, workspace: str, settings: Settings
) -> "Iterator[tuple[VectorIndex, Catalog, QueryEncoder]]":
    """The index, the catalog and the encoder of a search; the index is given back at the end."""
    from actors.query_encoder import QueryEncoder
    from actors.query_models import query_models

    catalog = catalog_of(store, workspace, settings.s3)
    models = query_models(settings)
    encoder = QueryEncoder(models)  # before the index is held: loading takes most of the time
    wait_s = settings.search.index_wait_s  # somebody waits for the answer
    qdrant = settings.qdrant.model_copy(update={"patience_s": min(wait_s, settings.qdrant.patience_s)})
    address = index_address(str(store), index)
    opened = open_index(address, models.index_spec(), qdrant, "footage search", wait_s, create=False)
    try:
        yield opened, catalog, encoder
    finally:
        opened.close()
