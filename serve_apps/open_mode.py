"""What keeps others, and their web pages, away from a service that needs no key.

It is for programs of this machine: the address of the peer tells, and proxies tell by the headers that they add.
Listening on loopback keeps other machines out, and not the pages that this machine's browser shows. A page whose own
name resolves to 127.0.0.1 ("DNS rebinding") is told by the Host header, and one that sends requests across by
Sec-Fetch-Site (W3C Fetch Metadata), which pages cannot set, or by Origin where a browser does not send that.
"""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_LOOPBACK = re.compile(r"(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
_ADVICE = "If it is yours, name it in the setting serve.cors_origins."


def refusal(client: str | None, method: str, headers: Headers, origins: Collection[str]) -> str | None:
    """Why a request to the open service is refused, a sentence; None if it is not.

    Args:
        client: the address of the peer; None where the server does not know it.
        method: of the request.
        headers: of the request.
        origins: of pages that may call the service: `settings.serve.cors_origins`.
    """
    if not is_from_here(client, headers):
        return (
            "This service needs no key and so answers programs of its own machine only, and no proxy. To serve others,"
            " make keys with `footage keys create`."
        )
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not is_loopback(hosts[0]):
        return (
            "This service needs no key and so answers to the names of this machine only: use http://localhost or"
            " http://127.0.0.1 with its port. To serve others, make keys with `footage keys create`."
        )
    origin = headers.get("origin")
    if origin in origins:
        return None
    site = headers.get("sec-fetch-site")
    # To follow a link hither is fine: the other page cannot read what comes.
    is_link = method in SAFE_METHODS and headers.get("sec-fetch-mode") == "navigate"
    if site not in (None, "same-origin", "none") and not is_link:
        return f"A page of another site sent this request, and may not. {_ADVICE}"
    if site is None and origin is not None and method not in SAFE_METHODS and urlsplit(origin).netloc != hosts[0]:
        return f"The page {origin} sent this request, and may not. {_ADVICE}"
    return None


def is_from_here(client: str | None, headers: Headers) -> bool:
    """Whether a program of this machine asks by itself, and no proxy of it for others, as far as proxies say so."""
    try:
        address = ipaddress.ip_address(client or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)  # how a socket of both families shows IPv4
    return (mapped or address).is_loopback and not any(name in headers for name in _FORWARDED)


def is_loopback(host: str) -> bool:
    """Whether a Host header, with or without a port, names this machine by a name that no DNS server answers for."""
    return _LOOPBACK.fullmatch(host) is not None
