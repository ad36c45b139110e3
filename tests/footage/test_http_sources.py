"""Files behind http(s): what they are, their bytes, and what can go wrong on the way."""

from collections.abc import Iterator

import pytest

from footage.errors import MissingSource, SettingsError, SourceChanged, StoreUnavailable, VideoTooLarge
from footage.http_files import HttpFiles
from footage.local_sources import MISSING_ETAG
from footage.records import Source
from footage.remote_access import RemoteAccess
from footage.sources import current_source, is_present, list_sources, read_source
from footage.storage_settings import SourceSettings
from footage.transfers import TRANSFERS
from tests.http_files import File, FileServer, serve_files

FILM = bytes(range(256)) * 4000
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
FIRST_PAUSE_S = 0.001


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files({"/a.mp4": File(FILM, etag='"v1"')}) as served:
        yield served


@pytest.fixture
def film(server: FileServer) -> File:
    return server.files["/a.mp4"]


@pytest.fixture
def files(server: FileServer) -> HttpFiles:
    return files_of(server)


def files_of(server: FileServer, *more: str, max_gib: float = 1, silence_s: float = 10) -> HttpFiles:
    settings = SourceSettings(http_allow=(server.host, *more), http_max_gib=max_gib)
    return HttpFiles(settings, FIRST_PAUSE_S, silence_s)


def read(files: HttpFiles, source: Source, start: int = 0) -> bytes:
    return b"".join(files.blocks(source, start))


def test_a_url_is_one_source(server: FileServer) -> None:
    access = RemoteAccess(sources=SourceSettings(http_allow=(server.host,)))
    url = server.url("/a.mp4")
    source = Source(url, '"v1"', len(FILM))

    assert list(list_sources(f"{url}#t=10", access)) == [source]
    assert current_source(url, access) == source
    assert is_present(url, access)
    assert b"".join(read_source(source, access)) == FILM
    assert b"".join(read_source(source, access, len(FILM) - 5)) == FILM[-5:]


def test_what_is_not_there_is_gone(server: FileServer) -> None:
    access = RemoteAccess(sources=SourceSettings(http_allow=(server.host,)))
    url = server.url("/gone.mp4")

    with pytest.raises(
        SettingsError, match=rf"^The source cannot be read\. {url} is not there: its server answers 404"
    ):
        list(list_sources(url, access))
    assert current_source(url, access) == Source(url, MISSING_ETAG, 0)
    assert not is_present(url, access)


def test_what_may_not_be_read_is_not_gone(server: FileServer, film: File, files: HttpFiles) -> None:
    film.statuses = [403] * 4
    url = server.url("/a.mp4")

    with pytest.raises(MissingSource, match="may not be read: its server answers 403"):
        files.source(url)
    with pytest.raises(StoreUnavailable, match=r"^It cannot be told .* answers 403\."):
        files.is_present(url)
    with pytest.raises(StoreUnavailable, match=r"It cannot be told .* add other\.example to sources\.http_allow\.$"):
        files.is_present("http://other.example/a.mp4")


@pytest.mark.parametrize(
    ("served", "source"),
    [
        (File(FILM, etag='W/"v1"'), ('W/"v1"', len(FILM))),
        (File(FILM, modified=DATE), (f"{DATE}-{len(FILM)}", len(FILM))),
        (File(FILM), (f"none-{len(FILM)}", len(FILM))),
        (File(FILM, etag='"v1"', refuses_head=405), ('"v1"', len(FILM))),
        (File(FILM, etag='"v1"', refuses_head=403, gives_ranges=False), ('"v1"', len(FILM))),
        (File(FILM, modified=DATE, tells_length=False), (f"{DATE}-0", 0)),
        (File(FILM, tells_length=False), ("none-0", 0)),
        (File(b""), ("none-0", 0)),
    ],
    ids=["weak", "date", "none", "no head", "no head, no ranges", "no length", "nothing told", "empty"],
)
@pytest.mark.parametrize("cuts", [[], [1000, 0, 300_000]], ids=["at once", "in pieces"])
def test_a_file_is_read_by_what_its_server_tells(
    server: FileServer, served: File, source: tuple[str, int], cuts: list[int]
) -> None:
    server.files["/b.mp4"] = served
    files = files_of(server)
    found = files.source(server.url("/b.mp4"))
    assert (found.etag, found.size_bytes) == source
    if served.tells_length:  # else a connection that breaks cannot be told from the end
        served.cuts = list(cuts)

    assert read(files, found) == served.content


