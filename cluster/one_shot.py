"""A search without a service: open the index, ask, close."""

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

if TYPE_CHECKING:
    from footage.index import EmbeddedIndex
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


def search_once(request: SearchRequest, store: Path, settings: Settings) -> SearchResponse:
    """Answer one search from the embedded index of a store.

    Raises:
        IndexBusy: another process holds the index; the message says which.
        IndexMismatch: the index was made with other models than those of the settings.
        ModelMissing: a model of the settings is not on this machine or was not prepared.
    """
    from actors.model_preparation import prepared_models
    from actors.query_encoder import QueryEncoder
    from actors.scene_searcher import SceneSearcher

    models = prepared_models(settings)
    if models is None:
        raise ModelMissing(
            f"The models of profile {settings.profile} were not prepared on this machine yet: run `python -m"
            f" actors.model_preparation --profile {settings.profile}` once, or search with the profile that indexed."
        )
    catalog = catalog_of(store, request.workspace)
    toys: frozenset[ListName] = frozenset({"visual"}) if settings.frames.toy else frozenset()
    encoder = QueryEncoder(models)  # before the index is held: loading takes most of the time
    index = _open_index(store / "index" / "scenes", models.index_spec(), settings.search.index_wait_s)
    try:
        return SceneSearcher(index, catalog.store, encoder, settings.search, toys).search(request)
    finally:
        index.close()


def _open_index(path: Path, spec: IndexSpec, wait_s: float) -> "EmbeddedIndex | IndexClient":
    """The index itself, or what its present owner answers. Raises IndexBusy, which says who that is, if it does not."""
    from footage.index import EmbeddedIndex
    from footage.index_service import IndexClient

    try:
        return EmbeddedIndex(path, spec, owner="footage search", create=False)
    except IndexBusy:
        try:
            return IndexClient(path, spec)
        except IndexBusy:
            return EmbeddedIndex(path, spec, owner="footage search", wait_s=wait_s, create=False)
