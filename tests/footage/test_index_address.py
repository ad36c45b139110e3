import pickle
import re
from pathlib import Path

import pytest

from footage.errors import SettingsError, StoreError
from footage.index_address import IndexAddress, index_address, open_index, spec_there, stored_spec
from footage.server_index import ServerIndex
from footage.shared_index import SharedIndex
from footage.storage_settings import QdrantSettings
from tests.points import LIVE, SPEC, drop, scene, server_settings, write
from tests.qdrant_server.server import QdrantServer


@pytest.mark.parametrize(
    ("store", "index", "address", "shown"),
    [
        ("films", None, IndexAddress(Path("films/index/scenes"), ""), "films/index"),
        ("/a/films", None, IndexAddress(Path("/a/films/index/scenes"), ""), "/a/films/index"),
        ("file:///a/my%20films", None, IndexAddress(Path("/a/my films/index/scenes"), ""), "/a/my films/index"),
        ("films", "vectors", IndexAddress(Path("vectors/scenes"), ""), "vectors"),
        ("s3://bucket/films", "/a/vectors", IndexAddress(Path("/a/vectors/scenes"), ""), "/a/vectors"),
        ("s3://bucket", "file:///a/b", IndexAddress(Path("/a/b/scenes"), ""), "/a/b"),
        ("films", "http://qdrant", IndexAddress(None, "http://qdrant:6334"), "http://qdrant:6334"),
        ("films", "HTTPS://Q.example.org:443/", IndexAddress(None, "https://q.example.org:443"), None),
        ("s3://bucket", "http://[::1]:7000", IndexAddress(None, "http://[::1]:7000"), "http://[::1]:7000"),
    ],
)
def test_where_an_index_is(store: str, index: str | None, address: IndexAddress, shown: str | None) -> None:
    found = index_address(store, index)
    assert found == address
    assert str(found) == (shown or address.url)
    assert pickle.loads(pickle.dumps(found)) == address


@pytest.mark.parametrize(
    ("store", "index", "says"),
    [
        (
            "s3://bucket/films",
            None,
            r"The store s3://bucket/films is a bucket, .* with --index, a Qdrant server",
        ),
        ("films", "", r"'' is no address of an index: it is a folder, or written like http://127\.0\.0\.1:6334\."),
        ("films", "s3://bucket/index", r"'s3://bucket/index' is no address of an index"),
        ("films", "http://", r"'http://' is no address of a Qdrant server: it is written like http://127"),
        ("films", "http://qdrant:0", r"'http://qdrant:0' is no address of a Qdrant server"),
        ("films", "http://qdrant:grpc", r"'http://qdrant:grpc' is no address of a Qdrant server"),
        ("films", "http://qdrant:6334/collections", r"'http://qdrant:6334/collections' is no address of a Qdrant"),
        ("films", "http://qdrant:6334?api-key=secret", r"'http://qdrant:6334' is no address of a Qdrant server"),
        ("films", "https://me:secret@qdrant", r"holds a user name or a password: put a key into qdrant\.api_key"),
    ],
)
def test_what_is_no_address(store: str, index: str | None, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refused:
        index_address(store, index)
    assert "secret" not in str(refused.value)


def test_the_index_at_an_address_is_opened(qdrant: QdrantServer, tmp_path: Path) -> None:
    for given, kind in ((None, SharedIndex), (qdrant.url, ServerIndex)):
        address = index_address(str(tmp_path), given)
        settings = server_settings(tmp_path)
        with pytest.raises(StoreError, match="Nothing is indexed"):
            open_index(address, SPEC, settings, "footage search", create=False)
        assert stored_spec(address, settings) is None
        with pytest.raises(StoreError, match=f"^Nothing is indexed at {re.escape(str(address))}: name the right place"):
            spec_there(address, settings)
        index = open_index(address, SPEC, settings, "footage index")
        write(index, scene("v1/0"))
        assert (type(index), index.count(LIVE), spec_there(address, settings)) == (kind, 1, SPEC)
        drop(index)


def test_a_server_index_of_another_collection_is_another_index(qdrant: QdrantServer, tmp_path: Path) -> None:
    address = index_address("s3://bucket", qdrant.url)
    one, other = (
        open_index(address, SPEC, QdrantSettings(collection=f"{tmp_path.name}-{name}"), "a test") for name in "ab"
    )
    write(one, scene("v1/0"))
    assert (one.count(LIVE), other.count(LIVE)) == (1, 0)
    drop(one)
    drop(other)
