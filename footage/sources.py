"""Which videos an address names, and what has become of one: on this machine, in S3, or behind http(s).

The URI of a source says where it is: `file:///...` (percent-encoded), `s3://bucket/key` (the key as it is), or
`http(s)://...`.
"""

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from footage import http_sources, s3_sources
from footage.errors import MissingSource, SettingsError
from footage.local_sources import MISSING_ETAG, file_source, is_file_present, list_local, local_path
from footage.records import Source
from footage.remote_access import USUAL_ACCESS, RemoteAccess
from footage.s3_uri import is_s3, split_s3


def is_http(uri: str) -> bool:
    """Whether an address is one of http or https."""
    return uri.lower().startswith(("http://", "https://"))


def is_remote(uri: str) -> bool:
    """Whether a source is something else than a file of this machine."""
    return is_s3(uri) or is_http(uri)


def list_sources(address: str, access: RemoteAccess = USUAL_ACCESS) -> Iterator[Source]:
    """The videos of a folder or of a prefix of a bucket, or the one file, object or URL that `address` is.

    They come one by one as they are found: memory does not grow with their number, except with that of one folder.

    Raises:
        SettingsError: the address leads nowhere or is of a kind that cannot be read, or a part of it cannot be read,
            whose videos would be missing in silence.
        StoreError: the bucket cannot be used; StoreUnavailable where it, or the server, does not answer.
    """
    if is_s3(address):
        return s3_sources.list_s3(address, access.s3)
    if is_http(address):
        return http_sources.list_http(address, access.sources)
    if "://" in address and not address.startswith("file://"):
        raise SettingsError(
            f"{address} cannot be read: a source is a folder or a file, s3://bucket/prefix, or an http(s) URL."
        )
    return list_local(address)


def current_source(uri: str, access: RemoteAccess = USUAL_ACCESS) -> Source:
    """A source as it is now; its etag is MISSING_ETAG where it is gone or may not be read.

    Raises:
        StoreError: as list_sources().
    """
    if not is_remote(uri):
        return file_source(local_path(uri))
    try:
        if is_s3(uri):
            return s3_sources.s3_source(uri, access.s3)
        return http_sources.http_files(access.sources).source(uri)
    except MissingSource:
        return Source(uri, MISSING_ETAG, 0)  # as a dangling link: who reads it will say why


def is_present(uri: str, access: RemoteAccess = USUAL_ACCESS) -> bool:
    """Whether a source is still there; what it holds may have changed.

    Raises:
        StoreUnavailable: it cannot be told. An outage is no proof that something is gone.
        StoreError: the bucket cannot be used.
    """
    if is_s3(uri):
        return s3_sources.is_object_present(uri, access.s3)
    if is_http(uri):
        return http_sources.http_files(access.sources).is_present(uri)
    return is_file_present(local_path(uri))


def read_source(source: Source, access: RemoteAccess, start: int = 0) -> Iterator[bytes]:
    """The bytes of a remote source from `start` on, as they come in; where a connection breaks it goes on.

    Raises:
        SourceChanged: it has not the content of its etag any more.
        MissingSource: it is gone or may not be read.
        VideoTooLarge: it is larger than sources.http_max_gib.
        StoreUnavailable: its store, or its server, does not answer.
    """
    if is_s3(source.uri):
        return s3_sources.object_blocks(source, access.s3, start)
    return http_sources.http_files(access.sources).blocks(source, start)


def source_name(uri: str) -> str:
    """What users read as the name of a source's file."""
    if is_s3(uri):
        return split_s3(uri)[1].rsplit("/", 1)[-1]
    path = urlsplit(uri).path if is_http(uri) else uri
    return unquote(path.rsplit("/", 1)[-1], errors="replace")
