"""Buckets with keys of any kind, and what goes wrong with them, in sentences."""

import hashlib
import io
import os
import re
import time
from pathlib import Path

import httpx2
import pytest

from footage.errors import ObjectChanged, ObjectMissing, SettingsError, StoreError, StoreRefused, StoreUnavailable
from footage.s3_bucket import S3Bucket, S3Page
from footage.s3_client import S3Client
from footage.s3_download import BLOCK_BYTES, Download
from footage.s3_refusals import NotOffered
from footage.s3_store import S3Store
from footage.s3_upload import upload_parts
from footage.storage_settings import S3Settings
from footage.transfers import TRANSFERS
from tests.ceph import free_ports
from tests.fault_proxy import fault_proxy
from tests.s3_servers import S3Server

SERVERS = ["moto", pytest.param("ceph", marks=pytest.mark.services)]
HARD_KEYS = sorted(
    [
        *("../../x", "..", ".", "a b+c%20&?#.mp4", "//x", "/lead", "x//y", "trail/", "ünï/日本語 🎬.mp4", "e\u0301"),
        *("q?versionId=3", "control\x01x", "<&>\"'", "a\\b", "~", "%", "%2F", "=;:@,$!*()[]{}|^`", "a" * 1024),
    ],
    key=str.encode,
)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> S3Server:
    return request.getfixturevalue(f"{request.param}_s3")


@pytest.fixture
def bucket(server: S3Server) -> S3Bucket:
    return S3Bucket(server.new_bucket(), server.settings)


def keys_of(pages: list[S3Page]) -> list[list[str]]:
    return [[each.key for each in page.objects] for page in pages]


def test_keys_that_are_no_paths(bucket: S3Bucket) -> None:
    for key in HARD_KEYS:
        bucket.put(key, key.encode())
    (page,) = bucket.pages()
    assert [each.key for each in page.objects] == HARD_KEYS
    for found in page.objects:
        data = found.key.encode()
        assert (found.size_bytes, found.etag) == (len(data), hashlib.md5(data, usedforsecurity=False).hexdigest())
        assert bucket.head(found.key)[:3] == found[:3]
        assert bucket.get(found.key) == (data, found.etag)
        assert bucket.read_range(found.key, 0, 1, found.etag) == data[:1]
        if found.key.isprintable():  # radosgw 16 answers 500 to a prefix with a control character
            assert bucket.listed(found.key) == found
        assert httpx2.get(bucket.url(found.key)).content == data or found.key in ("..", "../../x", ".")
    bucket.delete_all(HARD_KEYS)
    assert list(bucket.pages()) == [S3Page((), ())]


def test_listing_by_pages(bucket: S3Bucket) -> None:
    for key in ("a/1", "a/2", "a/b/1", "b/1", "c d/1", "e"):
        bucket.put(key, b"")
    assert keys_of(list(bucket.pages(page_keys=4))) == [["a/1", "a/2", "a/b/1", "b/1"], ["c d/1", "e"]]
    assert keys_of(list(bucket.pages("a/", page_keys=2))) == [["a/1", "a/2"], ["a/b/1"]]
    assert keys_of(list(bucket.pages(page_keys=2, after="a/2"))) == [["a/b/1", "b/1"], ["c d/1", "e"]]
    top = list(bucket.pages(delimiter="/", page_keys=2))
    assert keys_of(top) == [[], ["e"]]
    assert [page.folders for page in top] == [("a/", "b/"), ("c d/",)]
    assert keys_of(list(bucket.pages("nothing/"))) == [[]]


def test_one_object_of_a_listing_is_of_exactly_this_key(bucket: S3Bucket) -> None:
    bucket.put("film.mp4", b"")
    assert bucket.listed("film.mp4").key == "film.mp4"
    for key in ("film", "film.mp4/"):
        with pytest.raises(ObjectMissing, match=f"There is no object {key} in s3://{bucket.name}"):
            bucket.listed(key)


