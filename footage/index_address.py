"""Where an index is: a folder of the embedded one, or a Qdrant server."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from footage.endpoint_url import shown_url
from footage.errors import SettingsError, StoreError
from footage.index import VectorIndex
from footage.index_records import IndexSpec
from footage.index_spec import read_spec
from footage.local_sources import folder_path
from footage.s3_uri import is_s3
from footage.storage_settings import QdrantSettings

EXAMPLE = "http://127.0.0.1:6334"
GRPC_PORT = 6334  # Qdrant's usual one


@dataclass(frozen=True, slots=True)
class IndexAddress:
    """One of the two is set."""

    path: Path | None  # of the scenes; `videos` and what says who has it lie beside it
    url: str  # `http(s)://host:port`, the port of gRPC; of a server that many processes can use at once

    def __str__(self) -> str:
        """As it is given on the command line."""
        return self.url if self.path is None else str(self.path.parent)


def index_address(store: str, index: str | None) -> IndexAddress:
    """Where the index of a store is.

    Args:
        store: address of the store.
        index: a folder (it holds `scenes` and `videos`), a `file://` URI of one, `http(s)://host:6334`, or None: the
            folder `index` of a store that is a folder.

    Raises:
        SettingsError: it is none of these, or None where the store is a bucket.
    """
    if index is None:
        if is_s3(store):
            raise SettingsError(
                f"The store {store} is a bucket, and an index cannot lie in one: name its place with --index, a"
                f" Qdrant server such as {EXAMPLE} or a folder."
            )
        return IndexAddress(folder_path(store) / "index" / "scenes", "")
    if index.lower().startswith(("http://", "https://")):
        return IndexAddress(None, _server_url(index))
    if not index or ("://" in index and not index.startswith("file://")):
        raise SettingsError(f"{index!r} is no address of an index: it is a folder, or written like {EXAMPLE}.")
    return IndexAddress(folder_path(index) / "scenes", "")


def stored_spec(address: IndexAddress, settings: QdrantSettings) -> IndexSpec | None:
    """What the index at an address holds; None where there is none. Opens nothing, and needs no models.

    Args:
        address: see `index_address`.
        settings: of a server.

    Raises:
        IndexUnavailable: the server does not answer.
        IndexMismatch: another footage laid it out.
        StoreError: what says so is damaged, or it is not of footage.
    """
    if address.path is None:
        from footage import server_collections
        from footage.server_connection import ServerConnection

        with contextlib.closing(ServerConnection(address.url, settings)) as connection:
            return server_collections.stored_spec(connection)
    return read_spec(address.path)


def spec_there(address: IndexAddress, settings: QdrantSettings) -> IndexSpec:
    """What the index at an address holds, as `stored_spec`.

    Raises:
        StoreError: there is none.
    """
    spec = stored_spec(address, settings)
    if spec is None:
        raise StoreError(
            f"Nothing is indexed at {address}: name the right place (--index), or run `footage index` first."
        )
    return spec


def open_index(
    address: IndexAddress,
    spec: IndexSpec,
    settings: QdrantSettings,
    owner: str,
    wait_s: float = 10,
    create: bool = True,
) -> VectorIndex:
    """The index at an address; an embedded one is shared with the other processes of this machine.

    Args:
        address: see `index_address`.
        spec: what its vectors are.
        settings: of a server.
        owner: the command, for who finds an embedded index held.
        wait_s: how long each call of an embedded index is tried while its owner does not answer.
        create: make it if it is not there.

    Raises:
        IndexBusy: the owner of the embedded index does not answer.
        IndexUnavailable: the server does not answer.
        IndexMismatch: it holds vectors of other models.
        StoreError: it is not there and `create` is False, or it cannot be used.
    """
    if address.path is None:
        from footage.server_index import ServerIndex

        return ServerIndex(address.url, spec, settings, create)
    from footage.shared_index import SharedIndex

    return SharedIndex(address.path, spec, owner, wait_s, create)


def _server_url(url: str) -> str:
    """With a port and without what does not belong there.

    Raises:
        SettingsError: it is none; no secret is in the message.
    """
    try:
        parts = urlsplit(url)
        port = GRPC_PORT if parts.port is None else parts.port
        host = parts.hostname or ""
    except ValueError:  # brackets or a port that are none
        host, port = "", 0
    if "@" in url:
        raise SettingsError("The address of the index holds a user name or a password: put a key into qdrant.api_key.")
    if not host or not port or parts.path.strip("/") or parts.query or parts.fragment or not url.isprintable():
        raise SettingsError(f"{shown_url(url)!r} is no address of a Qdrant server: it is written like {EXAMPLE}.")
    return f"{parts.scheme.lower()}://{f'[{host}]' if ':' in host else host}:{port}"
