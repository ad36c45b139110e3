"""Copies of remote sources: made once for a machine, bounded, never mixed, and gone when nobody needs them."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from actors.source_files import SourceFiles
from footage.errors import (
    EmptySource,
    MissingSource,
    SettingsError,
    SourceChanged,
    VideoTooLarge,
)
from footage.local_sources import file_source
from footage.records import Source
from footage.remote_access import RemoteAccess
from footage.sources import current_source
from footage.storage_settings import SourceSettings
from tests.http_files import File, FileServer, serve_files

FILM = bytes(range(256)) * 4000
FILM_GIB = len(FILM) / 2**30
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files({f"/{name}.mp4": File(FILM, etag=f'"{name}"') for name in "abcd"}) as served:
        yield served


@pytest.fixture
def access(server: FileServer, tmp_path: Path) -> RemoteAccess:
    return access_to(server, tmp_path)


def access_to(server: FileServer, scratch: Path, films: float = 3) -> RemoteAccess:
    """Scratch for so many films."""
    settings = SourceSettings(http_allow=(server.host,), scratch=str(scratch), scratch_gib=films * FILM_GIB)
    return RemoteAccess(sources=settings)


def film(server: FileServer, name: str = "a") -> Source:
    return Source(server.url(f"/{name}.mp4"), f'"{name}"', len(FILM))


def opened(source: Source) -> tuple[str, bytes, str, int]:
    return source.uri, b"", source.etag, source.size_bytes


def read(files: SourceFiles, source: Source) -> bytes:
    with files.open(*opened(source)) as path:
        return path.read_bytes()


def copies(scratch: Path) -> list[str]:
    """The names of the whole copies."""
    return sorted(path.name for path in scratch.glob("footage-sources-*/*/*"))


def leftovers(scratch: Path) -> list[str]:
    """All that there is but the lock of the room."""
    return sorted(path.name for path in scratch.glob("footage-sources-*/*") if path.name != "room.lock")


def downloads(server: FileServer, name: str = "a") -> int:
    return sum(request.startswith(f"GET /{name}.mp4") for request in server.requests)


def test_a_local_file_is_itself(tmp_path: Path, access: RemoteAccess) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(FILM)
    source = file_source(path)
    files, heard = SourceFiles(access), bytearray()

    with files.open(source.uri, os.fsencode(path), source.etag, source.size_bytes, heard.extend) as given:
        assert (given, bytes(heard)) == (path, FILM)
        with path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(SourceChanged), files.open(source.uri, os.fsencode(path), source.etag, 0):
            pass
        path.write_bytes(FILM)
        os.utime(path, ns=(1, int(source.etag.partition("-")[0], 16)))
    for forget in (
        lambda: files.discard(source.uri, source.etag, "run"),
        lambda: files.decoded(source.uri, source.etag, "run", 0),
    ):
        forget()
    assert path.read_bytes() == FILM


def test_a_remote_file_is_read_once(server: FileServer, access: RemoteAccess, tmp_path: Path) -> None:
    files, fetched, again = SourceFiles(access), bytearray(), bytearray()

    with files.open(*opened(film(server)), fetched.extend) as path:
        assert (path.name, path.read_bytes(), bytes(fetched)) == ("a.mp4", FILM, FILM)
    with SourceFiles(access).open(*opened(film(server)), again.extend) as path:
        assert (path.read_bytes(), bytes(again)) == (FILM, FILM)

    assert downloads(server) == 1
    folder = next(tmp_path.glob("footage-sources-*"))
    assert (folder.name, folder.stat().st_mode & 0o777) == (f"footage-sources-{os.getuid()}", 0o700)


@pytest.mark.parametrize(
    ("key", "name"),
    [("/..%2f..%2fx.mp4", ".._.._x.mp4"), ("/%2e%2e", "_"), ("/" + "x" * 300 + ".mp4", "x" * 196 + ".mp4")],
)
def test_a_key_is_no_path(server: FileServer, access: RemoteAccess, key: str, name: str) -> None:
    server.files[key] = File(FILM, etag='"a"')

    with SourceFiles(access).open(server.url(key), b"", '"a"', len(FILM)) as path:
        assert path.name == name
        assert path.is_relative_to(access.sources.scratch)


def test_contents_of_one_url_are_not_mixed(server: FileServer, access: RemoteAccess) -> None:
    files = SourceFiles(access)
    before = film(server)
    with files.open(*opened(before)) as path:
        server.files["/a.mp4"] = File(FILM[::-1], etag='"new"')
        after = current_source(before.uri, access)
        assert read(files, after) == FILM[::-1]
        assert path.read_bytes() == FILM
    with pytest.raises(SourceChanged):
        read(files, Source(before.uri, '"older"', len(FILM)))


def test_a_file_that_cannot_be_had_leaves_nothing(server: FileServer, access: RemoteAccess, tmp_path: Path) -> None:
    files = SourceFiles(access)
    server.files["/empty.mp4"] = File(b"", etag='"e"')

    for uri, error in (
        (server.url("/gone.mp4"), MissingSource),
        (server.url("/empty.mp4"), EmptySource),
        (server.url("/b.mp4"), SourceChanged),
        ("http://elsewhere.example/a.mp4", MissingSource),
    ):
        with pytest.raises(error), files.open(uri, b"", '"e"', 0):
            pass
    assert leftovers(tmp_path) == []


def _read_in_child(access: RemoteAccess, source: Source, begin: "threading.Barrier", answers: Connection) -> None:
    begin.wait(60)
    answers.send(read(SourceFiles(access), source) == FILM)


def test_several_processes_fetch_it_once(server: FileServer, access: RemoteAccess) -> None:
    server.files["/a.mp4"].bytes_per_s = 2 * len(FILM)
    begin = SPAWN.Barrier(3)
    mine, theirs = SPAWN.Pipe(duplex=False)
    children = [SPAWN.Process(target=_read_in_child, args=(access, film(server), begin, theirs)) for _ in range(3)]
    for child in children:
        child.start()

    answers = [mine.recv() for _ in children]
    for child in children:
        child.join()

    assert (answers, downloads(server)) == ([True] * 3, 1)


def test_a_killed_fetch_is_gone_on_with(server: FileServer, access: RemoteAccess, tmp_path: Path) -> None:
    served = server.files["/a.mp4"]
    served.bytes_per_s = len(FILM) / 20
    mine, theirs = SPAWN.Pipe(duplex=False)
    begin = SPAWN.Barrier(1)
    child = SPAWN.Process(target=_read_in_child, args=(access, film(server), begin, theirs))
    child.start()
    while not any(part.stat().st_size > 100_000 for part in tmp_path.glob("footage-sources-*/*.part")):
        assert child.exitcode is None
        time.sleep(0.01)
    os.kill(child.pid or 0, signal.SIGKILL)
    child.join()
    [part] = tmp_path.glob("footage-sources-*/*.part")
    served.bytes_per_s = 0
    there, heard = part.stat().st_size, bytearray()

    with SourceFiles(access).open(*opened(film(server)), heard.extend) as path:
        assert (path.read_bytes(), bytes(heard)) == (FILM, FILM)
    assert server.requests[1:] == [f"GET /a.mp4 bytes={there}-"]
    mine.close()


def test_what_a_killed_fetch_left_goes_first(server: FileServer, tmp_path: Path) -> None:
    files = SourceFiles(access_to(server, tmp_path, films=2))
    with files.open(*opened(film(server, "b"))):
        pass
    room = next(tmp_path.glob("footage-sources-*"))
    (room / "0123.part").write_bytes(bytes(1000))
    (room / "0123.lock").touch()
    os.truncate(room / "0123.lock", len(FILM))

    assert read(files, film(server, "c")) == FILM
    assert copies(tmp_path) == ["b.mp4", "c.mp4"]
    assert not (room / "0123.part").exists()


def test_the_least_recently_used_goes_first(server: FileServer, access: RemoteAccess, tmp_path: Path) -> None:
    files = SourceFiles(access)
    for name in "abc":
        assert read(files, film(server, name)) == FILM
    assert read(files, film(server, "a")) == FILM

    assert read(files, film(server, "d")) == FILM
    assert copies(tmp_path) == ["a.mp4", "c.mp4", "d.mp4"]


def test_what_is_planned_goes_after_what_is_not(server: FileServer, access: RemoteAccess, tmp_path: Path) -> None:
    files = SourceFiles(access)
    for name in "abc":
        assert read(files, film(server, name)) == FILM
    files.planned(film(server, "a").uri, '"a"', "run", [0, 1])

    assert read(files, film(server, "d")) == FILM
    assert copies(tmp_path) == ["a.mp4", "c.mp4", "d.mp4"]


def test_what_is_in_use_stays(server: FileServer, tmp_path: Path) -> None:
    files = SourceFiles(access_to(server, tmp_path, films=1.5))
    with files.open(*opened(film(server, "a"))) as path:
        waiting = threading.Thread(target=read, args=(files, film(server, "b")))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        assert path.read_bytes() == FILM
    waiting.join(30)
    assert copies(tmp_path) == ["b.mp4"]


def test_planning_waits_until_something_is_decoded(server: FileServer, tmp_path: Path) -> None:
    planner = SourceFiles(access_to(server, tmp_path, films=1.5), patience_s=60)
    decoder = SourceFiles(access_to(server, tmp_path, films=1.5))
    assert read(planner, film(server, "a")) == FILM
    planner.planned(film(server, "a").uri, '"a"', "run", [0, 1])
    waiting = threading.Thread(target=read, args=(planner, film(server, "b")))
    waiting.start()

    decoder.decoded(film(server, "a").uri, '"a"', "run", 1)
    waiting.join(0.5)
    assert (waiting.is_alive(), copies(tmp_path)) == (True, ["a.mp4"])
    decoder.decoded(film(server, "a").uri, '"a"', "run", 0)
    waiting.join(30)
    assert copies(tmp_path) == ["b.mp4"]


def test_planning_waits_no_longer_than_its_patience(server: FileServer, tmp_path: Path) -> None:
    planner = SourceFiles(access_to(server, tmp_path, films=1.5), patience_s=0.3)
    assert read(planner, film(server, "a")) == FILM
    planner.planned(film(server, "a").uri, '"a"', "run", [0])

    assert read(planner, film(server, "b")) == FILM
    assert copies(tmp_path) == ["b.mp4"]


def test_a_copy_goes_with_its_last_span(server: FileServer, access: RemoteAccess, tmp_path: Path) -> None:
    files = SourceFiles(access)
    source = film(server)
    assert read(files, source) == FILM
    files.planned(source.uri, source.etag, "run", [2, 5])

    files.decoded(source.uri, source.etag, "run", 5)
    files.decoded(source.uri, source.etag, "run", 5)  # a second try of the same span
    assert copies(tmp_path) == ["a.mp4"]
    files.decoded(source.uri, source.etag, "run", 2)
    assert leftovers(tmp_path) == []
    files.decoded(source.uri, source.etag, "run", 2)
    files.discard(source.uri, source.etag, "run")
    assert leftovers(tmp_path) == []


def test_a_copy_stays_while_another_run_needs_it(server: FileServer, access: RemoteAccess, tmp_path: Path) -> None:
    files = SourceFiles(access)
    source = film(server)
    assert read(files, source) == FILM
    files.planned(source.uri, source.etag, "one", [0])
    files.planned(source.uri, source.etag, "two", [0, 1])

    files.discard(source.uri, source.etag, "three")  # finds it a duplicate, or in the hands of another run
    files.decoded(source.uri, source.etag, "one", 0)
    files.decoded(source.uri, source.etag, "two", 1)
    assert copies(tmp_path) == ["a.mp4"]
    files.decoded(source.uri, source.etag, "two", 0)
    assert leftovers(tmp_path) == []


def test_a_copy_that_another_uses_is_the_first_to_go(server: FileServer, access: RemoteAccess, tmp_path: Path) -> None:
    files = SourceFiles(access)
    source = film(server)
    with files.open(*opened(source)) as path:
        files.planned(source.uri, source.etag, "run", [0])
        files.decoded(source.uri, source.etag, "run", 0)
        assert path.read_bytes() == FILM
    assert leftovers(tmp_path) == [path.parent.name, f"{path.parent.name}.lock"]


def test_a_run_clears_what_no_other_run_needs(server: FileServer, access: RemoteAccess, tmp_path: Path) -> None:
    files = SourceFiles(access)
    for name in "abc":
        assert read(files, film(server, name)) == FILM
    files.planned(film(server, "a").uri, '"a"', "ours", [0])
    files.planned(film(server, "b").uri, '"b"', "theirs", [0])
    SourceFiles(access).clear_unused("ours")

    assert copies(tmp_path) == ["b.mp4"]


def test_a_file_larger_than_the_scratch_is_refused_unread(server: FileServer, tmp_path: Path) -> None:
    files = SourceFiles(access_to(server, tmp_path, films=0.5))
    words = r"^a\.mp4 has 0\.000954 GiB, .* may take 0\.000477 GiB: raise sources\.scratch_gib"

    with pytest.raises(VideoTooLarge, match=words), files.open(*opened(film(server))):
        pass
    assert (server.requests, leftovers(tmp_path)) == ([], [])


def test_a_file_that_turns_out_larger_than_the_scratch_is_refused(server: FileServer, tmp_path: Path) -> None:
    server.files["/a.mp4"].tells_length = False
    files = SourceFiles(access_to(server, tmp_path, films=0.5))

    with (
        pytest.raises(VideoTooLarge, match=r"raise sources\.scratch_gib"),
        files.open(server.url("/a.mp4"), b"", '"a"', 0),
    ):
        pass
    assert leftovers(tmp_path) == []


def test_a_file_whose_length_is_not_told_takes_the_room_that_it_has(server: FileServer, tmp_path: Path) -> None:
    server.files["/a.mp4"].tells_length = False
    files = SourceFiles(access_to(server, tmp_path, films=100))

    with files.open(server.url("/a.mp4"), b"", '"a"', 0) as path:
        assert path.read_bytes() == FILM
    [lock] = (path for path in tmp_path.glob("footage-sources-*/*.lock") if path.name != "room.lock")
    assert lock.stat().st_size == len(FILM)


def test_a_folder_that_others_may_enter_is_refused(server: FileServer, access: RemoteAccess, tmp_path: Path) -> None:
    (tmp_path / f"footage-sources-{os.getuid()}").mkdir(mode=0o777)
    (tmp_path / f"footage-sources-{os.getuid()}").chmod(0o777)

    with pytest.raises(SettingsError, match="not a folder that only this user can enter"):
        read(SourceFiles(access), film(server))
