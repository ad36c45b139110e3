"""What the refusals of an S3-compatible service mean, in sentences.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from typing import Any, NamedTuple

from footage.errors import ObjectChanged, ObjectMissing, StoreError, StoreRefused
from footage.s3_uri import s3_uri

# The service is there, and asks to come back later.
BUSY_CODES = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestThrottled", "RequestLimitExceeded", "TooManyRequests"}
    | {"BandwidthLimitExceeded", "InternalError", "ServiceUnavailable", "RequestTimeout", "RequestTimeoutException"}
)
BUSY_STATUSES = frozenset({429, 500, 502, 503, 504})
KEY_CODES = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "TokenRefreshRequired"}
    | {"InvalidSecurity", "AuthorizationHeaderMalformed"}
)
ABSENT_CODES = frozenset({"NotImplemented", "MethodNotAllowed"})
# What services say to DeleteObjects if they want another checksum with it than botocore sends.
NO_DELETE_OBJECTS_CODES = frozenset({"MissingContentMD5", "InvalidRequest", "InvalidDigest", "InvalidArgument"})
# The permission that a request needs; what it does is the word in an error.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
PERMISSIONS = {
    "list_objects_v2": ("list", "s3:ListBucket"),
    "head_bucket": ("look at", "s3:ListBucket"),
    "head_object": ("look at", "s3:GetObject"),
    "get_object": ("read", "s3:GetObject"),
    "put_object": ("write", "s3:PutObject"),
    "create_multipart_upload": ("write", "s3:PutObject"),
    "upload_part": ("write", "s3:PutObject"),
    "complete_multipart_upload": ("write", "s3:PutObject"),
    "abort_multipart_upload": ("abort the upload of", "s3:AbortMultipartUpload"),
    "delete_object": ("delete", "s3:DeleteObject"),
    "delete_objects": ("delete", "s3:DeleteObject"),
    "create_bucket": ("make", "s3:CreateBucket"),
}


class ConditionFailed(ObjectChanged):
    """The object is not in the state that the request was made conditional on. `undecided`: ask again."""

    def __init__(self, message: str, undecided: bool) -> None:
        super().__init__(message)
        self.undecided = undecided


class BucketMissing(StoreError):
    """There is no such bucket."""


class UploadMissing(StoreError):
    """The upload in parts is not under way: it was completed or aborted."""


class RangeMissing(StoreError):
    """The object ends before the range that was asked for."""


class NotOffered(StoreError):
    """The service does not have this kind of request, or an option of it."""


class Passing(NamedTuple):
    """A failure after which the same request may succeed."""

    what: str
    why: str


def refusal(endpoint: str, operation: str, parameters: dict[str, Any], answer: dict[str, Any]) -> StoreError | Passing:
    """What an answer that is an error means.

    Args:
        endpoint: who answered.
        operation: as boto3 calls it; one of PERMISSIONS.
        parameters: of the request, with Bucket and perhaps Key.
        answer: what botocore made of the answer (ClientError.response).
    """
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(answer.get("Error", {}).get("Code", status))
    said = f"{code}: {answer.get('Error', {}).get('Message') or 'no message'}".rstrip(".")
    bucket, key = parameters["Bucket"], parameters.get("Key")
    name = s3_uri(bucket, key) if key is not None else f"the bucket {bucket}"
    verb, permission = PERMISSIONS[operation]
    if code in KEY_CODES:
        return StoreRefused(
            f"The object store at {endpoint} does not accept the credentials ({code}): check AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY, or the profile in s3.aws_profile, and s3.region."
        )
    if code == "RequestTimeTooSkewed":
        return StoreError(f"The clock of this machine and that of the object store at {endpoint} differ: set this one.")
    if code == "NoSuchBucket" or (status == 404 and key is None):
        return BucketMissing(
            f"There is no bucket {bucket} at {endpoint}: make it, check s3.endpoint and s3.region, or set"
            " s3.create_bucket for the bucket of a store."
        )
    if status == 412 or code in ("ConditionalRequestConflict", "OperationAborted"):
        return ConditionFailed(f"{name} is not what it was.", undecided=status == 409)
    if code == "NoSuchUpload":
        return UploadMissing(f"The upload of {name} is not under way any more, it was aborted: run the command again.")
    if status == 404:
        return ObjectMissing(f"There is no object {key} in s3://{bucket}.")
    if status == 416:
        return RangeMissing(f"{name} has no such bytes.")
    if code == "InvalidObjectState":
        return StoreRefused(f"{name} is in an archive tier of the object store: restore it first.")
    if status == 403 and code != "QuotaExceeded":
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
        decrypt = ", and kms:Decrypt where a KMS key encrypts it" if operation == "get_object" else ""
        return StoreRefused(
            f"The credentials have no permission to {verb} {name} ({code}): {permission} is needed{decrypt}. Allow it,"
            " or use others (AWS_PROFILE, s3.aws_profile)."
        )
    if status in (301, 307, 308) or code == "IllegalLocationConstraintException":
        return StoreError(f"The bucket {bucket} is in another region than s3.region says ({code}): set it.")
    wants_else = operation == "delete_objects" and code in NO_DELETE_OBJECTS_CODES
    if wants_else or code in ABSENT_CODES or status in (405, 501):
        return NotOffered(f"The object store at {endpoint} cannot {verb} {name} in this way ({said}).")
    if code in BUSY_CODES or status in BUSY_STATUSES:
        return Passing("refuses requests", said)
    return StoreError(f"Cannot {verb} {name} at {endpoint}: {said}.")
