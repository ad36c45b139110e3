"""A file that changes while it is read is told from one that does not."""

import errno
from pathlib import Path

import pytest

from actors.source_check import refuse_unreadable, unchanged_source
from footage.errors import MissingSource, SourceChanged, UndecodableVideo
from footage.local_sources import MISSING_ETAG, file_source


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"a film")
    return path


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b" goes on")


def test_an_unchanged_file_is_read(film: Path):
    with unchanged_source(film, file_source(film).etag):
        assert film.read_bytes() == b"a film"


def test_a_file_that_changed_since_it_was_listed_is_not_read(film: Path):
    etag = file_source(film).etag
    grow(film)
    reached = False
    with pytest.raises(SourceChanged), unchanged_source(film, etag):
        reached = True
    assert not reached


def test_a_file_that_changes_while_it_is_read_is_refused(film: Path):
    words = (
        r"^film\.mp4 changed while it was read \(is it still being copied\?\); index it again when it is complete\.$"
    )
    with pytest.raises(SourceChanged, match=words), unchanged_source(film, file_source(film).etag):
        grow(film)


def test_a_change_counts_for_more_than_what_was_found_meanwhile(film: Path):
    def read(change: bool) -> None:
        with unchanged_source(film, file_source(film).etag):
            if change:
                grow(film)
            raise UndecodableVideo("film.mp4 is damaged.")

    with pytest.raises(SourceChanged):
        read(change=True)
    with pytest.raises(UndecodableVideo):
        read(change=False)


def test_a_file_that_is_not_there_is_missing_and_not_changed(film: Path):
    with pytest.raises(MissingSource), unchanged_source(film.with_name("gone.mp4"), MISSING_ETAG):
        pass
    with pytest.raises(MissingSource), unchanged_source(film, file_source(film).etag):
        film.unlink()


def test_what_libav_calls_a_read_error_is_one_only_if_the_file_cannot_be_read(film: Path):
    refuse_unreadable(film, OSError(errno.EIO, "of a damaged file"))  # returns
    with pytest.raises(MissingSource, match=r"^film\.mp4 cannot be read: Stale file handle\."):
        refuse_unreadable(film, OSError(errno.ESTALE, "of the system"))
    with pytest.raises(MissingSource, match=r"^mem cannot be read: Input/output error\."):
        refuse_unreadable(Path("/proc/self/mem"), OSError(errno.EIO, "of the system"))
