"""Which http(s) places videos may come from: an allow-list of hosts and URL prefixes.

Whoever names a source makes footage send requests; without a list, that could be any service of the network that this
machine is in. https://owasp.org/www-community/attacks/Server_Side_Request_Forgery
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from footage.errors import InstallationError, MissingSource

if TYPE_CHECKING:
    from httpx2 import URL

_HOST = re.compile(r"(\*\.)?([^\s/?#@:\[\]*]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?")
_USUAL_PORTS = {"http": 80, "https": 443}


class _Place(NamedTuple):
    scheme: str | None  # None: either
    host: str  # in ASCII, lower case
    with_subdomains: bool  # of the host, and then not the host itself
    port: int | None  # None: the usual one of the scheme
    path: str  # empty, or ends with a slash, or is that of one file

    def holds(self, url: "URL") -> bool:
        host = url.raw_host.decode("ascii")
        return (
            self.scheme in (None, url.scheme)
            and (host.endswith(f".{self.host}") if self.with_subdomains else host == self.host)
            and _port(url) == (self.port or _USUAL_PORTS[url.scheme])
            and _is_below(url, self.path)
        )


class AllowList:
    """The places of `sources.http_allow`; see SourceSettings for how they are written.

    A host without a port stands for the usual ports 80 and 443, and `*.example.org` for all that end so, but not for
    example.org itself. Names count, not the addresses that they lead to.

    Raises:
        InstallationError: an entry is neither a host nor a URL prefix.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self._places = [_place(entry) for entry in entries]

    def url(self, address: str) -> "URL":
        """An allowed URL, ready to be sent.

        Raises:
            MissingSource: it is none, or holds a password, or is not allowed; says what to do.
        """
        from httpx2 import URL, InvalidURL

        try:
            url = URL(address)
        except InvalidURL as error:
            raise MissingSource(f"{address!r} is not a URL that can be read: {error}.") from error
        if url.userinfo:  # not shown: it is a secret
            raise MissingSource(
                f"The URL of {url.raw_host.decode('ascii')!r} holds a user name or a password, which would be stored "
                "with the video; give a URL without."
            )
        if url.scheme not in _USUAL_PORTS or not url.host:
            raise MissingSource(f"{shown(url)} is not an http(s) URL.")
        if not any(place.holds(url) for place in self._places):
            raise MissingSource(
                f"{shown(url)} may not be read: if videos may come from there, add {_netloc(url)} to "
                "sources.http_allow."
            )
        return url.copy_with(fragment=None)


def shown(url: "URL") -> str:
    """A URL without what may be a secret."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))


def _netloc(url: "URL") -> str:
    return url.netloc.decode("ascii")


def _port(url: "URL") -> int:
    return url.port or _USUAL_PORTS[url.scheme]


def _is_below(url: "URL", path: str) -> bool:
    """Whether a URL is in a folder, or is the file. A server may decode a path once more, so `..` is never below."""
    if not path:
        return True
    decoded = url.raw_path.decode("ascii").partition("?")[0]
    while "%" in decoded and (once := unquote(decoded)) != decoded:
        decoded = once
    if ".." in re.split(r"[/\\]", decoded):
        return False
    asked = url.raw_path.decode("ascii").partition("?")[0]
    return asked == path or asked.startswith(path if path.endswith("/") else f"{path}/")


def _place(entry: str) -> _Place:
    from httpx2 import URL, InvalidURL

    try:
        if "://" in entry:
            url = URL(entry)
            if url.scheme in _USUAL_PORTS and url.host and not url.userinfo and not url.query and not url.fragment:
                path = url.raw_path.decode("ascii")
                return _Place(url.scheme, url.raw_host.decode("ascii"), False, url.port, path)
        elif found := _HOST.fullmatch(entry):
            wildcard, host, port = found.groups()
            ascii_host = URL(f"http://{host}/").raw_host.decode("ascii")
            if ascii_host and port != "0":
                return _Place(None, ascii_host, bool(wildcard), int(port) if port else None, "")
    except InvalidURL:
        pass
    raise InstallationError(
        f"sources.http_allow holds {entry!r}, which is neither a host (media.example.org, *.example.org, host:8080) nor"
        " a URL prefix (https://media.example.org/archive/)."
    )
