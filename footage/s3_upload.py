"""Writing large objects in parts."""

import contextlib
import itertools
import uuid
from typing import Any, BinaryIO

from footage.errors import ObjectMissing, StoreError
from footage.s3_client import S3Client
from footage.s3_refusals import UploadMissing

NONCE = "footage-nonce"  # user metadata: it tells whose write an object is when the answer to the write was lost
MOST_PARTS = 10_000  # of one upload. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html


def part_size(size_bytes: int, part_mib: int) -> int:
    """Bytes of a part: as set, or more where there would be too many."""
    return max(part_mib << 20, -(-size_bytes // MOST_PARTS))


def upload_parts(
    client: S3Client, bucket: str, key: str, file: BinaryIO, part_bytes: int, encryption: dict[str, str]
) -> None:
    """Write an object from an open file, with one part in memory at a time.

    A failed upload is aborted, since its parts are stored, and paid for, until that is done. What a killed process
    leaves, a lifecycle rule of the bucket removes (AbortIncompleteMultipartUpload).
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html

    Where the answer to the completion is lost, the next try may hear that there is no such upload: it was "aborted or
    completed". The nonce of the object that is there then says which.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    """
    place, nonce = {"Bucket": bucket, "Key": key}, uuid.uuid4().hex
    begun = client.call("create_multipart_upload", **place, **encryption, Metadata={NONCE: nonce})
    upload_id = begun["UploadId"]
    parts: list[dict[str, Any]] = []
    with contextlib.ExitStack() as undo:
        undo.callback(_abort, client, place, upload_id)
        for number in itertools.count(1):
            if not (data := file.read(part_bytes)):
                break
            answer = client.call("upload_part", **place, UploadId=upload_id, PartNumber=number, Body=data)
            # AWS wants the checksum again that a part was sent with
            checksums = {name: value for name, value in answer.items() if name.startswith("Checksum")}
            parts.append({"PartNumber": number, "ETag": answer["ETag"], **checksums})
        try:
            client.call("complete_multipart_upload", **place, UploadId=upload_id, MultipartUpload={"Parts": parts})
        except UploadMissing:
            if not _is_written(client, place, nonce):
                raise
        undo.pop_all()


def _is_written(client: S3Client, place: dict[str, str], nonce: str) -> bool:
    try:
        return bool(client.call("head_object", **place).get("Metadata", {}).get(NONCE) == nonce)
    except ObjectMissing:
        return False


def _abort(client: S3Client, place: dict[str, str], upload_id: str) -> None:
    with contextlib.suppress(StoreError):  # what went wrong before is the error to show
        client.call("abort_multipart_upload", **place, UploadId=upload_id)
