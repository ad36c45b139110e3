from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster.search_commands import Order
from cluster.search_options import modes_of, moment, picture_of, scene_named
from footage.catalog import Catalog
from footage.errors import NoSuchScene, SettingsError
from footage.search import Sort
from tests.footage.test_catalog import manifest_of
from tests.memory_store import MemoryStore
from tests.spans import WORKSPACE

ID = "00000000-0000-5000-8000-000000000001"


@pytest.fixture
def catalog() -> Catalog:
    """Of one video, `film.mp4`, with a scene of 65 s and one of a minute."""
    catalog = Catalog(MemoryStore(), WORKSPACE)
    times = ((0.0, 65.0), (65.0, 125.0))
    scenes = [{"scene_id": f"scene {start:g}", "start_s": start, "end_s": end} for start, end in times]
    catalog.create_manifest(manifest_of(scenes=scenes))
    return catalog


@pytest.mark.parametrize(
    ("name", "scene_id"),
    [
        (ID, ID),
        ("film.mp4@0", "scene 0"),
        ("film.mp4@64.9", "scene 0"),
        ("film.mp4@1:05", "scene 65"),
        ("film.mp4@0:01:05.5", "scene 65"),
        (f"{manifest_of().video_id}@70", "scene 65"),
    ],
)
def test_a_scene_is_named_by_its_id_or_its_place(catalog: Catalog, name: str, scene_id: str) -> None:
    assert scene_named(catalog, name) == scene_id


@pytest.mark.parametrize(
    "name", ["film.mp4", "@5", "film.mp4@", "film.mp4@soon", "film.mp4@-1", "film.mp4@inf", ID[:8]]
)
def test_what_names_no_scene_is_said(catalog: Catalog, name: str) -> None:
    with pytest.raises(SettingsError, match="is no scene: give its id, or a video and a time in it"):
        scene_named(catalog, name)


def test_a_place_without_a_scene_or_a_video_is_said(catalog: Catalog) -> None:
    with pytest.raises(NoSuchScene, match=r"film.mp4 has no scene at 2:05; `footage show film.mp4` lists its scenes"):
        scene_named(catalog, "film.mp4@2:05")
    with pytest.raises(SettingsError, match=r"No video of this workspace is called 'other.mp4'"):
        scene_named(catalog, "other.mp4@1")


def test_modes_have_numbers() -> None:
    assert modes_of(["seen=0.5", "spoken=0", "seen=2"]) == {"seen": 2.0, "spoken": 0.0}
    for wrong in ("seen", "seen=", "seen=much", "heard=1", "=1"):
        with pytest.raises(SettingsError, match=f"--mode '{wrong}' is not spoken, seen or captioned with a number"):
            modes_of([wrong])


def test_a_date_is_of_this_machine_unless_it_says_of_which_zone() -> None:
    assert moment("2026-05-31") == datetime(2026, 5, 31).astimezone()
    assert moment("2026-05-31T18:00Z") == datetime(2026, 5, 31, 18, tzinfo=UTC)
    assert moment("2026-05-31T18:00").utcoffset() is not None
    for wrong in ("yesterday", "2026-13-01", "0001-01-01", ""):
        with pytest.raises(SettingsError, match=f"--since '{wrong}' is no date"):
            moment(wrong)


def test_a_picture_is_read_or_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a picture")
    assert picture_of(tmp_path / "a.jpg", 9 / 2**20) == b"a picture"
    with pytest.raises(SettingsError, match=r"a.jpg is larger than the 7\.62939e-06 MiB of serve.max_image_mib"):
        picture_of(tmp_path / "a.jpg", 8 / 2**20)
    with pytest.raises(SettingsError, match=r"b.jpg cannot be read: No such file or directory\."):
        picture_of(tmp_path / "b.jpg", 8)


def test_scenes_are_sorted_as_searches_sort_them() -> None:
    assert Order == Sort
