"""Files behind http(s) URLs: what they are now, and their bytes. The decoder never sees a URL.

RFC 9110: https://www.rfc-editor.org/rfc/rfc9110 (validators 8.8, conditional requests 13, ranges 14).
"""

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from footage.errors import MissingSource, SourceChanged, StoreUnavailable, VideoTooLarge
from footage.http_allow import AllowList, shown
from footage.http_client import FIRST_PAUSE_S, SILENCE_S, Gone, HttpClient, Passing, body_of
from footage.records import Source
from footage.remote_access import fetching_s
from footage.storage_settings import SourceSettings
from footage.transfers import TRANSFERS

if TYPE_CHECKING:
    from httpx2 import URL, Response

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")  # RFC 9110, 14.4


class _Told(NamedTuple):
    """What an answer tells about the file as a whole."""

    etag: str  # as the header has it, with quotes; empty where there is none
    modified: str
    size_bytes: int | None

    def state(self, size_bytes: int) -> str:
        """The etag of records.Source, for a file of this size."""
        return self.etag or f"{self.modified or 'none'}-{size_bytes}"


class HttpFiles:
    """Files behind URLs of the allow-list. Safe to use from several threads. See HttpClient for how it asks.

    Args:
        settings: which places, and how large a file may be.
        first_pause_s: see HttpClient.
        silence_s: see HttpClient.

    Raises:
        SettingsError: the allow-list cannot be read.
    """

    def __init__(
        self, settings: SourceSettings, first_pause_s: float = FIRST_PAUSE_S, silence_s: float = SILENCE_S
    ) -> None:
        self._allowed = AllowList(settings.http_allow)
        self._client = HttpClient(self._allowed, first_pause_s, silence_s)
        self._max_gib = settings.http_max_gib

    def source(self, address: str) -> Source:
        """The file that a URL leads to: its URI is the URL without a fragment, its size 0 if the server does not tell.

        Raises:
            MissingSource: it may not be read, or is not there.
            StoreUnavailable: the server does not answer.
        """
        url = self._allowed.url(address)
        told = self._told(url)
        size_bytes = told.size_bytes or 0
        return Source(str(url), told.state(size_bytes), size_bytes)

    def is_present(self, uri: str) -> bool:
        """Whether the file is there.

        Raises:
            StoreUnavailable: it cannot be told: no answer, a refusal, or not allowed any more.
        """
        try:
            self._told(self._allowed.url(uri))
        except Gone:
            return False
        except MissingSource as error:
            raise StoreUnavailable(f"It cannot be told whether a source is still there. {error}") from error
        return True

    def blocks(self, source: Source, start: int = 0) -> Iterator[bytes]:
        """The bytes of a source from `start` on, as they come in; where a connection breaks it goes on.

        A server that gives neither an ETag nor a time is trusted to keep the file while its length stays.

        Raises:
            SourceChanged: the file is not the one of the source's etag, or has another length than its server told.
            MissingSource: it may not be read, or is not there.
            VideoTooLarge: it is, or grows, above the limit.
            StoreUnavailable: the server does not answer, or is too slow.
        """
        url = self._allowed.url(source.uri)
        max_bytes = int(self._max_gib * 2**30)
        limit_s = fetching_s(source.size_bytes)
        ends = time.monotonic() + limit_s
        position, failures = start, 0
        while True:
            if max(position, source.size_bytes) > max_bytes:
                raise VideoTooLarge(f"{shown(url)} is larger than {self._max_gib:g} GiB; raise sources.http_max_gib.")
            try:
                for block in self._blocks_from(url, source, position):
                    position, failures = position + len(block), 0
                    TRANSFERS.add(bytes_read=len(block))
                    if position > max_bytes:
                        break
                    if time.monotonic() > ends:
                        raise StoreUnavailable(
                            f"{shown(url)} comes too slowly: {position - start:,} bytes in {limit_s:,.0f} s. See to its"
                            " server or the line to it, then run again; what is done stays."
                        )
                    yield block
                else:
                    return
            except Passing as trouble:
                failures += 1
                self._client.wait(url, failures, trouble)

    def _blocks_from(self, url: "URL", source: Source, position: int) -> Iterator[bytes]:
        """What one answer gives from there on. Raises Passing if it breaks off."""
        if 0 < source.size_bytes <= position:
            return
        headers = {"Range": f"bytes={position}-"} if position else {}
        if position and source.etag.startswith('"'):  # only strong ones may be asked for so
            headers["If-Range"] = source.etag
        with self._client.answer("GET", url, headers) as answer:
            told = _told(answer)
            size_bytes = source.size_bytes if told.size_bytes is None else told.size_bytes
            if told.state(size_bytes) != source.etag or size_bytes != (source.size_bytes or size_bytes):
                raise SourceChanged(f"{shown(url)} is not what it was when it was listed; index it again.")
            if answer.status_code == 416:  # at the end already, where the length was not told
                return
            to_skip = position - _start(answer, url)  # all before, where the server gives no ranges
            for block in body_of(answer):
                wanted = block[to_skip:]
                to_skip -= len(block) - len(wanted)
                position += len(wanted)
                if 0 < source.size_bytes < position:
                    raise SourceChanged(f"{shown(url)} goes on after the {source.size_bytes:,} bytes that were told.")
                if wanted:
                    yield wanted
        if position < source.size_bytes:
            raise SourceChanged(
                f"{shown(url)} ends after {position:,} of the {source.size_bytes:,} bytes that were told. See to it "
                "that it is complete."
            )

    def _told(self, url: "URL") -> _Told:
        """By HEAD, and by GET where HEAD is refused (a signed URL is good for one method) or tells no length."""
        failures = 0
        while True:
            try:
                with self._client.answer("HEAD", url, {}, any_refusal=True) as answer:
                    told = _told(answer)
                    if answer.is_success and told.size_bytes is not None:
                        return told
                with self._client.answer("GET", url, {"Range": "bytes=0-0"}) as answer:
                    return _told(answer)
            except Passing as trouble:
                failures += 1
                self._client.wait(url, failures, trouble)


def _told(answer: "Response") -> _Told:
    headers = answer.headers
    if found := _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip()):
        total = found[2]
    else:
        total = headers.get("content-length", "").strip()
    return _Told(
        headers.get("etag", "").strip(),
        headers.get("last-modified", "").strip(),
        int(total) if total.isascii() and total.isdigit() else None,
    )


def _start(answer: "Response", url: "URL") -> int:
    """Where in the file a body begins."""
    if answer.status_code != 206:
        return 0
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", "").strip())
    if found is None or found[1] is None:
        raise MissingSource(f"{shown(url)} cannot be read: its server gives a part of it and does not say which.")
    return int(found[1])