def test_a_connection_that_breaks_goes_on_where_it_was(server: FileServer, film: File, files: HttpFiles) -> None:
    film.cuts = [100_000, 50_000]
    source = files.source(server.url("/a.mp4"))
    before = TRANSFERS.total()

    assert read(files, source) == FILM
    assert server.requests == [
        "HEAD /a.mp4",
        "GET /a.mp4",
        "GET /a.mp4 bytes=100000-",
        "GET /a.mp4 bytes=150000-",
    ]
    after = TRANSFERS.total()
    assert (after.retries - before.retries, after.bytes_read - before.bytes_read) == (2, len(FILM))


@pytest.mark.parametrize("gives_ranges", [True, False])
def test_a_file_that_is_replaced_while_it_is_read_is_refused(
    server: FileServer, film: File, files: HttpFiles, gives_ranges: bool
) -> None:
    film.cuts, film.gives_ranges = [100_000], gives_ranges
    source = files.source(server.url("/a.mp4"))
    blocks = files.blocks(source)
    next(blocks)
    film.etag = '"v2"'

    with pytest.raises(SourceChanged, match=r"a\.mp4 is not what it was when it was listed"):
        list(blocks)


def test_a_file_that_was_replaced_since_it_was_listed_is_refused(
    server: FileServer, film: File, files: HttpFiles
) -> None:
    source = files.source(server.url("/a.mp4"))
    film.etag = '"v2"'

    with pytest.raises(SourceChanged, match="index it again"):
        read(files, source)


@pytest.mark.parametrize("told_bytes", [len(FILM) + 5, len(FILM) - 5])
@pytest.mark.parametrize("tells_length", [True, False])
def test_a_server_that_lies_about_the_length_is_refused(
    server: FileServer, film: File, files: HttpFiles, told_bytes: int, tells_length: bool
) -> None:
    film.told_bytes = told_bytes
    source = files.source(server.url("/a.mp4"))
    assert source.size_bytes == told_bytes
    film.tells_length = tells_length

    with pytest.raises(SourceChanged):
        read(files, source)


def test_a_file_above_the_limit_is_refused_at_once_or_as_soon_as_it_is(server: FileServer, film: File) -> None:
    files = files_of(server, max_gib=1e-4)  # 107 kB
    words = r"^http://127\.0\.0\.1:\d+/a\.mp4 is larger than 0\.0001 GiB; raise sources\.http_max_gib\.$"
    with pytest.raises(VideoTooLarge, match=words):
        read(files, files.source(server.url("/a.mp4")))
    assert server.requests == ["HEAD /a.mp4"]

    film.tells_length = False
    taken: list[bytes] = []
    with pytest.raises(VideoTooLarge, match=words):
        taken.extend(files.blocks(files.source(server.url("/a.mp4"))))
    assert 0 < sum(map(len, taken)) < 110_000


def test_what_may_pass_is_tried_again(server: FileServer, film: File, files: HttpFiles) -> None:
    film.statuses = [503, 429, 500]
    film.headers = {"Retry-After": "0"}

    source = files.source(server.url("/a.mp4"))
    film.statuses = [502, 408]

    assert read(files, source) == FILM
    assert len(server.requests) == 4 + 3


