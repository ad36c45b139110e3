"""The room for copies of remote sources: what goes first, what waits, and what a killed worker leaves."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from actors.scratch_room import ScratchRoom
from actors.source_files import SourceFiles
from footage.errors import VideoTooLarge
from footage.remote_access import RemoteAccess
from tests.conftest import PROJECT
from tests.http_files import FileServer
from tests.remote_films import FILM, access_to, copies, film, leftovers, opened, read

# Killed by the kernel at its first write to a file, which is opened by then.
KILLED_PLANNER = """
import resource, signal, sys
from pathlib import Path
from actors.scratch_room import ScratchRoom
room = ScratchRoom(Path(sys.argv[1]), 1 << 30)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
room.plan(room.copy("key"), "killed", [0, 1, 2])
"""


def test_a_worker_killed_while_it_plans_leaves_what_was_planned(tmp_path: Path) -> None:
    room = ScratchRoom(tmp_path, 1 << 30)
    copy = room.copy("key")
    copy.lock.touch()
    room.plan(copy, "run", [0, 1])

    child = subprocess.run([sys.executable, "-c", KILLED_PLANNER, str(tmp_path)], cwd=PROJECT, check=False)
    assert child.returncode == -signal.SIGXFSZ

    room.release(copy, "run", 0)
    assert copy.lock.exists()
    room.release(copy, "run", 1)
    assert not copy.lock.exists()


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
