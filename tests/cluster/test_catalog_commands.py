import json
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cluster.cli import app
from footage.dataset_changes import join_dataset
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.index_address import index_address, open_index
from footage.index_copy import copy_index
from footage.index_records import SceneFilter
from footage.local_sources import file_uri
from footage.ownership import Ownership
from footage.server_index import ServerIndex
from footage.shared_index import SharedIndex
from footage.storage_settings import QdrantSettings
from tests.archive import Archive
from tests.points import drop
from tests.qdrant_server.server import QdrantServer
from tests.spans import SPEC, WORKSPACE


class Desk:
    """A store with films `here` and `gone`, of which `gone` was removed; `kept` is gone and in dataset pilots."""

    def __init__(self, root: Path) -> None:
        self.store, self.films = root / "store", root / "films"
        self.films.mkdir()
        archive = Archive(self.store, file_uri(self.films))
        self.ids = {name: archive.add(name) for name in ("here", "gone", "kept")}
        (self.films / "here.mp4").write_bytes(b"here")
        assert join_dataset(archive.catalog, "pilots", self.ids["kept"])
        archive.store.put("runs/run-1.log", b"")
        archive.close()

    def uri(self, name: str) -> str:
        return file_uri(self.films / f"{name}.mp4")

    def run(self, *arguments: str) -> Result:
        where = ["--store", str(self.store), "--workspace", WORKSPACE, "--profile", "offline"]
        return CliRunner().invoke(app, [*arguments, *where], env={"COLUMNS": "200"})

    def asked(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def videos(self) -> set[str]:
        return {name for name, id_ in self.ids.items() if (self.store / "videos" / WORKSPACE / id_).is_dir()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_may_not_go_is_kept_and_says_why(desk: Desk) -> None:
    answer = desk.asked("delete", "here.mp4", desk.ids["gone"], desk.ids["kept"][:8], "--dry-run")
    assert answer == {
        "dry_run": True,
        "decisions": [
            {
                "video_id": desk.ids["here"],
                "name": desk.uri("here"),
                "action": "keep",
                "why": f"Its source {desk.uri('here')} is there, but no dataset refers to it.",
            },
            {
                "video_id": desk.ids["gone"],
                "name": desk.uri("gone"),
                "action": "delete",
                "why": "Its source is gone, and no dataset refers to it.",
            },
            {
                "video_id": desk.ids["kept"],
                "name": desk.uri("kept"),
                "action": "keep",
                "why": "Its source is gone, but dataset pilots refers to it.",
            },
        ],
    }
    assert desk.videos() == {"here", "gone", "kept"}
    assert not list((desk.store / "leases").glob("*/*"))
    result = desk.run("delete", "here.mp4", "gone.mp4")
    assert result.exit_code == 0
    assert result.stdout.endswith("1 video deleted, 1 video kept.\n")
    assert f"Its source {desk.uri('here')} is there, but no dataset refers to it." in result.stdout
    assert desk.videos() == {"here", "kept"}
    assert not list((desk.store / "leases").glob("*/*"))


def test_a_source_and_a_dataset_are_deleted_too(desk: Desk) -> None:
    answer = desk.asked("delete", "--source", str(desk.films), "--force")
    assert [decision["action"] for decision in answer["decisions"]] == ["delete"] * 3
    assert (desk.videos(), (desk.films / "here.mp4").exists()) == (set(), True)
    assert desk.asked("datasets") == {"datasets": {}}


def test_a_dataset_goes_with_what_only_it_kept(desk: Desk) -> None:
    assert [one["action"] for one in desk.asked("delete", "--dataset", "pilots")["decisions"]] == ["delete"]
    assert desk.videos() == {"here", "gone"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Say what to delete: videos, or --source URI, or --dataset NAME; one of them."),
        (["a.mp4", "--dataset", "pilots"], "Say what to delete: videos, or --source URI, or --dataset NAME; one of"),
        (["a.mp4"], "No video of this workspace is called 'a.mp4'"),
        (["--dataset", "none"], "There is no dataset 'none' in workspace studio; there are: pilots."),
        (["--source", "/elsewhere"], "No video of workspace studio has a source at or below /elsewhere"),
    ],
)
def test_what_cannot_be_deleted_is_a_sentence(desk: Desk, arguments: list[str], says: str) -> None:
    result = desk.run("delete", *arguments)
    assert (result.exit_code, result.stderr.startswith(f"footage: {says}")) == (1, True), result.stderr
    assert desk.videos() == {"here", "gone", "kept"}


def test_gc_tells_and_mends(desk: Desk) -> None:
    why = "Its source is gone, and no dataset refers to it."
    want = {"kind": "gone", "subject": desk.ids["gone"], "why": why, "name": desk.uri("gone")}
    assert desk.asked("gc", "--dry-run") == {"dry_run": True, "findings": [want | {"mended": False}]}
    said = desk.run("gc", "--dry-run").stdout
    assert said.startswith(f"gone {desk.uri('gone')}  {desk.ids['gone']}\n        {why}\n")
    assert said.endswith("Found: gone (1). Nothing was changed.\n")
    assert desk.asked("gc") == {"dry_run": False, "findings": [want | {"mended": True}]}
    assert desk.run("gc").stdout == "Everything is in order.\n"
    assert desk.videos() == {"here", "kept"}


def test_what_was_changed_is_in_the_audit_log(desk: Desk) -> None:
    for dry in (
        ["delete", "gone.mp4", "--dry-run"],
        ["gc", "--dry-run"],
        ["delete", "--dataset", "pilots", "--dry-run"],
    ):
        assert desk.run(*dry).exit_code == 0
    assert desk.asked("audit") == {"entries": []}
    assert desk.run("delete", "here.mp4", "gone.mp4").exit_code == 0
    assert desk.run("datasets", "add", "drafts", "here.mp4").exit_code == 0
    assert desk.run("datasets", "remove", "drafts", "here.mp4").exit_code == 0
    assert desk.run("delete", "--dataset", "pilots").exit_code == 0
    (desk.films / "here.mp4").unlink()
    assert desk.run("gc").exit_code == 0
    here, gone, kept = (desk.ids[name] for name in ("here", "gone", "kept"))
    entries = desk.asked("audit")["entries"]
    assert {(entry["who"], entry["key_id"], entry["outcome"]) for entry in entries} == {("command line", None, "done")}
    assert [(entry["action"], entry["subject"]) for entry in reversed(entries)] == [
        ("delete video", gone),
        ("add to dataset", f"drafts/{here}"),
        ("remove from dataset", f"drafts/{here}"),
        ("delete video", kept),
        ("delete dataset", "pilots"),
        ("gc", here),
    ]
    assert entries[0]["detail"] == "gone: Its source is gone, and no dataset refers to it."


def test_what_holds_the_index_is_waited_for(desk: Desk) -> None:
    owner = Ownership(desk.store / "index" / "scenes.lock", "footage search")
    threading.Timer(0.3, owner.release).start()
    assert desk.run("delete", "gone.mp4").exit_code == 0
    assert desk.videos() == {"here", "kept"}


def test_the_service_goes_on_while_a_video_is_deleted(desk: Desk) -> None:
    with SharedIndex(desk.store / "index" / "scenes", SPEC, "footage serve") as served:
        before = served.count(SceneFilter(WORKSPACE))
        assert desk.run("delete", "gone.mp4").exit_code == 0
        assert 0 < served.count(SceneFilter(WORKSPACE)) < before
    assert desk.videos() == {"here", "kept"}


def test_datasets_are_listed_and_changed(desk: Desk) -> None:
    assert desk.asked("datasets") == {"datasets": {"pilots": 1}}
    assert desk.run("datasets", "add", "drafts", "here.mp4", "kept.mp4").exit_code == 0
    assert desk.asked("datasets") == {"datasets": {"drafts": 2, "pilots": 1}}
    assert desk.asked("datasets", "drafts") == {
        "dataset": "drafts",
        "videos": sorted([desk.ids["here"], desk.ids["kept"]]),
    }
    assert f"here.mp4  {desk.ids['here']}" in desk.run("datasets", "drafts").stdout
    assert desk.run("datasets", "remove", "drafts", "here.mp4", desk.ids["kept"]).exit_code == 0
    assert desk.asked("datasets") == {"datasets": {"pilots": 1}}
    assert "There is no dataset 'drafts'" in desk.run("datasets", "drafts").stderr
    assert "No video of this workspace is called 'x'" in desk.run("datasets", "add", "drafts", "x").stderr
    assert "cannot be used: a name has 1 to 64" in desk.run("datasets", "add", "a/b", "here.mp4").stderr


@pytest.mark.parametrize("engine", ["embedded", "server"])
def test_the_index_of_another_store_is_left_alone(
    desk: Desk, engine: str, qdrant: QdrantServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = DirectoryStore(tmp_path / "other")
    other.put("runs/run-1.log", b"")
    place, settings = desk.store / "index", QdrantSettings(collection=f"test-{tmp_path.name}")
    where, path = str(place), place / "scenes"
    if engine == "server":
        where = qdrant.url
        monkeypatch.setenv("FOOTAGE_QDRANT__COLLECTION", settings.collection)
        with EmbeddedIndex(path, SPEC, owner="a test") as held, ServerIndex(where, SPEC, settings) as copy:
            copy_index(held, copy, lambda points: None)
    elsewhere = ["--index", where, "--workspace", WORKSPACE, "--profile", "offline"]

    def of_the_other(*command: str) -> Result:
        return CliRunner().invoke(app, [*command, "--store", str(other.root), *elsewhere])

    def points() -> int:
        index = open_index(index_address("", where), SPEC, settings, "a test", create=False)
        with closing(index):
            return index.count(SceneFilter(WORKSPACE, live_only=False))

    # Nobody has it yet: to look is not to take.
    assert json.loads(of_the_other("gc", "--dry-run", "--json").stdout)["findings"]
    assert list(other.list("")) == ["runs/run-1.log"]
    assert desk.run("gc", "--dry-run", "--index", where).exit_code == 0
    assert desk.run("gc", "--index", where).exit_code == 0
    before = points()
    assert before
    for command in (["gc"], ["gc", "--dry-run"], ["delete", "here.mp4", "--force"], ["reindex"]):
        if command == ["reindex"]:
            elsewhere = ["--index", where, "--profile", "offline"]
        result = of_the_other(*command)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "holds the scenes of another store" in result.stderr
        assert "Each store needs an index of its own" in result.stderr
    assert points() == before
    assert list(other.list("leases/")) == []
    assert desk.run("gc", "--index", where).stdout == "Everything is in order.\n"
    if engine == "server":
        drop(ServerIndex(where, SPEC, settings))
