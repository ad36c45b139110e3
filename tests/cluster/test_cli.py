"""The command line as a user meets it, where nothing was indexed yet or something is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from actors.model_preparation import prepared_models
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.settings import load_settings
from footage.sidecar import Manifest, Sidecar
from tests.conftest import PROJECT
from tests.describing import NOTHING_TO_TELL
from tests.footage.test_catalog import manifest_of, report_of
from tests.spans import WORKSPACE


def footage(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cluster.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command", [["search", "anything"], ["videos"], ["videos", "--about", "x"], ["show", "film.mp4"]]
)
def test_store_without_an_index_is_a_sentence(tmp_path: Path, command: list[str]) -> None:
    result = footage(*command, "--store", tmp_path / "none")

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"footage: {tmp_path / 'none'} holds no index. Make one with: footage index")


def test_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = footage("index", tmp_path / "gone", "--store", tmp_path / "store", "--profile", "offline")

    assert result.returncode == 1
    assert f"{tmp_path / 'gone'} cannot be read: No such file or directory" in result.stderr
    assert "Traceback" not in result.stderr


def test_unknown_profile_is_named(tmp_path: Path) -> None:
    result = footage("index", tmp_path, "--store", tmp_path / "store", "--profile", "tpu")

    assert (result.returncode, result.stdout) == (1, "")
    assert "There is no profile 'tpu'" in result.stderr


def test_profile_whose_models_are_missing_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty"))
    (tmp_path / "film.mp4").write_bytes(b"x")

    result = footage("index", tmp_path, "--store", tmp_path / "store", "--profile", "cpu")

    assert result.returncode == 1
    assert "Systran/faster-whisper-small" in result.stderr
    assert "--profile offline" in result.stderr
    assert "Traceback" not in result.stderr


def test_folder_without_videos_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")

    result = footage("index", tmp_path, "--store", tmp_path / "store", "--profile", "offline", "--json")

    assert result.returncode == 0
    assert json.loads(result.stdout)["videos_found"] == 0


def test_empty_query_and_wrong_times_are_sentences(tmp_path: Path) -> None:
    Catalog(DirectoryStore(tmp_path), WORKSPACE).put_report(report_of("run-1"))

    times = footage("search", "x", "--from", "9", "--to", "3", "--store", tmp_path, "--profile", "offline")
    empty = footage("search", " ", "--store", tmp_path, "--profile", "offline")

    assert (times.returncode, empty.returncode) == (1, 1)
    assert "must be after" in times.stderr
    assert empty.stderr == (
        'footage: The search is not possible: query: it is empty: say what to look for, such as "red car".\n'
    )
    assert "Traceback" not in times.stderr


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["index", "films", "--dataset", "a/b"], "dataset 'a/b'"),
        (["index", "films", "--dataset", ""], "dataset ''"),
        (["index", "films", "--workspace", ".x"], "workspace '.x'"),
        (["retry", "--workspace", "a/b"], "workspace 'a/b'"),
        (["search", "x", "--dataset", ".x"], "dataset '.x'"),
        (["search", "x", "--workspace", "a/b"], "workspace 'a/b'"),
        (["videos", "--workspace", "a/b"], "workspace 'a/b'"),
        (["show", "film.mp4", "--workspace", ""], "workspace ''"),
    ],
)
def test_names_are_checked_before_anything_is_done(tmp_path: Path, command: list[str], name: str) -> None:
    result = footage(*command, "--store", tmp_path / "store")

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"footage: The {name} cannot be used: a name has 1 to 64 characters")
    assert not (tmp_path / "store").exists()


def test_a_search_by_captions_and_tags_alone_is_asked_for(prepared: object, tmp_path: Path) -> None:
    """Of an empty index of the offline profile's models."""
    Catalog(DirectoryStore(tmp_path), WORKSPACE).put_report(report_of("run-1"))
    models = prepared_models(load_settings("offline"))
    assert models is not None
    EmbeddedIndex(tmp_path / "index" / "scenes", models.index_spec(), owner="a test").close()
    where = ("--store", tmp_path, "--profile", "offline", "--json")

    found = footage("search", "x", "--by", "picture", "--by", "caption", "--tag", "outdoor", *where)
    about = footage("videos", "--about", "cars", *where)
    unknown = footage("search", "x", "--by", "smell", *where)

    assert [asked["list"] for asked in json.loads(found.stdout)["lists"]] == ["visual", "caption"]
    assert json.loads(about.stdout) == {"query": "cars", "workspace": "default", "videos": []}
    assert (unknown.returncode, "'picture', 'caption'" in unknown.stderr) == (2, True)


