"""What only the embedded index does: one owner, one set of models, a folder that is whole or absent."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from footage.embedded_index import EmbeddedIndex
from footage.errors import IndexBusy, IndexFailed, IndexMismatch, StoreError
from footage.index_spec import LAYOUT, read_spec
from footage.ownership import Owner, Ownership, read_owner
from tests.conftest import PROJECT
from tests.points import ALL, LIVE, SPEC, as_described, described, scene, seen, video, write

HOLDER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from footage.embedded_index import EmbeddedIndex
    from tests.points import ALL, SPEC, scene, seen, write
    index = EmbeddedIndex(Path(sys.argv[1]), SPEC, owner="footage index films")
    write(index, seen(scene("v1/0"), visual=[1, 0, 0]))
    print("holds", flush=True)
    sys.stdin.readline()
    write(index, seen(scene("v2/0"), visual=[0, 1, 0]))
    print(index.count(ALL), flush=True)
    sys.stdin.readline()
    index.close()
    """
)


class Holder:
    """Another process that has the index open."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )
        assert self.answer() == "holds"

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "index" / "scenes"


@pytest.fixture
def holder(path: Path) -> Iterator[Holder]:
    holder = Holder(path)
    yield holder
    holder.end()


def test_who_holds_it_is_said_and_the_holder_is_not_harmed(path: Path, holder: Holder) -> None:
    for _ in range(3):
        with pytest.raises(IndexBusy) as refused:
            EmbeddedIndex(path, SPEC, owner="footage search")
    owner = read_owner(path.with_name("scenes.lock"))
    assert owner is not None
    clock = datetime.fromisoformat(owner.since).astimezone()
    assert str(refused.value) == (
        f"The index of {path.parent.parent} is held by `footage index films` (pid {holder.process.pid},"
        f" since {clock:%H:%M:%S}). Wait for it to end, or end it, and try again."
    )

    holder.go_on()
    assert holder.answer() == "2"
    holder.go_on()
    assert holder.process.wait(timeout=60) == 0
    with EmbeddedIndex(path, SPEC, owner="footage search", create=False) as index:
        assert {point.scene_id for point in index.points(LIVE)} == {scene("v1/0").scene_id, scene("v2/0").scene_id}


def test_a_killed_holder_leaves_no_lock(path: Path, holder: Holder) -> None:
    holder.process.kill()
    with EmbeddedIndex(path, SPEC, owner="footage search", wait_s=10) as index:
        assert index.count(LIVE) == 1
        owner = read_owner(path.with_name("scenes.lock"))
        assert owner is not None
        assert (owner.what, owner.pid) == ("footage search", os.getpid())


def test_waiting_outlasts_a_holder_that_ends(path: Path, holder: Holder) -> None:
    threading.Timer(0.5, holder.process.kill).start()
    with EmbeddedIndex(path, SPEC, owner="footage search", wait_s=30) as index:
        assert index.count(LIVE) == 1


def test_an_index_that_is_open_here_is_not_opened_twice(path: Path) -> None:
    with (
        EmbeddedIndex(path, SPEC, owner="footage serve") as index,
        pytest.raises(IndexBusy, match=rf"held by `footage serve` \(pid {os.getpid()}, since"),
    ):
        EmbeddedIndex(path, SPEC, owner="footage search")
    index.close()
    for use in (lambda: index.count(LIVE), index.take_rebuilt):
        with pytest.raises(IndexFailed, match="was closed in this process"):
            use()
    EmbeddedIndex(path, SPEC, owner="footage search").close()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"text_model": "BAAI/bge-m3", "text_dimensions": 1024},
            r"text vectors of text-model \(4 dimensions\), not of BAAI/bge-m3 \(1024 dimensions\)",
        ),
        ({"vision_model": "siglip"}, r"image vectors of vision-model \(3 dimensions\), not of siglip \(3 dimensions\)"),
        (
            {"sparse_idf": False},
            "sparse text vectors of weights scaled by rarity, not of weights as the model gives them",
        ),
    ],
)
def test_other_models_are_refused(path: Path, changes: dict[str, str | int], says: str) -> None:
    with EmbeddedIndex(path, SPEC, owner="a test") as index:
        write(index, scene("v1/0"))
    with pytest.raises(IndexMismatch, match=says) as refused:
        EmbeddedIndex(path, replace(SPEC, **changes), owner="a test")
    with EmbeddedIndex(path, SPEC, owner="a test") as index:  # the refusal gave the lock back
        assert index.count(ALL) == 1
    del refused  # kept until here: its traceback holds what it refused
    assert read_spec(path) == SPEC


def test_a_search_makes_no_index(path: Path) -> None:
    with pytest.raises(StoreError, match=r"Nothing is indexed in .*/store yet: run `footage index` first"):
        EmbeddedIndex(path, SPEC, owner="footage search", create=False)
    assert not path.parent.exists()
    assert read_spec(path) is None


@pytest.mark.parametrize("layout", [None, 1, 2, LAYOUT + 1])
def test_an_index_of_another_footage_is_refused(path: Path, layout: int | None) -> None:
    EmbeddedIndex(path, SPEC, owner="a test").close()
    spec = path.with_name("spec.json")
    held = json.loads(spec.read_text())
    del held["layout"]
    spec.write_text(json.dumps(held if layout is None else held | {"layout": layout}))
    lacks = {2: "durations and no times of indexing"}.get(layout or 1, "captions and no descriptions")
    made = "a later footage" if layout == LAYOUT + 1 else f"an earlier footage, which had no {lacks}"
    with pytest.raises(IndexMismatch, match=rf"The index of .*/store was made by {made}.* index into another store"):
        EmbeddedIndex(path, SPEC, owner="a test")


def test_an_index_that_lost_its_videos_is_refused(path: Path) -> None:
    EmbeddedIndex(path, SPEC, owner="a test").close()
    shutil.rmtree(path.with_name("videos"))
    for _ in range(2):
        with pytest.raises(StoreError, match=r"lost the folder videos beside it: remove the store .*/store and index"):
            EmbeddedIndex(path, SPEC, owner="a test")


@pytest.mark.parametrize("left", ["nothing", "spec", "half a folder", "all but the scenes"])
def test_what_a_killed_creation_left_does_not_matter(path: Path, left: str) -> None:
    path.parent.mkdir(parents=True)
    if left != "nothing":
        path.with_name("spec.json").write_text("{}")
    if left == "all but the scenes":
        EmbeddedIndex(path, SPEC, owner="a test").close()
        path.rename(path.with_name(".scenes.new"))
    if left == "half a folder":
        (path.parent / ".scenes.new" / "segments").mkdir(parents=True)
        (path.parent / ".scenes.new" / "edge_config.json").write_text('{"vec')
    with EmbeddedIndex(path, SPEC, owner="a test") as index:
        write(index, seen(scene("v1/0"), visual=[1, 0, 0]))
        assert index.count(LIVE) == 1
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "scenes",
        "scenes.lock",
        "spec.json",
        "videos",
    ]


@pytest.mark.parametrize("content", [None, "{}", "no JSON"])
def test_a_lost_or_damaged_spec_is_named(path: Path, content: str | None) -> None:
    EmbeddedIndex(path, SPEC, owner="a test").close()
    path.with_name("spec.json").unlink()
    if content is not None:
        path.with_name("spec.json").write_text(content)
    with pytest.raises(StoreError, match=r"spec\.json.* remove the store .*/store and index again"):
        EmbeddedIndex(path, SPEC, owner="a test")


def test_what_an_upsert_confirmed_does_not_hang_on_the_log(path: Path, tmp_path: Path) -> None:
    """A power cut may take the log, which the engine does not sync; the record of the span, which is synced, stays."""
    copy = tmp_path / "after" / "index" / "scenes"
    with EmbeddedIndex(path, SPEC, owner="a test") as index:
        index.upsert([seen(scene("v1/0"), visual=[1, 0, 0])])
        index.put_descriptions([video("v1", [1, 0, 0, 0])])
        shutil.copytree(path, copy)
        shutil.copytree(path.with_name("videos"), copy.with_name("videos"))
    shutil.copy(path.with_name("spec.json"), copy.parent)
    logs = [file for file in copy.parent.rglob("wal/*") if file.is_file()]
    assert {file.relative_to(copy.parent).parts[0] for file in logs} == {"scenes", "videos"}
    for file in logs:
        file.unlink()
    with EmbeddedIndex(copy, SPEC, owner="a test") as index:
        assert {point.scene_id for point in index.points(ALL)} == {scene("v1/0").scene_id}
        assert described(index) == as_described(video("v1", [1, 0, 0, 0]))


def test_weights_of_a_model_are_not_scaled(tmp_path: Path) -> None:
    from footage.index_records import VectorQuery
    from footage.records import SparseVector

    with EmbeddedIndex(tmp_path / "scenes", replace(SPEC, sparse_idf=False), owner="a test") as index:
        write(index, seen(scene("v1/0"), sparse={5: 0.5, 6: 0.25}), seen(scene("v1/10"), sparse={5: 1.0}))
        (hits,) = index.search([VectorQuery("transcript_sparse", SparseVector((5, 6), (1.0, 2.0)))], LIVE, 10)
    assert [hit.score for hit in hits] == [1.0, 1.0]


def test_an_owner_on_another_machine_is_named_with_it() -> None:
    owner = Owner("footage index", 7, "another-machine", "2026-01-01T00:00:00+00:00")
    assert str(owner).startswith("`footage index` (pid 7 on another-machine, since ")


def test_a_lock_whose_file_says_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "store" / "index" / "scenes.lock"
    held = Ownership(lock, "footage index")
    assert json.loads(lock.read_text())["what"] == "footage index"
    lock.write_text("")
    with pytest.raises(IndexBusy, match="is held by another process"):
        Ownership(lock, "footage search")
    held.release()
    other = Ownership(lock, "footage search")
    assert json.loads(lock.read_text())["what"] == "footage search"
    other.release()
