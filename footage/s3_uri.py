"""Addresses in S3: `s3://bucket/key`, the key as it is.

A key is any text of up to 1,024 bytes of UTF-8. `?`, `#`, `%`, `..`, `//` and a leading slash belong to it, so nothing
is percent-encoded, and urllib, which would split and normalise, is not used.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""

import re

from footage.errors import SettingsError

SCHEME = "s3://"
# What S3 takes today and what older buckets of us-east-1 and of Ceph have: also capitals and underscores, up to 255.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


def is_s3(uri: str) -> bool:
    """Whether this is an address in S3, be its bucket's name valid or not."""
    return uri.startswith(SCHEME)


def split_s3(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`; the key is empty where only a bucket is named.

    Raises:
        SettingsError: it is not such an address.
    """
    if not is_s3(uri):
        raise SettingsError(f"{uri!r} is no address in S3: it is written like s3://bucket/folder.")
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    return check_bucket(bucket), key


def s3_uri(bucket: str, key: str) -> str:
    """`s3://bucket/key`."""
    return f"{SCHEME}{bucket}/{key}"


def check_bucket(name: str) -> str:
    """The name itself.

    Raises:
        SettingsError: no bucket can be called that.
    """
    if not _BUCKET.fullmatch(name):
        raise SettingsError(
            f"{name!r} is no name of a bucket: that is 3 to 63 small letters, digits, dots and hyphens, and begins and"
            " ends with a letter or a digit. Addresses are written like s3://bucket/folder."
        )
    return name
