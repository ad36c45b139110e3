"""Sources in a bucket: which objects are videos, what they are now, and their bytes."""

from collections.abc import Iterator

import pytest

from footage.errors import MissingSource, SettingsError, SourceChanged, StoreError, StoreRefused
from footage.local_sources import MISSING_ETAG
from footage.originals import delete_source_file
from footage.records import Source
from footage.remote_access import RemoteAccess
from footage.sources import current_source, is_present, list_sources, read_source, source_name
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.s3_servers import S3Server

AWKWARD = (
    "a b%20c?d=e#f.mp4",
    "a//b.mp4",
    "../../x.mp4",
    "./y.mp4",
    "日本/映画.mp4",
    "/leading.mp4",
    "UPPER.MP4",
    "quote'\"<&>.mkv",
)
LEFT_OUT = ("notes.txt", ".hidden.mp4", ".git/e.mp4", "a/.trash/f.mp4", "folder.mp4/", "mp4")


@pytest.fixture
def access(moto_s3: S3Server) -> RemoteAccess:
    return RemoteAccess(moto_s3.settings)


@pytest.fixture
def bucket(moto_s3: S3Server) -> str:
    return moto_s3.new_bucket()


def put(server: S3Server, bucket: str, key: str, content: bytes = b"film") -> str:
    return str(server.client().put_object(Bucket=bucket, Key=key, Body=content)["ETag"]).strip('"')


def test_lists_videos_of_a_bucket_by_their_keys_as_they_are(
    moto_s3: S3Server, access: RemoteAccess, bucket: str
) -> None:
    etags = {key: put(moto_s3, bucket, key, key.encode()) for key in (*AWKWARD, *LEFT_OUT)}

    listed = list(list_sources(f"s3://{bucket}", access))

    wanted = sorted(AWKWARD, key=str.encode)
    assert listed == [Source(f"s3://{bucket}/{key}", etags[key], len(key.encode())) for key in wanted]
    for source, key in zip(listed, wanted, strict=True):
        assert source_name(source.uri) == key.rsplit("/", 1)[-1]
        assert current_source(source.uri, access) == source
        assert is_present(source.uri, access)
        assert b"".join(read_source(source, access)) == key.encode()


def test_a_prefix_is_a_folder_and_the_object_of_that_name(moto_s3: S3Server, access: RemoteAccess, bucket: str) -> None:
    for key in ("films", "films/a.mp4", "films/.hidden/b.mp4", "films/deep/c.mkv", "films2/d.mp4", ".films/e.mp4"):
        put(moto_s3, bucket, key)

    def keys(address: str) -> list[str]:
        return [source.uri.removeprefix(f"s3://{bucket}/") for source in list_sources(address, access)]

    assert keys(f"s3://{bucket}/films") == ["films", "films/a.mp4", "films/deep/c.mkv"]
    assert keys(f"s3://{bucket}/films/") == ["films/a.mp4", "films/deep/c.mkv"]
    assert keys(f"s3://{bucket}/films/deep/c.mkv") == ["films/deep/c.mkv"]
    assert keys(f"s3://{bucket}/.films") == [".films/e.mp4"]  # asked for by name
    assert keys(f"s3://{bucket}/") == ["films/a.mp4", "films/deep/c.mkv", "films2/d.mp4"]


def test_a_prefix_without_anything_is_named(access: RemoteAccess, bucket: str) -> None:
    assert list(list_sources(f"s3://{bucket}", access)) == []
    with pytest.raises(
        SettingsError, match=rf"^The source s3://{bucket}/flims cannot be read: the bucket {bucket} has"
    ):
        list(list_sources(f"s3://{bucket}/flims", access))


def test_a_bucket_that_is_not_there_is_no_proof_that_its_objects_are_gone(access: RemoteAccess) -> None:
    for ask in (is_present, current_source):
        with pytest.raises(StoreError, match="no bucket footage-nowhere"):
            ask("s3://footage-nowhere/a.mp4", access)
    with pytest.raises(StoreError, match="no bucket footage-nowhere"):
        list(list_sources("s3://footage-nowhere/a.mp4", access))


def test_an_object_that_is_gone(moto_s3: S3Server, access: RemoteAccess, bucket: str) -> None:
    source = Source(f"s3://{bucket}/a.mp4", put(moto_s3, bucket, "a.mp4"), 4)
    moto_s3.client().delete_object(Bucket=bucket, Key="a.mp4")

    assert current_source(source.uri, access) == Source(source.uri, MISSING_ETAG, 0)
    assert not is_present(source.uri, access)
    with pytest.raises(MissingSource, match=rf"^{source.uri} is not there any more; bring it back\.$"):
        list(read_source(source, access))


