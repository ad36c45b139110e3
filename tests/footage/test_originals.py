import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from footage.catalog_records import Lease
from footage.local_sources import file_source
from footage.originals import OriginalDeleter, OriginalOutcome, delete_source_file, may_need
from footage.records import Source
from footage.remote_access import RemoteAccess
from footage.sidecar import Manifest, stored_source
from footage.timestamps import utc_now
from tests.archive import DAY_S, Archive
from tests.spans import FINGERPRINT


class Shoot(Archive):
    """An archive whose files are real ones."""

    def __init__(self, root: Path) -> None:
        super().__init__(root / "store")
        self.folder = root / "films"
        self.folder.mkdir()

    def film(self, name: str, content: bytes = b"bytes") -> Source:
        """A file that is indexed."""
        path = self.folder / f"{name}.mp4"
        path.write_bytes(content)
        source = file_source(path)
        video_id = self.add(name)  # under another URI, which goes
        stored = stored_source(source)
        assert self.catalog.add_source(video_id, stored, None, FINGERPRINT, utc_now()) is not None
        self.catalog.change_manifest(video_id, lambda held: held.model_copy(update={"sources": [stored]}))
        return source

    def is_present(self, uri: str) -> bool:
        return any(uri == file_source(path).uri for path in self.folder.iterdir())

    def manifest(self, source: Source) -> Manifest:
        record = self.catalog.sources.get(source.uri)
        assert record is not None
        manifest = self.catalog.manifest(record.video_id)
        assert manifest is not None
        assert [record.source] == manifest.sources
        return manifest

    def delete(self, *sources: Source, others: tuple[Lease, ...] = ()) -> list[OriginalOutcome]:
        return list(OriginalDeleter(self.catalog, others)(sources))


@pytest.fixture
def shoot(tmp_path: Path) -> Iterator[Shoot]:
    shoot = Shoot(tmp_path)
    yield shoot
    shoot.close()


def lease_of(source: str) -> Lease:
    return Lease(
        run_id="another",
        workspace="annex",
        what="footage index films",
        source=source,
        host="studio",
        pid=1,
        nonce="",
        started_at="",
        expires_at="",
    )


def test_an_indexed_original_goes_and_its_video_stays(shoot: Shoot) -> None:
    film, other = shoot.film("film"), shoot.film("other")
    assert shoot.delete(film) == [OriginalOutcome(film.uri, True)]
    assert [path.name for path in shoot.folder.iterdir()] == ["other.mp4"]
    assert shoot.manifest(film).sources[0].deleted_at is not None
    assert shoot.manifest(other).sources[0].deleted_at is None
    assert list(shoot.store.list("pending/")) == []
    assert shoot.delete(film) == [OriginalOutcome(film.uri, True)]  # again is fine
    assert [kind for kind, _, _ in shoot.gc(later_s=2 * DAY_S)] == ["source_record"] * 2  # of what film() left


def test_what_changed_since_or_is_not_searchable_stays(shoot: Shoot) -> None:
    film, unknown = shoot.film("film"), Source("file:///films/unknown.mp4", "e", 1)
    path = shoot.folder / "film.mp4"
    path.write_bytes(b"other bytes")
    assert shoot.delete(film, unknown, Source("https://host/a.mp4", "e", 1)) == [
        OriginalOutcome(film.uri, False, "It has changed since it was indexed, or is gone."),
        OriginalOutcome(unknown.uri, False, "Its video is not searchable."),
        OriginalOutcome("https://host/a.mp4", False, "Nothing is deleted from web servers."),
    ]
    assert path.read_bytes() == b"other bytes"
    assert shoot.manifest(film).sources[0].deleted_at is None


def test_what_another_run_may_need_waits_for_a_later_run(shoot: Shoot) -> None:
    film = shoot.film("film")
    [outcome] = shoot.delete(film, others=(lease_of(str(shoot.folder)),))
    assert (outcome.is_deleted, outcome.why) == (
        False,
        "`footage index films` on studio may need it; a later run deletes it.",
    )
    assert ((shoot.folder / "film.mp4").exists(), shoot.manifest(film).sources[0].deleted_at) == (True, None)
    assert "original" not in {kind for kind, _, _ in shoot.gc(later_s=2 * DAY_S)}
    assert shoot.delete() == [OriginalOutcome(film.uri, True)]
    assert not (shoot.folder / "film.mp4").exists()


@pytest.mark.parametrize(
    ("source", "needs"),
    [
        ("/films", True),
        ("/films/a.mp4", True),
        ("/films/b.mp4", False),
        ("/other", False),
        ("films", True),  # of a folder that is not known here
        ("s3://bucket", False),
        ("", False),
    ],
)
def test_a_run_may_need_what_lies_in_its_source(source: str, needs: bool) -> None:
    assert may_need(lease_of(source), "file:///films/a.mp4") is needs


def test_one_that_cannot_be_deleted_is_there_still(shoot: Shoot) -> None:
    film = shoot.film("film")

    def refuse(uri: str, access: RemoteAccess) -> None:
        raise PermissionError(1, "Operation not permitted")

    [outcome] = OriginalDeleter(shoot.catalog, (), delete=refuse)([film])
    assert outcome == OriginalOutcome(film.uri, False, "It cannot be deleted: Operation not permitted.")
    assert shoot.manifest(film).sources[0].deleted_at is None
    assert list(shoot.store.list("pending/")) == []


@pytest.mark.parametrize("ended_by", ["a later run", "gc"])
def test_a_deletion_that_is_killed_is_gone_on_with_or_taken_back(shoot: Shoot, ended_by: str) -> None:
    film = shoot.film("film")
    path = shoot.folder / "film.mp4"
    shoot.gc(later_s=2 * DAY_S)  # what film() left

    def delete(uri: str, access: RemoteAccess) -> None:
        shoot.store.fuse.burn()
        delete_source_file(uri, access)

    content, times = path.read_bytes(), path.stat()
    for writes in shoot.each_crash(lambda: list(OriginalDeleter(shoot.catalog, (), delete=delete)([film]))):
        if ended_by == "gc":
            shoot.gc(later_s=2 * DAY_S)
        else:
            shoot.delete()
        deleted_at = shoot.manifest(film).sources[0].deleted_at
        assert (deleted_at is None) == path.exists(), writes
        waiting = list(shoot.store.list("pending/"))
        assert not waiting or (ended_by == "gc" and writes == 1)  # noted, not begun: the next run that deletes does it
        assert shoot.gc(later_s=2 * DAY_S) == []
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert writes > 4
