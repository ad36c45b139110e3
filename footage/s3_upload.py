"""Writing large objects in parts."""

import contextlib
import itertools
from typing import Any, BinaryIO

from footage.errors import StoreError
from footage.s3_client import S3Client

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
    """
    place = {"Bucket": bucket, "Key": key}
    upload_id = client.call("create_multipart_upload", **place, **encryption)["UploadId"]
    parts: list[dict[str, Any]] = []
    try:
        for number in itertools.count(1):
            if not (data := file.read(part_bytes)):
                break
            answer = client.call("upload_part", **place, UploadId=upload_id, PartNumber=number, Body=data)
            # AWS wants the checksum again that a part was sent with
            checksums = {name: value for name, value in answer.items() if name.startswith("Checksum")}
            parts.append({"PartNumber": number, "ETag": answer["ETag"], **checksums})
        client.call("complete_multipart_upload", **place, UploadId=upload_id, MultipartUpload={"Parts": parts})
    except BaseException:
        with contextlib.suppress(StoreError):  # the first error is the one to show
            client.call("abort_multipart_upload", **place, UploadId=upload_id)
        raise
