"""What every kind of source has in common; each kind is tested by itself."""

from pathlib import Path

import pytest

from footage.errors import SettingsError
from footage.local_sources import file_uri
from footage.remote_access import RemoteAccess
from footage.settings import Settings
from footage.sources import (
    current_source,
    is_present,
    is_remote,
    list_sources,
    source_name,
)
from footage.storage_settings import S3Settings, SourceSettings


def test_a_file_is_a_source_by_path_and_by_uri(tmp_path: Path) -> None:
    film = tmp_path / "a b.mp4"
    film.write_bytes(b"film")
    uri = file_uri(film)

    [source] = list_sources(str(film))

    assert (source.uri, source.size_bytes) == (uri, 4)
    assert list(list_sources(uri)) == [source]
    assert current_source(uri) == source
    assert is_present(uri)


@pytest.mark.parametrize("address", ["ftp://host/films", "gs://bucket/films", "/does/not/exist"])
def test_source_that_cannot_be_listed_is_named(address: str) -> None:
    with pytest.raises(SettingsError, match=address):
        list(list_sources(address))


@pytest.mark.parametrize(
    ("uri", "name", "remote"),
    [
        ("file:///films/a%20b%25.mp4", "a b%.mp4", False),
        ("file:///films/%FF.mp4", "\ufffd.mp4", False),
        ("s3://bucket/films/a%20b?c#d.mp4", "a%20b?c#d.mp4", True),
        ("s3://bucket/..", "..", True),
        ("https://host/films/a%20b.mp4?signature=secret", "a b.mp4", True),
        ("http://host", "", True),
    ],
)
def test_name_of_a_source(uri: str, name: str, remote: bool) -> None:
    assert (source_name(uri), is_remote(uri)) == (name, remote)


def test_sources_may_be_at_another_service_than_the_store() -> None:
    store, other = S3Settings(endpoint="http://store"), S3Settings(endpoint="http://other")
    sources = SourceSettings(http_allow=("host",))

    same = RemoteAccess.of(Settings(s3=store, sources=sources))
    apart = RemoteAccess.of(Settings(s3=store, source_s3=other, sources=sources))

    assert (same, apart) == (RemoteAccess(store, sources), RemoteAccess(other, sources))
