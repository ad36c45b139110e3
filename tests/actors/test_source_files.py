"""Copies of remote sources: made once for a machine, bounded, never mixed, and gone when nobody needs them."""

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from actors.source_files import SourceFiles
from footage.errors import (
    EmptySource,
    MissingSource,
    SettingsError,
    SourceChanged,
)
from footage.local_sources import file_source
from footage.records import Source
from footage.remote_access import RemoteAccess
from footage.sources import current_source
from tests.http_files import File, FileServer
from tests.remote_films import FILM, downloads, film, leftovers, opened, read

SPAWN = multiprocessing.get_context("spawn")


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


def test_a_folder_that_others_may_enter_is_refused(server: FileServer, access: RemoteAccess, tmp_path: Path) -> None:
    (tmp_path / f"footage-sources-{os.getuid()}").mkdir(mode=0o777)
    (tmp_path / f"footage-sources-{os.getuid()}").chmod(0o777)

    with pytest.raises(SettingsError, match="not a folder that only this user can enter"):
        read(SourceFiles(access), film(server))