def test_an_object_is_deleted_and_again_is_fine(moto_s3: S3Server, access: RemoteAccess, bucket: str) -> None:
    for key in ("a.mp4", "b.mp4"):
        put(moto_s3, bucket, key)

    for _ in range(2):
        delete_source_file(f"s3://{bucket}/a.mp4", access)

    assert [source.uri for source in list_sources(f"s3://{bucket}", access)] == [f"s3://{bucket}/b.mp4"]


def test_an_object_that_was_replaced(moto_s3: S3Server, access: RemoteAccess, bucket: str) -> None:
    source = Source(f"s3://{bucket}/a.mp4", put(moto_s3, bucket, "a.mp4"), 4)
    etag = put(moto_s3, bucket, "a.mp4", b"another film")

    assert current_source(source.uri, access) == Source(source.uri, etag, 12)
    with pytest.raises(SourceChanged, match="changed since it was listed"):
        list(read_source(source, access))


def test_an_object_in_an_archive_costs_itself_only(moto_s3: S3Server, access: RemoteAccess, bucket: str) -> None:
    put(moto_s3, bucket, "a.mp4")
    moto_s3.client().put_object(Bucket=bucket, Key="b.mp4", Body=b"film", StorageClass="GLACIER")
    [_, archived] = list_sources(f"s3://{bucket}", access)

    with pytest.raises(
        MissingSource, match=rf"^{archived.uri} cannot be read\. .*is in an archive tier .*: restore it first"
    ):
        list(read_source(archived, access))


@pytest.fixture
def proxy(moto_s3: S3Server) -> Iterator[FaultProxy]:
    with fault_proxy(moto_s3.settings.endpoint) as between:
        yield between


def test_an_object_that_may_not_be_read_costs_itself_only(moto_s3: S3Server, proxy: FaultProxy, bucket: str) -> None:
    """Of another account, or with a KMS key that is not ours: HEAD and GET are refused, and the listing has it."""
    access = RemoteAccess(moto_s3.settings.model_copy(update={"endpoint": proxy.url}))
    free, forbidden = (
        Source(f"s3://{bucket}/{key}", put(moto_s3, bucket, key, key.encode()), len(key)) for key in ("a.mp4", "b.mp4")
    )
    put(moto_s3, bucket, "b.mp4.mp4", b"a longer name")
    proxy.faults.forbidden = "/b.mp4"

    with pytest.raises(
        MissingSource,
        match=rf"^{forbidden.uri} cannot be read\. The credentials have no permission to read {forbidden.uri}"
        r" \(AccessDenied\): s3:GetObject is needed, and kms:Decrypt where a KMS key encrypts it\. ",
    ):
        list(read_source(forbidden, access))
    assert b"".join(read_source(free, access)) == b"a.mp4"
    assert current_source(forbidden.uri, access) == forbidden  # in the state it was listed in, by which it failed
    assert is_present(forbidden.uri, access)
    assert list(list_sources(forbidden.uri, access)) == [forbidden]

    moto_s3.client().delete_object(Bucket=bucket, Key="b.mp4")
    assert current_source(forbidden.uri, access) == Source(forbidden.uri, MISSING_ETAG, 0)
    assert not is_present(forbidden.uri, access)


def test_where_all_is_refused_no_object_is_to_blame(moto_s3: S3Server, proxy: FaultProxy, bucket: str) -> None:
    access = RemoteAccess(moto_s3.settings.model_copy(update={"endpoint": proxy.url}))
    source = Source(f"s3://{bucket}/a.mp4", put(moto_s3, bucket, "a.mp4"), 4)
    proxy.faults.forbidden = bucket

    for use in (
        lambda: list(read_source(source, access)),
        lambda: current_source(source.uri, access),
        lambda: is_present(source.uri, access),
        lambda: list(list_sources(source.uri, access)),
    ):
        with pytest.raises(StoreRefused, match=rf"no permission to list the bucket {bucket} \(AccessDenied\)"):
            use()


def test_the_rest_of_an_object(moto_s3: S3Server, access: RemoteAccess, bucket: str) -> None:
    content = bytes(range(256)) * 10_000
    source = Source(f"s3://{bucket}/a.mp4", put(moto_s3, bucket, "a.mp4", content), len(content))

    assert b"".join(read_source(source, access, start=1_500_000)) == content[1_500_000:]
    assert b"".join(read_source(source, access, start=len(content))) == b""
