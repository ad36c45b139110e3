"""Everything that happens to a catalog, in random order, against a plain model of what must hold.

Two workspaces index the same films by runs of which two are under way at a time, with two pipelines; films change, go
and come back; datasets share videos; deletions, gc and runs are killed before any write. See tests/world.py for what is
real in this, which is all but decoding and models.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from footage.completion import UNFIT
from footage.dataset_changes import join_dataset, leave_dataset
from footage.erasing import REMOVED
from footage.sidecar import Manifest
from tests.crashes import Killed
from tests.world import Run, World, scene_count, span_count, video_of

WORKSPACES = ("studio", "annex")
PIPELINES = ("0123456789abcdef", "fedcba9876543210")
CONTENTS = (b"a", b"bb", b"ccc")
NAMES = st.sampled_from(("one", "two", "three"))
CONTENT = st.sampled_from(CONTENTS)
WORKSPACE = st.sampled_from(WORKSPACES)
DATASET = st.sampled_from(("pilots", "drafts"))
PIPELINE = st.sampled_from((PIPELINES[0], PIPELINES[0], PIPELINES[1]))
SLOT = st.integers(0, 1)
WRITES = st.none() | st.integers(0, 60)  # after which the process is killed; None: it is not
DRY_RUN = st.sampled_from((False, False, False, True))
VIDEO = st.integers(0, 5)  # one of those that there are


class CatalogMachine(RuleBasedStateMachine):
    """`named` is the model: which video was put into which dataset by name, and must stay there until it is said."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.world.clear()
        self.runs: list[Run | None] = [None, None]
        self.dead: list[Run] = []
        self.named: set[tuple[str, str, str]] = set()  # workspace, dataset, video id

    # Films and runs

    @initialize(films=st.dictionaries(NAMES, CONTENT, min_size=1), dataset=st.none() | DATASET)
    def begin(self, films: dict[str, bytes], dataset: str | None) -> None:
        for name, content in films.items():
            self.world.write(name, content)
        for workspace in WORKSPACES:
            Run(self.world, workspace, dataset, PIPELINES[0]).finish()

    @rule(name=NAMES, content=CONTENT)
    def write_film(self, name: str, content: bytes) -> None:
        self.world.write(name, content)

    @rule(name=NAMES)
    def remove_film(self, name: str) -> None:
        self.world.discard(name)

    @rule(workspace=WORKSPACE, dataset=st.none() | DATASET, pipeline=PIPELINE, writes=WRITES)
    def run_at_once(self, workspace: str, dataset: str | None, pipeline: str, writes: int | None) -> None:
        run = Run(self.world, workspace, dataset, pipeline)
        if self._killed(workspace, writes, run.finish):
            self.dead.append(run)

    @rule(slot=SLOT, workspace=WORKSPACE, dataset=st.none() | DATASET, pipeline=PIPELINE)
    def start_run(self, slot: int, workspace: str, dataset: str | None, pipeline: str) -> None:
        if self.runs[slot] is None:
            self.runs[slot] = Run(self.world, workspace, dataset, pipeline)

    @rule(slot=SLOT, steps=st.integers(1, 4), writes=WRITES)
    def go_on(self, slot: int, steps: int, writes: int | None) -> None:
        run = self.runs[slot]
        if run is None:
            return
        if self._killed(run.workspace, writes, lambda: [run.step() for _ in range(steps) if not run.is_ended]):
            self.dead.append(run)
        if run in self.dead or run.is_ended:
            self.runs[slot] = None

    @rule()
    def leases_of_the_dead_end(self) -> None:
        while self.dead:
            run = self.dead.pop()
            run.catalog.leases.delete(run.run_id)

    # What users do

    @rule(workspace=WORKSPACE, video=VIDEO, force=st.booleans(), dry_run=DRY_RUN, writes=WRITES)
    def delete_video(self, workspace: str, video: int, force: bool, dry_run: bool, writes: int | None) -> None:
        deleter = self.world.deleter_of(workspace, force=force, dry_run=dry_run)
        self._delete(workspace, force, dry_run, writes, lambda: deleter.videos(self._one(workspace, video)))

    @rule(workspace=WORKSPACE, name=st.none() | NAMES, force=st.booleans(), dry_run=DRY_RUN, writes=WRITES)
    def delete_source(self, workspace: str, name: str | None, force: bool, dry_run: bool, writes: int | None) -> None:
        deleter = self.world.deleter_of(workspace, force=force, dry_run=dry_run)
        address = str(self.world.folder) if name is None else self.world.uri(name)
        self._delete(workspace, force, dry_run, writes, lambda: deleter.source(address))

    @rule(workspace=WORKSPACE, dataset=DATASET, force=st.booleans(), dry_run=DRY_RUN, writes=WRITES)
    def delete_dataset(self, workspace: str, dataset: str, force: bool, dry_run: bool, writes: int | None) -> None:
        deleter = self.world.deleter_of(workspace, force=force, dry_run=dry_run)
        shared = {video_id for where, name, video_id in self.named if where == workspace and name != dataset}
        if not dry_run:
            gone = {(workspace, dataset, video_id) for video_id in self.world.of(workspace).datasets.videos(dataset)}
            self.named -= gone
        self._delete(workspace, force, dry_run, writes, lambda: deleter.dataset(dataset), dataset)
        kept = {manifest.video_id for manifest in self._videos(workspace)}
        assert shared <= kept, "a dataset took along what another refers to"

    @rule(workspace=WORKSPACE, dataset=DATASET, video=VIDEO)
    def join(self, workspace: str, dataset: str, video: int) -> None:
        for video_id in self._one(workspace, video):
            if join_dataset(self.world.of(workspace), dataset, video_id):
                self.named.add((workspace, dataset, video_id))

    @rule(workspace=WORKSPACE, dataset=DATASET, video=VIDEO)
    def leave(self, workspace: str, dataset: str, video: int) -> None:
        for video_id in self._one(workspace, video):
            self.named.discard((workspace, dataset, video_id))
            leave_dataset(self.world.of(workspace), dataset, video_id)

    @rule(workspace=WORKSPACE, writes=WRITES)
    def collect_garbage(self, workspace: str, writes: int | None) -> None:
        may_go = self._may_go(workspace)
        before = {manifest.video_id for manifest in self._videos(workspace)}
        self._killed(workspace, writes, lambda: self.world.gc_of(workspace))
        assert before - {manifest.video_id for manifest in self._videos(workspace)} <= may_go
        if writes is None and not any(run.workspace == workspace for run in [*self.dead, *filter(None, self.runs)]):
            self.world.gc_of(workspace)  # what the first one gave back or left behind
            self._is_clean(workspace)

    def _delete(
        self,
        workspace: str,
        force: bool,
        dry_run: bool,
        writes: int | None,
        act: Callable[[], Iterator[Any]],
        dataset: str = "",
    ) -> None:
        """Unforced, only what is gone and unreferenced goes, but for `dataset`; a dry run changes nothing."""
        before, may_go = self.world.parts(workspace), self._may_go(workspace, dataset)
        videos = {manifest.video_id for manifest in self._videos(workspace)}
        killed = self._killed(workspace, writes, lambda: list(act()))
        left = {manifest.video_id for manifest in self._videos(workspace)}
        if dry_run:
            assert killed or self.world.parts(workspace) == before
            return
        if force:
            self.named = {one for one in self.named if one[0] != workspace or one[2] in left}
        else:
            assert videos - left <= may_go

    # What must hold

    @invariant()
    def every_video_is_whole(self) -> None:
        for workspace in WORKSPACES:
            catalog, points = self.world.of(workspace), self.world.parts(workspace)["points"]
            for manifest in self._videos(workspace):
                scenes = {scene.scene_id for scene in manifest.scenes}
                assert scenes <= catalog.complete_scenes(manifest.video_id)
                live = {one.point.scene_id for one in points if one.live}
                # While another pipeline takes over, its scenes are found, and the claim says so.
                assert scenes <= live or catalog.claims.get(manifest.video_id) is not None

    @invariant()
    def references_by_name_are_kept(self) -> None:
        for workspace, dataset, video_id in self.named:
            reference = self.world.of(workspace).datasets.get(dataset, video_id)
            assert reference is not None
            assert reference.by_name
            assert video_id in {manifest.video_id for manifest in self._videos(workspace)}

    def teardown(self) -> None:
        """Once all runs have ended, one more run and gc bring everything into order."""
        for run in filter(None, self.runs):
            run.finish()
        self.leases_of_the_dead_end()
        for workspace in WORKSPACES:
            self.world.gc_of(workspace)
            Run(self.world, workspace, None, PIPELINES[0]).finish()
            for _ in range(2):
                self.world.gc_of(workspace)
            self._is_clean(workspace)
            self._has_all_films(workspace)

    def _is_clean(self, workspace: str) -> None:
        """Every point and file belongs to a manifest, and lists and records agree with each other."""
        catalog, parts = self.world.of(workspace), self.world.parts(workspace)
        manifests = {manifest.video_id: manifest for manifest in catalog.manifests()}
        assert REMOVED not in {manifest.pipeline_fingerprint for manifest in manifests.values()}
        scenes = {scene.scene_id: id_ for id_, manifest in manifests.items() for scene in manifest.scenes}
        for key in parts["objects"]:
            kind, _, *rest = key.split("/")
            if kind in ("sidecars", "thumbnails"):
                assert scenes[rest[1].partition(".")[0]] == rest[0], key
            elif kind == "videos":
                assert rest[0] in manifests, key
            elif kind == "datasets":
                assert rest[0] in manifests[rest[1]].datasets, key
            elif kind == "sources":
                named = {source.uri for source in manifests[rest[1].split(".")[2]].sources}
                assert any(catalog.sources.videos_of(uri) for uri in named), key
            elif kind == "pending":
                assert not manifests[rest[1]].sources, key
            else:
                assert kind not in ("claims", "leases"), key
        for one in parts["points"]:
            assert scenes[one.point.scene_id] == one.point.video_id
            fingerprint = manifests[one.point.video_id].pipeline_fingerprint
            assert fingerprint == UNFIT or (one.live, one.point.generation) == (True, fingerprint)
        for manifest in manifests.values():
            assert manifest.datasets == catalog.datasets.of_video(manifest.video_id)
            present = any(self.world.is_present(source.uri) for source in manifest.sources)
            assert present or manifest.datasets, f"{manifest.video_id} is gone, and nothing refers to it"

    def _has_all_films(self, workspace: str) -> None:
        """Every film is found as it is now, and nowhere else."""
        catalog, here = self.world.of(workspace), self.world.here()
        manifests = {manifest.video_id: manifest for manifest in catalog.manifests()}
        for uri, content in here.items():
            manifest = manifests[video_of(workspace, content)]
            assert manifest.pipeline_fingerprint == PIPELINES[0]
            count = span_count(content) * scene_count(manifest.video_id, PIPELINES[0])
            assert len(manifest.scenes) == count
            record = catalog.sources.get(uri)
            assert record is not None
            assert record.video_id == manifest.video_id
            assert [other.video_id for other in manifests.values() if uri in {s.uri for s in other.sources}] == [
                manifest.video_id
            ]

    def _one(self, workspace: str, video: int) -> list[str]:
        """The id of one of the videos that there are, also of one that is half deleted; none if there are none."""
        found = [manifest.video_id for manifest in self.world.of(workspace).manifests()]
        return [found[video % len(found)]] if found else []

    def _videos(self, workspace: str) -> list[Manifest]:
        found = self.world.of(workspace).manifests()
        return [manifest for manifest in found if manifest.pipeline_fingerprint != REMOVED]

    def _may_go(self, workspace: str, dataset: str = "") -> set[str]:
        """Videos of which no source is there and to which no dataset refers, but for `dataset`."""
        catalog = self.world.of(workspace)
        return {
            manifest.video_id
            for manifest in self._videos(workspace)
            if set(catalog.datasets.of_video(manifest.video_id)) <= {dataset}
            and not any(self.world.is_present(source.uri) for source in manifest.sources)
        }

    def _killed(self, workspace: str, writes: int | None, act: Callable[[], object]) -> bool:
        """Do something, killed after so many writes; nothing may happen to the other workspace."""
        others = [other for other in WORKSPACES if other != workspace]
        before = [self.world.parts(other) for other in others]
        killed = False
        if writes is None:
            act()
        else:
            try:
                with self.world.killed_after(writes):
                    act()
            except Killed:
                killed = True
        assert [self.world.parts(other) for other in others] == before
        return killed


def test_whatever_happens_the_books_balance(tmp_path: Path) -> None:
    world = World(tmp_path)

    class Machine(CatalogMachine):
        pass

    Machine.world = world
    checks = settings(
        max_examples=60,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,  # a change is judged by what it does; to look for more, take this out and let it run
        phases=[Phase.generate],  # shrinking a failure takes minutes: add Phase.shrink for that
    )
    try:
        run_state_machine_as_test(Machine, settings=checks)
    finally:
        world.close()
