"""A store by its address."""

from pathlib import Path

import pytest

from footage.directory_store import DirectoryStore
from footage.errors import SettingsError
from footage.local_sources import file_uri
from footage.s3_store import S3Store
from footage.storage_settings import S3Settings
from footage.store_address import open_store


def test_a_folder_as_path_and_as_uri(tmp_path: Path) -> None:
    folder = tmp_path / "a b ü#?"
    for address in (str(folder), file_uri(folder)):
        store = open_store(address, S3Settings())
        assert isinstance(store, DirectoryStore)
        assert store.address == str(folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("s3://my-bucket", "s3://my-bucket"),
        ("s3://my-bucket/", "s3://my-bucket"),
        ("s3://my-bucket/footage", "s3://my-bucket/footage"),
        ("s3://my-bucket/a b/ü/", "s3://my-bucket/a b/ü"),
    ],
)
def test_a_bucket(address: str, shown: str) -> None:
    store = open_store(address, S3Settings())
    assert isinstance(store, S3Store)
    assert store.address == shown


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:9000/bucket", "gs://bucket/folder"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="is no address of a store: it is a folder, or written like s3://bucket"):
        open_store(address, S3Settings())


@pytest.mark.parametrize("prefix", ["../other", "a//b", ".hidden", "a/.b"])
def test_prefixes_that_are_no_folder_are_refused(prefix: str) -> None:
    with pytest.raises(SettingsError, match="the folder in the bucket must be like a/b"):
        open_store(f"s3://my-bucket/{prefix}", S3Settings())
