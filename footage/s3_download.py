"""Reading an object as a stream that survives broken connections."""

import time
from collections.abc import Iterator
from typing import Any

from footage.errors import ObjectChanged, StoreError
from footage.s3_client import S3Client, pause
from footage.s3_refusals import ConditionFailed, RangeMissing
from footage.s3_uri import s3_uri
from footage.transfers import TRANSFERS

BLOCK_BYTES = 1 << 18  # what is lost of a block when the connection breaks is read again


class Download:
    """The bytes [start, end) of an object, in order, in blocks of BLOCK_BYTES and shorter ones.

    Where the connection breaks, it goes on behind the last byte that came, with a Range request that names the ETag of
    the first answer in If-Match, so that two contents are never mixed.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """

    def __init__(
        self, client: S3Client, bucket: str, key: str, etag: str = "", start: int = 0, end: int | None = None
    ) -> None:
        """`etag` is what the object must have; empty: whatever it has at the first answer."""
        self.etag = etag  # without quotes
        self._client = client
        self._bucket = bucket
        self._key = key
        self._at = start
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        """Read.

        Raises:
            ObjectMissing: there is no such object.
            ObjectChanged: it has another ETag, or got one meanwhile.
            StoreUnavailable: `max_attempts` times in a row not a byte came.
        """
        begun_at, fruitless = time.monotonic(), 0
        while self._end is None or self._at < self._end:
            asked_at = self._at
            answer = self._ask()
            if answer is None:
                return
            body = answer["Body"]
            try:
                while block := body.read(BLOCK_BYTES):
                    self._at += len(block)
                    TRANSFERS.add(bytes_read=len(block))
                    yield block
            except self._client.broken() as error:
                if self._at == self._end:  # all is here: what failed is the checksum that botocore takes
                    raise StoreError(
                        f"{s3_uri(self._bucket, self._key)} did not arrive as it was stored ({type(error).__name__})."
                    ) from error
                fruitless = fruitless + 1 if self._at == asked_at else 1
                if fruitless >= self._client.settings.max_attempts:
                    raise self._client.unavailable(
                        f"breaks off in {s3_uri(self._bucket, self._key)}", type(error).__name__, fruitless, begun_at
                    ) from error
            finally:
                body.close()
            if self._end is not None and self._at < self._end:
                pause(fruitless)

    def _ask(self) -> dict[str, Any] | None:
        """The answer whose body begins where we are; None if the object ends there."""
        parameters: dict[str, Any] = {"Bucket": self._bucket, "Key": self._key}
        if self.etag:
            parameters["IfMatch"] = f'"{self.etag}"'
        is_part = self._at > 0 or self._end is not None
        if is_part:
            parameters["Range"] = f"bytes={self._at}-" + (str(self._end - 1) if self._end is not None else "")
        try:
            answer = self._client.call("get_object", **parameters)
        except RangeMissing:
            return None
        except ConditionFailed as error:
            raise self._changed() from error
        etag = answer.get("ETag", "").strip('"')
        if self.etag and etag != self.etag:  # the service does not know If-Match
            answer["Body"].close()
            raise self._changed()
        if is_part and "ContentRange" not in answer:
            answer["Body"].close()
            raise StoreError(f"The object store at {self._client.endpoint} ignores ranges, so it cannot be read from.")
        self.etag = etag
        self._end = self._at + answer["ContentLength"]
        return answer

    def _changed(self) -> ObjectChanged:
        return ObjectChanged(
            f"{s3_uri(self._bucket, self._key)} is not the object that it was when it was listed; run the command again"
            " when it is complete."
        )