@pytest.fixture
def replaced(tmp_path: Path) -> tuple[Path, Manifest, Manifest]:
    """A store of two videos, the first of which no source holds any more; and their manifests."""
    store = tmp_path / "store"
    catalog = Catalog(DirectoryStore(store), WORKSPACE)
    catalog.put_report(report_of("run-1"))
    gone, there = manifest_of(sources=[]), manifest_of(video_id="00000000-0000-5000-8000-000000000009")
    for manifest in (gone, there):
        catalog.create_manifest(manifest)
    return store, gone, there


def test_a_video_without_a_source_is_shown_nowhere(replaced: tuple[Path, Manifest, Manifest]) -> None:
    store, gone, there = replaced
    where = ("--store", store, "--workspace", WORKSPACE)

    listed = footage("videos", *where)
    as_json = json.loads(footage("videos", "--json", *where).stdout)
    shown = footage("show", gone.video_id, *where)

    assert (listed.returncode, "film.mp4" in listed.stdout) == (0, True)
    assert [video["video_id"] for video in as_json["videos"]] == [there.video_id]
    assert shown.returncode == 1
    assert "No video of this workspace is called" in shown.stderr


def test_that_there_is_nothing_to_tell_is_no_description_in_json(tmp_path: Path) -> None:
    catalog = Catalog(DirectoryStore(tmp_path), WORKSPACE)
    catalog.put_report(report_of("run-1"))
    manifest = manifest_of(description=NOTHING_TO_TELL)
    catalog.create_manifest(manifest)

    where = ("--json", "--store", tmp_path, "--workspace", WORKSPACE)
    listed = json.loads(footage("videos", *where).stdout)["videos"]
    shown = json.loads(footage("show", manifest.video_id, *where).stdout)["manifest"]

    assert listed == [shown]
    assert shown == manifest_of().model_dump()


def test_scenes_are_shown_as_the_manifest_has_them(tmp_path: Path) -> None:
    """Another pipeline indexes the video anew: a sidecar has its place within a span, and another end."""
    catalog = Catalog(DirectoryStore(tmp_path), WORKSPACE)
    catalog.put_report(report_of("run-1"))
    scenes = [{"scene_id": name, "start_s": start, "end_s": start + 5} for name, start in (("s1", 0.0), ("s2", 5.0))]
    manifest = manifest_of(scenes=scenes)
    catalog.create_manifest(manifest)
    catalog.put_sidecar(sidecar_of("s1", 0, 0.0, 5.0))
    catalog.put_sidecar(sidecar_of("s2", 0, 5.0, 8.0))

    where = ("--store", tmp_path, "--workspace", WORKSPACE)
    content = json.loads(footage("show", manifest.video_id, "--json", *where).stdout)

    assert [(scene["index"], scene["start_s"], scene["end_s"]) for scene in content["scenes"]] == [
        (0, 0.0, 5.0),
        (1, 5.0, 10.0),
    ]


def sidecar_of(scene_id: str, index: int, start_s: float, end_s: float) -> Sidecar:
    made = {"model": "m", "dimensions": 1, "has_embedding": False}
    fields = {
        "workspace": WORKSPACE,
        "video_id": manifest_of().video_id,
        "scene_id": scene_id,
        "index": index,
        "start_s": start_s,
        "end_s": end_s,
        "transcript": {"text": "", "language": ""},
        "embeddings": {"text": made, "vision": made, "caption": made},
        "thumbnail_key": "t",
        "source_uris": [],
        "metadata": {"pipeline_fingerprint": "another", "processed_at": ""},
    }
    return Sidecar.model_validate(fields)


def test_doctor_speaks_json_and_finds_the_offline_profile_complete(prepared: object, tmp_path: Path) -> None:
    result = footage("doctor", "--profile", "offline", "--store", tmp_path, "--json")

    checks = {check["name"]: check["state"] for check in json.loads(result.stdout)}
    assert result.returncode == 0
    assert {checks[f"offline: {part}"] for part in ("speech", "text", "frames")} == {"ok"}
    assert "offline: prepared" not in checks
