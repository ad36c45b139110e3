import os
import shutil
from pathlib import Path

import pytest

from footage.errors import SettingsError, StoreUnavailable
from footage.local_sources import MISSING_ETAG, file_source, file_uri, is_file_present, list_local, local_path
from footage.records import Source


def _touch(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_lists_videos_at_any_depth_in_name_order(tmp_path: Path) -> None:
    wanted = [_touch(tmp_path / name) for name in ("a.MP4", "b/c.mkv", "b/d.webm")]
    for name in ("notes.txt", ".hidden.mp4", ".git/e.mp4"):
        _touch(tmp_path / name)

    assert [source.uri for source in list_local(str(tmp_path))] == [file_uri(path) for path in wanted]


def test_one_file_of_any_suffix_is_a_source(tmp_path: Path) -> None:
    film = _touch(tmp_path / "film.bin", b"12345")

    [source] = list_local(str(film))

    assert (source.uri, source.size_bytes) == (file_uri(film), 5)


def test_dangling_link_is_listed(tmp_path: Path) -> None:
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere")

    assert list(list_local(str(tmp_path))) == [Source(file_uri(tmp_path / "gone.mp4"), "missing", 0)]


def test_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    _touch(tmp_path / "a.mp4")

    assert len(list(list_local(str(tmp_path)))) == 1


def test_etag_changes_with_the_content(tmp_path: Path) -> None:
    film = _touch(tmp_path / "film.mp4")
    [before] = list_local(str(film))
    os.utime(film, ns=(1, 1))

    [after] = list_local(str(film))

    assert before.etag != after.etag


@pytest.mark.parametrize("name", ["plain.mp4", "with space#?%.mp4", "日本.mp4"])
def test_uri_leads_back_to_the_path(tmp_path: Path, name: str) -> None:
    assert local_path(file_uri(tmp_path / name)) == tmp_path / name


def test_name_that_is_not_utf8_survives(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp4"))

    assert local_path(file_uri(path)) == path
    assert file_uri(path).isascii()


def test_source_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^The source /does/not/exist cannot be read: No such file or directory"):
        list(list_local("/does/not/exist"))


def _too_deep(folder: Path) -> None:
    """Makes folders so deep that the path of the last one is longer than the kernel takes: it cannot be listed."""
    name = "d" * 250
    at = os.open(folder, os.O_RDONLY)
    for _ in range(17):
        os.mkdir(name, dir_fd=at)
        inner = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(at)


def test_a_subfolder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    _touch(tmp_path / "a.mp4")
    _too_deep(tmp_path)  # not by permissions, which do not bind root

    with pytest.raises(
        SettingsError, match=rf"^The folder {tmp_path}/d+.* cannot be read: File name too long\. .*chmod"
    ):
        list(list_local(str(tmp_path)))


def test_the_folder_of_fsck_is_left_out(tmp_path: Path) -> None:
    _touch(tmp_path / "lost+found" / "a.mp4")

    assert list(list_local(str(tmp_path))) == []


def test_a_file_is_present_until_it_is_removed(tmp_path: Path) -> None:
    film = _touch(tmp_path / "films" / "a.mp4")
    _touch(tmp_path / "notes.txt")
    present = is_file_present(film)
    film.unlink()
    without_file = is_file_present(film)
    film.parent.rmdir()

    assert (present, without_file, is_file_present(film)) == (True, False, False)
    assert file_source(film) == Source(file_uri(film), MISSING_ETAG, 0)


def test_a_disk_that_is_not_mounted_is_no_proof_that_its_files_are_gone(tmp_path: Path) -> None:
    film = _touch(tmp_path / "disk" / "films" / "a.mp4")
    shutil.rmtree(film.parent)  # the mount point stays

    with pytest.raises(StoreUnavailable, match=rf"^{film} cannot be looked for: {tmp_path}/disk is all that is left"):
        is_file_present(film)


def test_another_machine_s_files_are_not_gone() -> None:
    with pytest.raises(StoreUnavailable, match="if the file is another machine's, ask there"):
        is_file_present(Path("/no-such-archive/films/a.mp4"))


def test_a_file_that_cannot_be_looked_for_does_not_count_as_gone(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    with pytest.raises(StoreUnavailable, match="Too many levels of symbolic links"):
        is_file_present(tmp_path / "loop" / "a.mp4")
