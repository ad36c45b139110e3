"""A setting that is an address of a website or server, or empty."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def _checked(address: str) -> str:
    if not address:
        return address
    try:
        parts = urlsplit(address)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that are none
        is_one = False
    if not is_one or "@" in address or "?" in address or "#" in address:
        # It is not repeated: it may hold a password.
        raise ValueError("it should be written like https://host.example.org, without user name, query and fragment")
    return address.rstrip("/")


WebAddress = Annotated[str, AfterValidator(_checked)]
