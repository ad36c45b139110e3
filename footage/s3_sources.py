"""Sources in S3: the videos below a prefix of a bucket, or one object."""

import contextlib
import functools
from collections.abc import Iterator

from footage.errors import (
    MissingSource,
    NothingThere,
    ObjectChanged,
    ObjectMissing,
    SourceChanged,
    StoreError,
    StoreRefused,
)
from footage.local_sources import has_video_suffix
from footage.records import Source
from footage.s3_bucket import S3Bucket, S3Object
from footage.s3_uri import s3_uri, split_s3
from footage.storage_settings import S3Settings


@functools.lru_cache(maxsize=32)
def _bucket(name: str, settings: S3Settings) -> S3Bucket:
    """One for a process: connections are kept open."""
    return S3Bucket(name, settings)


def list_s3(address: str, settings: S3Settings) -> Iterator[Source]:
    """The videos below a prefix, at any depth, in the order of their keys' bytes; first the object of this very name.

    A prefix is a folder: `s3://bucket/films` stands for the keys that begin with `films/`, and for the object `films`,
    whatever its suffix. Markers of folders (keys that end with a slash) and hidden names (a part of the key begins with
    a dot, and is not `.` or `..`, which are parts like others here) are left out.

    Raises:
        NothingThere: nothing is there.
        StoreError: the bucket cannot be listed.
    """
    name, prefix = split_s3(address)
    bucket = _bucket(name, settings)
    is_empty = True
    if prefix and not prefix.endswith("/"):
        try:
            found = _found(bucket, prefix)
            yield Source(s3_uri(name, found.key), found.etag, found.size_bytes)
            is_empty = False
        except ObjectMissing:
            pass
        prefix += "/"
    for page in bucket.pages(prefix):
        for found in page.objects:
            is_empty = False
            if _is_listed(found.key.removeprefix(prefix)):
                yield Source(s3_uri(name, found.key), found.etag, found.size_bytes)
    if is_empty and prefix:  # a folder of S3 is its objects, so this one is not there; an empty bucket is
        raise NothingThere(f"The source {address} cannot be read: the bucket {name} has nothing of that name.")


def is_below(address: str, bucket: str, key: str) -> bool:
    """Whether an object is one that list_s3() looks at: the one of this name, or one below it."""
    name, prefix = split_s3(address)
    return bucket == name and (key == prefix or key.startswith(_folder(prefix)))


def is_listed(address: str, key: str) -> bool:
    """Whether list_s3() gives an object that is_below() the address."""
    prefix = split_s3(address)[1]
    return (key == prefix and not key.endswith("/")) or _is_listed(key.removeprefix(_folder(prefix)))


def _folder(prefix: str) -> str:
    return prefix if not prefix or prefix.endswith("/") else prefix + "/"


def _is_listed(key: str) -> bool:
    parts = key.split("/")
    hidden = any(part.startswith(".") and part not in (".", "..") for part in parts)
    return not hidden and has_video_suffix(parts[-1])


def _found(bucket: S3Bucket, key: str) -> S3Object:
    """What is known of an object, even if it alone may not be looked at (by its ACL, or the policy of the bucket).

    Raises:
        ObjectMissing: there is none.
        StoreError: it cannot be told; the bucket may not be listed either.
    """
    try:
        return bucket.head(key)
    except StoreRefused:
        return bucket.listed(key)


def s3_source(uri: str, settings: S3Settings) -> Source:
    """An object as it is now. One that may not be read is one all the same, so that who reads it reports it.

    Raises:
        MissingSource: it is gone.
        StoreError: it cannot be told.
    """
    name, key = split_s3(uri)
    bucket = _bucket(name, settings)
    try:
        found = _found(bucket, key)
    except ObjectMissing as error:
        if not bucket.is_there():  # the answer to HEAD does not say which of the two is missing
            raise StoreError(
                f"{uri} cannot be looked for: there is no bucket {name} at {bucket.endpoint}. See that the settings "
                "s3.endpoint and s3.region (or source_s3) are those of the sources."
            ) from error
        raise MissingSource(f"{uri} is not there any more; bring it back.") from error
    return Source(uri, found.etag, found.size_bytes)


def is_object_present(uri: str, settings: S3Settings) -> bool:
    """Whether an object is there. Raises StoreError if it cannot be told."""
    try:
        s3_source(uri, settings)
    except MissingSource:
        return False
    return True


def object_url(uri: str, settings: S3Settings, lifetime_s: int, content_type: str) -> str:
    """A URL that lets anybody read an object for a while, as content of this type whatever the object's own is.

    Raises:
        StoreError: there are no credentials to sign with.
    """
    name, key = split_s3(uri)
    return _bucket(name, settings).url(key, lifetime_s, content_type)


def delete_object(uri: str, settings: S3Settings) -> None:
    """Remove an object; one that is gone already is fine. Raises StoreError if it cannot be removed."""
    name, key = split_s3(uri)
    _bucket(name, settings).delete(key)


def object_blocks(source: Source, settings: S3Settings, start: int = 0) -> Iterator[bytes]:
    """The bytes of an object from `start` on, as they come in; where a connection breaks it goes on.

    Raises:
        SourceChanged: the object is not the one of the source's etag.
        MissingSource: it is gone, or it alone cannot be read: it is in an archive tier, or its ACL, a policy or its KMS
            key forbids it, while the bucket can be listed.
        StoreError: the bucket cannot be used; StoreUnavailable where it does not answer.
    """
    name, key = split_s3(source.uri)
    bucket = _bucket(name, settings)
    try:
        yield from bucket.download(key, source.etag, start)
    except ObjectMissing as error:
        raise MissingSource(f"{source.uri} is not there any more; bring it back.") from error
    except ObjectChanged as error:
        raise SourceChanged(f"{source.uri} changed since it was listed; index it again when it is complete.") from error
    except StoreRefused as error:
        # What needs permission for the bucket only raises where all is refused, as with credentials that have expired.
        with contextlib.suppress(ObjectMissing):
            bucket.listed(key)
        raise MissingSource(f"{source.uri} cannot be read. {error}") from error
