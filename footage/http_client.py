"""Requests for files over http(s): to allowed places only, redirects included, with patience for what may pass.

RFC 9110: https://www.rfc-editor.org/rfc/rfc9110 (redirects 15.4, Retry-After 10.2.3).
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from footage.backoff import pause_s, retry_after_s
from footage.errors import MissingSource, StoreUnavailable
from footage.http_allow import AllowList, shown
from footage.transfers import TRANSFERS

if TYPE_CHECKING:
    from httpx2 import URL, Response

CONNECT_S, SILENCE_S = 10.0, 60.0  # silence: within an answer
TRIES = 7  # in a row; with the pauses below about half a minute
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 20.0
LONGEST_WISH_S = 60.0  # of a Retry-After
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE = frozenset({404, 410})
_PAST_THE_END = 416  # of a range: the answer still tells the length


class Passing(Exception):
    """Something that may be over in a moment. `wish_s`: how long the server wants to be left alone."""

    def __init__(self, reason: str, wish_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wish_s = wish_s


class Gone(MissingSource):
    """The server says that there is no such file."""


class HttpClient:
    """Sends requests to places of an allow-list. Safe to use from several threads.

    Redirects are followed to allowed places only, at most MAX_REDIRECTS of them, and never from https to http. Proxies
    and certificates of the environment (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE) count.

    Args:
        allowed: where requests may go.
        first_pause_s: before the second try; later ones double, up to LONGEST_PAUSE_S.
        silence_s: how long a server may say nothing within an answer.
    """

    def __init__(self, allowed: AllowList, first_pause_s: float = FIRST_PAUSE_S, silence_s: float = SILENCE_S) -> None:
        import httpx2

        self._allowed = allowed
        self._first_pause_s = first_pause_s
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would write a line for each request
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(silence_s, connect=CONNECT_S),
            # packed on the way, lengths and ranges would be those of the packed bytes
            headers={"Accept-Encoding": "identity", "User-Agent": "footage"},
            follow_redirects=False,
        )

    @contextmanager
    def answer(
        self, method: str, url: "URL", headers: dict[str, str], any_refusal: bool = False
    ) -> Iterator["Response"]:
        """The answer at the end of all redirects, its body not read yet.

        Args:
            method: of HTTP.
            url: an allowed one.
            headers: to send besides the usual ones.
            any_refusal: give refusals to the caller too.

        Raises:
            MissingSource: it is refused, or the way leads to a place that is not allowed; Gone: it is not there.
            Passing: it may help to ask again.
        """
        import httpx2

        at = url
        for _ in range(MAX_REDIRECTS + 1):
            try:
                answer = self._client.send(self._client.build_request(method, at, headers=headers), stream=True)
            except httpx2.TransportError as error:
                raise Passing(_said(error)) from error
            try:
                if answer.status_code not in _REDIRECTS:
                    _refuse(answer, url, any_refusal)
                    yield answer
                    return
                at = self._next(at, answer.headers.get("location", ""), url)
            finally:
                answer.close()
        raise MissingSource(f"{shown(url)} cannot be read: it redirects more than {MAX_REDIRECTS} times.")

    def wait(self, url: "URL", failures: int, trouble: Passing) -> None:
        """Wait before the next try, after so many failures in a row.

        Raises:
            StoreUnavailable: there were too many.
        """
        if failures >= TRIES:
            raise StoreUnavailable(
                f"{shown(url)} cannot be read: its server failed {failures} times in a row, at last with {trouble}. See"
                " that it is up, then run again; what is done stays."
            ) from trouble
        TRANSFERS.add(retries=1)
        wanted_s = min(trouble.wish_s, LONGEST_WISH_S)
        time.sleep(pause_s(failures, self._first_pause_s, LONGEST_PAUSE_S, wanted_s=wanted_s))

    def _next(self, at: "URL", location: str, asked: "URL") -> "URL":
        import httpx2

        try:
            target = at.join(location)
        except httpx2.InvalidURL as error:
            raise MissingSource(f"{shown(asked)} cannot be read: it redirects to what is no URL.") from error
        if at.scheme == "https" and target.scheme != "https":
            raise MissingSource(f"{shown(asked)} cannot be read: it redirects from https to {target.scheme}.")
        try:
            return self._allowed.url(str(target))
        except MissingSource as error:
            raise MissingSource(f"{shown(asked)} cannot be read, for it redirects. {error}") from error


def body_of(answer: "Response") -> Iterator[bytes]:
    """The body as it comes in; raises Passing if it breaks off."""
    import httpx2

    try:
        yield from answer.iter_raw()
    except httpx2.TransportError as error:
        raise Passing(_said(error)) from error


def _said(error: Exception) -> str:
    return f"{type(error).__name__} ({error})" if str(error) else type(error).__name__


def _refuse(answer: "Response", url: "URL", any_refusal: bool) -> None:
    status = answer.status_code
    if status in _PASSING:
        raise Passing(f"answer {status}", retry_after_s(answer.headers.get("retry-after", "")))
    if answer.is_success or status == _PAST_THE_END or any_refusal:
        return
    if status in _GONE:
        raise Gone(f"{shown(url)} is not there: its server answers {status}. Bring it back, or leave it out.")
    raise MissingSource(f"{shown(url)} may not be read: its server answers {status}. See to the permission.")