def test_an_object_is_read_in_blocks_and_counted(server: S3Server, bucket: S3Bucket) -> None:
    data = os.urandom(1_000_001)
    bucket.put("film.mp4", data)
    download, before = Download(S3Client(server.settings), bucket.name, "film.mp4"), TRANSFERS.total()
    blocks = list(download)
    assert (b"".join(blocks), download.etag) == (data, bucket.head("film.mp4").etag)
    assert max(map(len, blocks)) <= BLOCK_BYTES
    assert TRANSFERS.total() == (before.retries, before.bytes_read + 1_000_001)


def test_another_object_of_the_same_name_is_not_read(server: S3Server, bucket: S3Bucket) -> None:
    bucket.put("film.mp4", b"one")
    etag = bucket.head("film.mp4").etag
    bucket.put("film.mp4", b"two")
    for use in (
        lambda: list(Download(S3Client(server.settings), bucket.name, "film.mp4", etag)),
        lambda: bucket.read_range("film.mp4", 0, 2, etag),
    ):
        with pytest.raises(ObjectChanged, match=r"/film\.mp4 is not the object that it was when it was listed"):
            use()
    with pytest.raises(ObjectMissing, match=r"There is no object other\.mp4 in s3://"):
        bucket.get("other.mp4")


def test_what_is_written_on_a_condition(bucket: S3Bucket) -> None:
    assert bucket.put_if("a", b"1", None)
    assert not bucket.put_if("a", b"2", None)
    first = bucket.head("a").etag
    assert bucket.put_if("a", b"2", first)
    assert not bucket.put_if("a", b"3", first)
    assert not bucket.put_if("missing", b"3", first)
    assert bucket.get("a")[0] == b"2"


def test_an_upload_that_fails_leaves_no_parts(server: S3Server) -> None:
    """The parts of an upload are not listed, but paid for."""
    name = server.new_bucket()

    class Unreadable(io.BytesIO):
        """A file on a disk that fails behind the first part."""

        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("the disk is gone")
            return super().read(size)

    with pytest.raises(OSError, match="the disk is gone"):
        upload_parts(S3Client(server.settings), name, "film.mp4", Unreadable(bytes(11 << 20)), 5 << 20, {})
    assert server.client().list_multipart_uploads(Bucket=name).get("Uploads", []) == []
    assert keys_of(list(S3Bucket(name, server.settings).pages())) == [[]]


def test_a_bucket_is_made_on_request_only(server: S3Server) -> None:
    name = f"made-{os.urandom(8).hex()}"
    with pytest.raises(
        StoreError,
        match=f"There is no bucket {name} at {server.settings.endpoint}: make it, .* or set"
        r" s3\.create_bucket",
    ):
        S3Store(name, "", server.settings).probe()
    asked = server.settings.model_copy(update={"create_bucket": True})
    S3Store(name, "", asked).probe()
    S3Store(name, "", asked).probe()
    assert S3Bucket(name, server.settings).is_there()


def test_a_bucket_that_cannot_be_looked_for_is_not_taken_for_missing(moto_s3: S3Server) -> None:
    name = moto_s3.new_bucket()
    with fault_proxy(moto_s3.settings.endpoint) as proxy:
        bucket = S3Bucket(name, moto_s3.settings.model_copy(update={"endpoint": proxy.url}))
        assert bucket.is_there()
        proxy.faults.not_offered = name
        for use in (bucket.is_there, bucket.create):
            with pytest.raises(NotOffered, match=f"cannot look at the bucket {name} in this way"):
                use()


def test_a_probe_reads_what_it_wrote_with_its_etag(moto_s3: S3Server) -> None:
    name = moto_s3.new_bucket()
    with fault_proxy(moto_s3.settings.endpoint) as proxy:
        S3Store(name, "", moto_s3.settings.model_copy(update={"endpoint": proxy.url})).probe()
        # each refused write is looked at: it may have been ours
        assert " ".join(each.method for each in proxy.seen) == "PUT PUT HEAD GET PUT PUT HEAD GET DELETE"


