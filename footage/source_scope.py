"""What lies at or below an address: a file, a folder, a bucket's prefix, a URL."""

from pathlib import Path

from footage.local_sources import file_uri


def source_address(given: str) -> str:
    """An address as URIs of sources begin: paths of this machine become file URIs, all others stay."""
    return given if "://" in given else file_uri(Path(given))


def lies_in(uri: str, address: str) -> bool:
    """Whether a source is what an address names, or lies below it as in a folder.

    Args:
        uri: of the source.
        address: of a file, an object or a URL; or of a folder or prefix, where a slash at its end makes no difference.
            It is never the mere beginning of a name: `s3://b/film` has nothing to do with `s3://b/film2.mp4`.
    """
    address = source_address(address)
    return uri == address or uri.startswith(address if address.endswith("/") else address + "/")
