"""A search without a service: open the index, ask, close."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from footage.catalog import Catalog
from footage.errors import IndexBusy, ModelMissing, SettingsError
from footage.identity import check_name
from footage.index_records import IndexSpec, ListName
from footage.search import SearchRequest, SearchResponse
from footage.settings import Settings
from footage.sidecar import Manifest
from footage.storage import DirectoryStore
from footage.video_search import VideoSearchRequest, VideoSearchResponse

if TYPE_CHECKING:
    from actors.query_encoder import QueryEncoder
    from footage.embedded_index import EmbeddedIndex
    from footage.index_service import IndexClient


def catalog_of(store: Path, workspace: str) -> Catalog:
    """The catalog of a store that is there already.

    Raises:
        SettingsError: nothing was ever indexed into it, or the workspace has a name that cannot be used.
    """
    check_name("workspace", workspace)
    if not (store / "runs").is_dir():
        raise SettingsError(f"{store} holds no index. Make one with: footage index FOLDER --store {store}")
    return Catalog(DirectoryStore(store), workspace)


def find_video(catalog: Catalog, name: str) -> Manifest:
    """The video with this id, or whose id begins so, or that has a source of this file name or URI.

    Raises:
        SettingsError: there is none, or more than one.
    """
    found = []
    for manifest in catalog.videos():
        uris = [source.uri for source in manifest.sources]
        names = {unquote(uri.rsplit("/", 1)[-1]) for uri in uris}
        if name == manifest.video_id:
            return manifest
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


def search_once(request: SearchRequest, store: Path, settings: Settings) -> SearchResponse:
    """Answer one search from the embedded index of a store.

    Raises:
        IndexBusy: another process holds the index; the message says which.
        IndexMismatch: the index was made with other models than those of the settings.
        ModelMissing: a model of the settings is not on this machine or was not prepared.
    """
    from actors.scene_searcher import SceneSearcher

    with _opened(store, request.workspace, settings) as (index, catalog, encoder):
        return SceneSearcher(index, catalog.store, encoder, settings.search, toy_lists(settings)).search(request)


def search_videos_once(request: VideoSearchRequest, store: Path, settings: Settings) -> VideoSearchResponse:
    """Find videos by their descriptions in the embedded index of a store; raises what search_once does."""
    from actors.video_searcher import VideoSearcher

    with _opened(store, request.workspace, settings) as (index, catalog, encoder):
        return VideoSearcher(index, catalog.store, encoder).search(request)


def toy_lists(settings: Settings) -> frozenset[ListName]:
    """The lists of a search whose vectors, or the texts that they are of, a toy model made."""
    toys: set[ListName] = set()
    if settings.text.toy:
        toys |= {"transcript", "transcript_sparse", "caption"}
    if settings.frames.toy:
        toys.add("visual")
    if settings.captions.adapter != "off" and settings.captions.toy:
        toys.add("caption")
    return frozenset(toys)


@contextlib.contextmanager
def _opened(
    store: Path, workspace: str, settings: Settings
) -> "Iterator[tuple[EmbeddedIndex | IndexClient, Catalog, QueryEncoder]]":
    """The index, the catalog and the encoder of a search; the index is given back at the end."""
    from actors.model_preparation import prepared_models
    from actors.query_encoder import QueryEncoder

    models = prepared_models(settings)
    if models is None:
        raise ModelMissing(
            f"The models of profile {settings.profile} were not prepared on this machine yet: run `footage models"
            f" --profile {settings.profile} --pull` once, or search with the profile that indexed."
        )
    catalog = catalog_of(store, workspace)
    encoder = QueryEncoder(models)  # before the index is held: loading takes most of the time
    index = _open_index(store / "index" / "scenes", models.index_spec(), settings.search.index_wait_s)
    try:
        yield index, catalog, encoder
    finally:
        index.close()


def _open_index(path: Path, spec: IndexSpec, wait_s: float) -> "EmbeddedIndex | IndexClient":
    """The index itself, or what its present owner answers. Raises IndexBusy, which says who that is, if it does not."""
    from footage.embedded_index import EmbeddedIndex
    from footage.index_service import IndexClient

    try:
        return EmbeddedIndex(path, spec, owner="footage search", create=False)
    except IndexBusy:
        try:
            return IndexClient(path, spec)
        except IndexBusy:
            return EmbeddedIndex(path, spec, owner="footage search", wait_s=wait_s, create=False)