@pytest.mark.services
def test_who_has_no_permission_is_told_which(ceph_s3: S3Server) -> None:
    name = ceph_s3.new_bucket()
    bucket = S3Bucket(name, ceph_s3.stranger)
    for use, said in (
        (lambda: list(bucket.pages()), f"list the bucket {name} (AccessDenied): s3:ListBucket is needed"),
        (lambda: bucket.get("a"), f"read s3://{name}/a (AccessDenied): s3:GetObject is needed"),
        (lambda: bucket.put("a", b""), f"write s3://{name}/a (AccessDenied): s3:PutObject is needed"),
        (lambda: bucket.delete("a"), f"delete s3://{name}/a (AccessDenied): s3:DeleteObject is needed"),
        (lambda: bucket.head("a"), f"look at s3://{name}/a (403): s3:GetObject is needed"),
        (bucket.create, f"make the bucket {name}"),
    ):
        with pytest.raises(StoreError, match=re.escape(said)):
            use()


@pytest.mark.services
def test_credentials_that_are_wrong_or_absent(ceph_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    name = ceph_s3.new_bucket()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreRefused, match=r"does not accept the credentials \(SignatureDoesNotMatch\): check AWS_ACC"):
        S3Bucket(name, ceph_s3.settings).get("a")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    with pytest.raises(StoreRefused, match=r"does not accept the credentials \(InvalidAccessKeyId\)"):
        S3Bucket(name, ceph_s3.settings).get("a")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreRefused, match=r"There are no credentials .*: set AWS_ACCESS_KEY_ID and"):
        S3Bucket(name, ceph_s3.settings).get("a")


@pytest.mark.services
def test_a_url_ends_and_is_of_one_object(ceph_s3: S3Server) -> None:
    bucket = S3Bucket(ceph_s3.new_bucket(), ceph_s3.settings)
    for key in ("a", "b"):
        bucket.put(key, key.encode())
    url = bucket.url("a", lifetime_s=60)
    assert httpx2.get(url).content == b"a"
    assert httpx2.get(url.replace("/a?", "/b?")).status_code == 403
    assert httpx2.get(url.partition("?")[0]).status_code == 403
    short = bucket.url("a", lifetime_s=1)
    time.sleep(3)
    assert httpx2.get(short).status_code == 403


def test_settings_that_lead_nowhere(moto_s3: S3Server) -> None:
    with pytest.raises(SettingsError, match=r"The settings s3 \(endpoint '127.0.0.1:80'.* Invalid endpoint"):
        S3Bucket("bucket", S3Settings(endpoint="127.0.0.1:80")).get("a")
    with pytest.raises(SettingsError, match=r"\(nope\) could not be found"):
        S3Bucket("bucket", S3Settings(aws_profile="nope")).get("a")
    with pytest.raises(SettingsError, match=r"The setting s3\.endpoint holds a user name or a password") as told:
        S3Bucket("bucket", S3Settings(endpoint="http://key:secret@127.0.0.1")).get("a")
    assert "secret@" not in str(told.value)
    with pytest.raises(SettingsError, match="is no name of a bucket"):
        S3Bucket("a b", moto_s3.settings)


@pytest.mark.parametrize(
    ("settings", "beginning"),
    [
        ({"endpoint": "http://s3.example.org"}, "http://s3.example.org/bucket/key?"),
        ({"endpoint": "http://s3.example.org", "addressing": "virtual"}, "http://bucket.s3.example.org/key?"),
        ({}, "https://bucket.s3.amazonaws.com/key?"),
        ({"region": "eu-central-1"}, "https://bucket.s3.eu-central-1.amazonaws.com/key?"),
        ({"addressing": "path"}, "https://s3.amazonaws.com/bucket/key?"),
    ],
)
def test_where_the_name_of_the_bucket_stands(s3_credentials: None, settings: dict[str, str], beginning: str) -> None:
    bucket = S3Bucket("bucket", S3Settings(**settings))
    assert bucket.url("key").startswith(beginning)
    if not settings.get("endpoint"):  # a certificate of AWS is for one more part of a host's name
        assert "amazonaws.com/with.dots/key?" in S3Bucket("with.dots", S3Settings(**settings)).url("key")
    assert f"%2F{settings.get('region', 'us-east-1')}%2Fs3%2F" in bucket.url("key")