def test_an_outage_has_an_end(server: FileServer, film: File, files: HttpFiles) -> None:
    film.statuses = [503] * 100
    url = server.url("/a.mp4")

    for ask in (files.source, files.is_present):
        with pytest.raises(
            StoreUnavailable, match=r"failed 7 times in a row, at last with answer 503\. See that it is up"
        ):
            ask(url)
    with pytest.raises(StoreUnavailable):
        read(files, Source(url, '"v1"', len(FILM)))


def test_nobody_there_is_an_outage(files: HttpFiles, server: FileServer) -> None:
    nowhere = files_of(server, "127.0.0.1:9")
    for ask in (nowhere.source, nowhere.is_present):
        with pytest.raises(StoreUnavailable, match=r"^http://127\.0\.0\.1:9/a\.mp4 cannot be read: its server failed"):
            ask("http://127.0.0.1:9/a.mp4")


def test_a_server_that_falls_silent_is_an_outage(server: FileServer, film: File) -> None:
    source = files_of(server).source(server.url("/a.mp4"))
    film.silent_s = 0.3

    with pytest.raises(StoreUnavailable, match="at last with ReadTimeout"):
        read(files_of(server, silence_s=0.05), source)


def test_a_slow_server_is_read(server: FileServer, film: File, files: HttpFiles) -> None:
    film.bytes_per_s = 20 * len(FILM)

    assert read(files, files.source(server.url("/a.mp4"))) == FILM


def test_redirects_are_followed_to_allowed_places(server: FileServer) -> None:
    server.files |= {f"/{step}": File(redirect=f"/{step + 1}") for step in range(4)}
    server.files["/4"] = File(redirect=server.url("/a.mp4"))
    files = files_of(server)

    source = files.source(server.url("/0"))

    assert source == Source(server.url("/0"), '"v1"', len(FILM))
    assert read(files, source, start=10) == FILM[10:]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("http://localhost:{port}/a.mp4", r"localhost:\d+/a\.mp4 may not be read: .* add localhost:\d+ to"),
        ("http://127.1:{port}/a.mp4", r"127\.1:\d+/a\.mp4 may not be read"),
        ("//169.254.169.254/latest/meta-data/", r"http://169\.254\.169\.254/latest/meta-data/ may not be read"),
        ("file:///etc/passwd", r"file:/+etc/passwd is not an http\(s\) URL"),
        ("ftp://127.0.0.1:{port}/a.mp4", r"is not an http\(s\) URL"),
        ("http://name:secret@127.0.0.1:{port}/a.mp4", "holds a user name or a password"),
        ("http://[::1", "redirects to what is no URL"),
        ("/loop", "redirects more than 5 times"),
    ],
)
def test_redirects_to_other_places_are_refused(server: FileServer, target: str, words: str) -> None:
    port = server.host.partition(":")[2]
    server.files["/loop"] = File(redirect="/loop")
    server.files["/r.mp4"] = File(redirect=target.format(port=port))
    url = server.url("/r.mp4")
    files = files_of(server)

    with pytest.raises(MissingSource, match=rf"^{url} cannot be read.*{words}") as caught:
        files.source(url)
    with pytest.raises(MissingSource, match=words):
        read(files, Source(url, '"v1"', len(FILM)))
    assert "secret" not in str(caught.value)
    assert not any("/a.mp4" in request for request in server.requests)


def test_https_is_not_left(server: FileServer, files: HttpFiles) -> None:
    client = files._client
    url = client._allowed.url(server.url("/a.mp4"))
    with pytest.raises(MissingSource, match="redirects from https to http"):
        client._next(url.copy_with(scheme="https"), server.url("/a.mp4"), url)


def test_without_a_list_nothing_is_asked_for(server: FileServer) -> None:
    with pytest.raises(SettingsError, match=rf"add {server.host} to sources\.http_allow\.$"):
        list(list_sources(server.url("/a.mp4")))
    assert server.requests == []
