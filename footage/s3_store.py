"""Objects in a bucket of an S3-compatible service: the store of many machines."""

import contextlib
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from footage.errors import ObjectMissing, StoreError
from footage.s3_bucket import S3Bucket, S3Object
from footage.s3_refusals import NotOffered
from footage.s3_uri import s3_uri
from footage.storage import StoredObject, check_folder, check_key, check_prefix
from footage.storage_settings import S3Settings


class S3Store:
    """Objects below a prefix of a bucket. Safe for any number of machines, if the service knows conditional writes.

    `create` is a PUT with `If-None-Match: *`, `swap` a GET and a PUT with `If-Match`; see S3Bucket.put_if for lost
    answers. What others keep below the prefix under names that are no keys (`a//b`, `.git/x`) is not seen.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """

    def __init__(self, bucket: str, prefix: str, settings: S3Settings) -> None:
        """`prefix` is empty or `part/part`, made of parts as keys are.

        Raises:
            StoreError: the prefix is not one.
            SettingsError: no bucket can be called that.
        """
        self._bucket = S3Bucket(bucket, settings)
        self._prefix = f"{check_key(prefix.strip('/'))}/" if prefix.strip("/") else ""

    @property
    def address(self) -> str:
        """See ObjectStore."""
        return s3_uri(self._bucket.name, self._prefix).rstrip("/")

    def get(self, key: str) -> bytes:
        """See ObjectStore."""
        with self._missing_named(key):
            return self._bucket.get(self._whole(key))[0]

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """See ObjectStore."""
        with self._missing_named(key):
            return self._bucket.read_range(self._whole(key), start, end)

    def put(self, key: str, data: bytes) -> None:
        """See ObjectStore."""
        self._bucket.put(self._whole(key), data)

    def create(self, key: str, data: bytes) -> bool:
        """See ObjectStore."""
        return self._bucket.put_if(self._whole(key), data, None)

    def swap(self, key: str, expected: bytes, data: bytes) -> bool:
        """See ObjectStore."""
        whole = self._whole(key)
        try:
            held, etag = self._bucket.get(whole)
        except ObjectMissing:
            return False
        return held == expected and self._bucket.put_if(whole, data, etag)

    def upload(self, key: str, path: Path) -> None:
        """See ObjectStore."""
        try:
            self._bucket.upload(self._whole(key), path)
        except OSError as error:
            raise StoreError(
                f"Cannot read {path}, which is to be stored as {key}: {error.strerror or error}."
            ) from error

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        self._bucket.delete(self._whole(key))

    def delete_all(self, keys: Iterable[str]) -> None:
        """See ObjectStore. A thousand that follow each other go in one request, in no order."""
        self._bucket.delete_all(self._whole(key) for key in keys)

    def exists(self, key: str) -> bool:
        """See ObjectStore."""
        try:
            self._bucket.head(self._whole(key))
        except ObjectMissing:
            return False
        return True

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        """See ObjectStore. A thousand keys cost one request, which is sent when the first of them is asked for."""
        return (key for key, _ in self._entries(prefix, after))

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """See ObjectStore."""
        return (StoredObject(key, each.size_bytes, each.modified_at) for key, each in self._entries(prefix))

    def folders(self, prefix: str, after: str = "") -> Iterator[str]:
        """See ObjectStore."""
        below = self._prefix + check_folder(prefix)
        # 0 comes after the slash: all keys in this folder are passed over, and no others
        for page in self._bucket.pages(below, delimiter="/", after=f"{below}{after}0" if after else ""):
            for folder in page.folders:
                name = folder.removeprefix(below).removesuffix("/")
                if _is_key(name):
                    yield name

    def url(self, key: str, lifetime_s: int | None = None) -> str:
        """See ObjectStore."""
        return self._bucket.url(self._whole(key), lifetime_s)

    def probe(self) -> None:
        """See ObjectStore. Makes the bucket first, if the settings ask for that."""
        if self._bucket.settings.create_bucket:
            self._bucket.create()
        key = f"probe-{uuid.uuid4().hex}"
        try:
            # not within what deletes the key: a store that does not answer is waited for once
            created = self.create(key, b"1")
            try:
                if not created or self.create(key, b"2"):
                    raise self._unconditional("If-None-Match")
                self._probe_swap(key)
            finally:
                self.delete(key)
        except NotOffered as error:
            raise self._unconditional("If-None-Match or If-Match") from error

    def _probe_swap(self, key: str) -> None:
        """Swap with the right ETag and with one that is not right any more."""
        whole = self._whole(key)
        held, etag = self._bucket.get(whole)
        if held != b"1":
            raise self._unconditional("If-None-Match")
        right = self._bucket.put_if(whole, b"2", etag)
        wrong = self._bucket.put_if(whole, b"3", etag)
        if not right or wrong or self.get(key) != b"2":
            raise self._unconditional("If-Match")

    def _unconditional(self, header: str) -> StoreError:
        return StoreError(
            f"The object store at {self._bucket.endpoint} ignores conditional writes ({header}), so two runs could take"
            " the same video. Keep the store at a service that has them, such as AWS S3 or Ceph, or in a folder."
        )

    def _entries(self, prefix: str, after: str = "") -> Iterator[tuple[str, S3Object]]:
        after = self._prefix + after if after else ""
        for page in self._bucket.pages(self._prefix + check_prefix(prefix), after=after):
            for each in page.objects:
                key = each.key.removeprefix(self._prefix)
                if _is_key(key):
                    yield key, each

    def _whole(self, key: str) -> str:
        return self._prefix + check_key(key)

    @contextlib.contextmanager
    def _missing_named(self, key: str) -> Iterator[None]:
        try:
            yield
        except ObjectMissing as error:
            raise ObjectMissing(f"There is no object {key} in {self.address}.") from error


def _is_key(key: str) -> bool:
    try:
        check_key(key)
    except StoreError:
        return False
    return True