def test_an_endpoint_of_the_aws_configuration(s3_credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3.example.org")
    bucket = S3Bucket("bucket", S3Settings())
    assert bucket.endpoint == "http://s3.example.org"
    assert bucket.url("key").startswith("http://s3.example.org/bucket/key?")


def test_a_proxy_is_used(moto_s3: S3Server) -> None:
    name = moto_s3.new_bucket()
    with fault_proxy(moto_s3.settings.endpoint) as proxy:
        bucket = S3Bucket(name, moto_s3.settings.model_copy(update={"proxy": proxy.url}))
        bucket.put("a", b"1")
        assert bucket.get("a")[0] == b"1"
        assert len(proxy.seen) == 2


def test_an_object_in_an_archive_is_not_read(moto_s3: S3Server) -> None:
    name = moto_s3.new_bucket()
    moto_s3.client().put_object(Bucket=name, Key="film.mp4", Body=b"", StorageClass="GLACIER")
    with pytest.raises(StoreRefused, match=rf"s3://{name}/film\.mp4 is in an archive tier .*: restore it first"):
        S3Bucket(name, moto_s3.settings).get("film.mp4")


def test_an_address_that_nobody_listens_at() -> None:
    (port,) = free_ports(1)
    bucket = S3Bucket("bucket", S3Settings(endpoint=f"http://127.0.0.1:{port}", max_attempts=3))
    with pytest.raises(
        StoreUnavailable,
        match=rf"^The object store at http://127\.0\.0\.1:{port} does not answer \(tried 3 times over \d+ s\): there is"
        r" no connection\.$",
    ):
        bucket.get("a")


@pytest.mark.parametrize(("header", "named"), [("if-none-match", "If-None-Match"), ("if-match", "If-Match")])
def test_a_store_that_ignores_conditions_is_refused(moto_s3: S3Server, header: str, named: str) -> None:
    name = moto_s3.new_bucket()
    with fault_proxy(moto_s3.settings.endpoint) as proxy:
        proxy.faults.dropped_headers = frozenset({header})
        store = S3Store(name, "", moto_s3.settings.model_copy(update={"endpoint": proxy.url}))
        with pytest.raises(
            StoreError, match=rf"ignores conditional writes \({named}\), so two runs could take the same video"
        ):
            store.probe()
        assert list(store.list("")) == []


def test_a_store_without_delete_objects(moto_s3: S3Server) -> None:
    name = moto_s3.new_bucket()
    with fault_proxy(moto_s3.settings.endpoint) as proxy:
        proxy.faults.not_offered = "?delete"
        bucket = S3Bucket(name, moto_s3.settings.model_copy(update={"endpoint": proxy.url}))
        for keys in (["a", "b", "c"], ["d", "e"]):
            for key in keys:
                bucket.put(key, b"")
            bucket.delete_all([*keys, "missing"])
        assert keys_of(list(bucket.pages())) == [[]]
        assert proxy.injected() == {"not_offered": 1}


def test_writes_are_encrypted_as_set(moto_s3: S3Server, tmp_path: Path) -> None:
    name = moto_s3.new_bucket()
    settings = moto_s3.settings.model_copy(update={"encryption": "aws:kms", "kms_key": "alias/footage"})
    store = S3Store(name, "", settings)
    (tmp_path / "film").write_bytes(bytes(6 << 20))
    store.put("put", b"")
    store.create("create", b"")
    store.put("swap", b"1")
    store.swap("swap", b"1", b"2")
    store.upload("upload", tmp_path / "film")
    for key in ("put", "create", "swap", "upload"):
        head = moto_s3.client().head_object(Bucket=name, Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/footage")
