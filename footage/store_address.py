"""What users call a store: a folder, or `s3://bucket/prefix`."""

from footage.directory_store import DirectoryStore
from footage.errors import SettingsError, StoreError
from footage.local_sources import folder_path
from footage.s3_store import S3Store
from footage.s3_uri import is_s3, split_s3
from footage.storage import ObjectStore
from footage.storage_settings import S3Settings


def open_store(address: str, s3: S3Settings) -> ObjectStore:
    """The store at an address. Nothing is asked or made yet: `probe` does that.

    Args:
        address: a folder, a `file://` URI of one, or `s3://bucket/prefix`.
        s3: how to reach a bucket.

    Raises:
        SettingsError: it is none of these.
    """
    if is_s3(address):
        bucket, prefix = split_s3(address)
        try:
            return S3Store(bucket, prefix, s3)
        except StoreError as error:
            raise SettingsError(
                f"{address!r} is no address of a store: the folder in the bucket must be like a/b, without empty parts"
                " or parts that begin with a dot."
            ) from error
    if not address or ("://" in address and not address.startswith("file://")):
        raise SettingsError(
            f"{address!r} is no address of a store: it is a folder, or written like s3://bucket/folder."
        )
    return DirectoryStore(folder_path(address))
