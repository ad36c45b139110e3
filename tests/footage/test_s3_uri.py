"""Addresses in S3 keep keys as they are."""

import pytest

from footage.errors import SettingsError
from footage.s3_uri import is_s3, s3_uri, split_s3


@pytest.mark.parametrize("key", ["a.mp4", "../../x", "/lead", "a//b", "q?x=1#f", "100%25 ü 日本語 🎬", "trail/", ""])
def test_any_key_goes_both_ways(key: str) -> None:
    uri = s3_uri("my-videos", key)
    assert is_s3(uri)
    assert split_s3(uri) == ("my-videos", key)


def test_only_the_bucket() -> None:
    assert split_s3("s3://my-videos") == ("my-videos", "")


@pytest.mark.parametrize("uri", ["/home/videos", "file:///home", "https://s3.amazonaws.com/b/k", "s3:bucket/key", ""])
def test_other_addresses_are_not_in_s3(uri: str) -> None:
    assert not is_s3(uri)
    with pytest.raises(SettingsError, match="is no address in S3: it is written like s3://bucket/folder"):
        split_s3(uri)


@pytest.mark.parametrize("bucket", ["", "ab", "my videos", "-a-", "ümlaut", "a" * 256, "..", "key:secret@bucket"])
def test_names_that_no_bucket_has(bucket: str) -> None:
    with pytest.raises(SettingsError, match="is no name of a bucket"):
        split_s3(f"s3://{bucket}/key")


@pytest.mark.parametrize("bucket", ["abc", "my.videos-2", "Old_Bucket", "a" * 63])
def test_names_that_buckets_have(bucket: str) -> None:
    assert split_s3(f"s3://{bucket}/key") == (bucket, "key")
