"""Addresses of model servers: what is one, and how it is shown without the secrets that people put into it."""

from urllib.parse import urlsplit, urlunsplit

from footage.errors import SettingsError

EXAMPLE = "http://127.0.0.1:8000/v1"


def base_url(setting: str, url: str | None) -> str:
    """The address without slashes at its end.

    Args:
        setting: where it comes from, such as "captions.endpoint.url".
        url: what is set.

    Raises:
        SettingsError: it is not set, is no base URL of HTTP, or carries a secret; no secret is in the message.
    """
    if not url:
        raise SettingsError(f"The setting {setting} is not set: it is written like {EXAMPLE}.")
    address = url.partition("?")[0].partition("#")[0]
    if "@" in address:  # also where it is so mistyped that its user name would be taken for a scheme
        key = f"{setting.removesuffix('url')}api_key"
        raise SettingsError(f"The setting {setting} holds a user name or a password; put the key into {key} instead.")
    try:
        parts = urlsplit(address)
        is_server = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that are none
        is_server = False
    if not is_server or any(character.isspace() or not character.isprintable() for character in address):
        raise SettingsError(
            f"The setting {setting} is no address of a server: {address!r} should be written like {EXAMPLE}."
        )
    if address != url:
        raise SettingsError(
            f"The setting {setting} is no base URL: {shown_url(url)} is followed by a query or a fragment, which must"
            " go; a key belongs into the setting api_key beside it."
        )
    return url.rstrip("/")


def shown_url(url: str) -> str:
    """Where a server is, without what can be a secret: user name, password, query and fragment are left out."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
