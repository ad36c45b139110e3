"""One bucket of an S3-compatible service, with keys of any kind: sources are there, and stores stand on it."""

import contextlib
import itertools
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from footage.errors import ObjectMissing, StoreRefused, StoreUnavailable
from footage.s3_client import S3Client, pause
from footage.s3_download import Download
from footage.s3_refusals import BucketMissing, ConditionFailed, NotOffered
from footage.s3_upload import NONCE, part_size, upload_parts
from footage.s3_uri import check_bucket, s3_uri
from footage.storage_settings import S3Settings

PAGE_KEYS = 1000  # S3's most in one answer, and in one DeleteObjects
LONGEST_URL_S = 7 * 24 * 3600


class S3Object(NamedTuple):
    """What is known of an object without reading it."""

    key: str
    size_bytes: int
    etag: str  # without quotes; another one if the content is another
    modified_at: float  # POSIX seconds


class S3Page(NamedTuple):
    """One answer to a listing, in order of the UTF-8 bytes of the keys."""

    objects: tuple[S3Object, ...]
    folders: tuple[str, ...]  # where a delimiter was given: the different beginnings up to it, delimiter included


class S3Bucket:
    """Objects of one bucket. For any number of threads; it can be pickled, and connects again where it arrives.

    Requests that are throttled, not answered or broken off are sent again as the settings say (see S3Client). Methods
    raise StoreError, with a sentence: StoreUnavailable after the last try, StoreRefused without permission,
    ObjectMissing, ObjectChanged, and SettingsError where the settings cannot be used.
    """

    def __init__(self, bucket: str, settings: S3Settings) -> None:
        self.name = check_bucket(bucket)
        self.settings = settings
        self._client = S3Client(settings)
        self._quotes_etags = True
        self._deletes_many = True

    @property
    def endpoint(self) -> str:
        """Where the service is."""
        return self._client.endpoint

    def pages(
        self, prefix: str = "", delimiter: str = "", page_keys: int = PAGE_KEYS, after: str = ""
    ) -> Iterator[S3Page]:
        """The objects whose keys begin with `prefix`, page by page.

        Args:
            prefix: of whole keys.
            delimiter: keys that have it behind the prefix are not listed, but what comes before and with it is.
            page_keys: most keys and folders in a page, up to 1000.
            after: keys up to this one are left out; it need not be there.
        """
        asked: dict[str, Any] = {"Prefix": prefix, "MaxKeys": page_keys}
        if delimiter:
            asked["Delimiter"] = delimiter
        if after:
            asked["StartAfter"] = after
        while True:
            # botocore asks for keys in URL encoding, since XML cannot carry all characters, and decodes them
            answer = self._call("list_objects_v2", **asked)
            objects = answer.get("Contents", [])
            yield S3Page(
                tuple(_listed(each) for each in objects),
                tuple(each["Prefix"] for each in answer.get("CommonPrefixes", [])),
            )
            if not answer.get("IsTruncated"):
                return
            asked.pop("StartAfter", None)
            asked["ContinuationToken"] = answer["NextContinuationToken"]

    def head(self, key: str) -> S3Object:
        """What is known of the object.

        Raises:
            ObjectMissing: there is none.
        """
        return self._head(key)[0]

    def listed(self, key: str) -> S3Object:
        """What head() knows, of a listing: that needs permission for the bucket only, and none for the object.

        Raises:
            ObjectMissing: there is none.
        """
        page = next(self.pages(key, page_keys=1))  # no key that begins with this one comes before it
        for found in page.objects:
            if found.key == key:
                return found
        raise ObjectMissing(f"There is no object {key} in s3://{self.name}.")

    def get(self, key: str) -> tuple[bytes, str]:
        """The object and its ETag."""
        download = self.download(key)
        return b"".join(download), download.etag

    def download(self, key: str, etag: str = "", start: int = 0, end: int | None = None) -> Download:
        """The bytes [start, end) of the object as a stream, which is asked for when it is iterated; see Download."""
        return Download(self._client, self.name, key, etag, start, end)

    def read_range(self, key: str, start: int, end: int, etag: str = "") -> bytes:
        """The bytes [start, end) of the object, which must have this ETag if one is given; fewer where it ends before.

        Raises:
            ObjectChanged: it has another ETag.
        """
        if start >= end:
            self.head(key)
            return b""
        return b"".join(self.download(key, etag, start, end))

    def put(self, key: str, data: bytes) -> None:
        """Write the object, in place of any older one."""
        self._call("put_object", Key=key, Body=data, **self._encryption())

    def put_if(self, key: str, data: bytes, etag: str | None) -> bool:
        """Write the object if the key is free (etag None), or if what it holds has this ETag; else False.

        An answer that is lost after the write makes the next try meet its own object. So each write carries a nonce as
        metadata, and what is there after a refusal is compared. radosgw 16 knows ETags without quotes only, moto and,
        as documented, AWS both: after a refusal although the ETag is right, quotes are left out from then on.
        """
        nonce = uuid.uuid4().hex
        written = {"Key": key, "Body": data, "Metadata": {NONCE: nonce}, **self._encryption()}
        conflicts = 0
        while True:
            quoted = self._quotes_etags
            condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": f'"{etag}"' if quoted else etag}
            try:
                self._call("put_object", **written, **condition)
            except (ConditionFailed, ObjectMissing) as refusal:
                held = self._held(key)
                if held is not None and held[1] == nonce:
                    return True
                if quoted and etag is not None and held is not None and held[0].etag == etag:
                    self._quotes_etags = False
                    continue
                if not (isinstance(refusal, ConditionFailed) and refusal.undecided):
                    return False
                # 409: another write was under way, and which of them wins is not known yet
                conflicts += 1
                if conflicts >= self.settings.max_attempts:
                    raise StoreUnavailable(
                        f"Writes of {s3_uri(self.name, key)} are in each other's way; run the command again."
                    ) from refusal
                pause(conflicts)
            else:
                return True

    def delete(self, key: str) -> None:
        """Remove the object; an absent one is fine."""
        self._call("delete_object", Key=key)

    def delete_all(self, keys: Iterable[str]) -> None:
        """Remove objects, up to 1000 in one request where the service has that; absent ones are fine."""
        pending = iter(keys)
        while batch := list(itertools.islice(pending, PAGE_KEYS)):
            one_by_one = batch
            if self._deletes_many and len(batch) > 1:
                # they go as XML, which has no control characters
                one_by_one = [key for key in batch if not key.isprintable()]
                one_by_one += self._delete_many([key for key in batch if key.isprintable()])
            for key in one_by_one:
                self.delete(key)

    def upload(self, key: str, path: Path) -> None:
        """Write the object from a file, in parts of `part_mib` where it is larger than one.

        Raises:
            OSError: the file cannot be read.
        """
        size_bytes = path.stat().st_size
        part_bytes = part_size(size_bytes, self.settings.part_mib)
        with path.open("rb") as file:
            if size_bytes <= part_bytes:
                self.put(key, file.read())
            else:
                upload_parts(self._client, self.name, key, file, part_bytes, self._encryption())

    def url(self, key: str, lifetime_s: int | None = None, content_type: str = "") -> str:
        """A URL that lets anybody read the object, for `url_lifetime_s` if not said, for a week at most, and no longer
        than the credentials live that sign it. What comes has this content type, or the object's own if none is given.
        """
        lifetime_s = min(lifetime_s or self.settings.url_lifetime_s, LONGEST_URL_S)
        shown_as = {"ResponseContentType": content_type} if content_type else {}
        return self._client.presigned(lifetime_s, Bucket=self.name, Key=key, **shown_as)

    def create(self) -> None:
        """Make the bucket; one of ours that is there is fine."""
        with contextlib.suppress(StoreRefused):  # HEAD says 403 of a bucket that is another's: creating says whose
            if self.is_there():
                return
        region = self._client.bucket_region
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region else {}
        self._call("create_bucket", **where)

    def is_there(self) -> bool:
        """Whether the bucket exists."""
        try:
            self._call("head_bucket")
        except BucketMissing:
            return False
        return True

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self._client.call(operation, Bucket=self.name, **parameters)

    def _encryption(self) -> dict[str, str]:
        asked = {"ServerSideEncryption": self.settings.encryption, "SSEKMSKeyId": self.settings.kms_key}
        return {name: value for name, value in asked.items() if value}

    def _head(self, key: str) -> tuple[S3Object, str]:
        """The object and the nonce of its writer."""
        answer = self._call("head_object", Key=key)
        etag, modified_at = answer.get("ETag", "").strip('"'), answer["LastModified"].timestamp()
        nonce = answer.get("Metadata", {}).get(NONCE, "")
        return S3Object(key, answer["ContentLength"], etag, modified_at), nonce

    def _held(self, key: str) -> tuple[S3Object, str] | None:
        try:
            return self._head(key)
        except ObjectMissing:
            return None

    def _delete_many(self, keys: list[str]) -> list[str]:
        """Delete in one request; gives the keys that were not."""
        if not keys:
            return []
        try:
            answer = self._call("delete_objects", Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True})
        except NotOffered:
            self._deletes_many = False
            return keys
        return [each["Key"] for each in answer.get("Errors", [])]


def _listed(entry: dict[str, Any]) -> S3Object:
    etag = entry.get("ETag", "").strip('"')
    return S3Object(entry["Key"], entry["Size"], etag, entry["LastModified"].timestamp())
