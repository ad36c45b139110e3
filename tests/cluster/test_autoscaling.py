"""A cluster whose nodes come when a job needs them, and go when it has ended, or in its middle as spot instances do."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actors.model_preparation import PreparedModels
from benchmarks.local_cluster import STORE_BYTES, NodeKind, autoscaling, kill_node
from benchmarks.node_watch import NodeChange, changes_in
from benchmarks.timed_models import Note, Pace, make_film, notes_in
from benchmarks.timed_run import ENVIRONMENT, paces
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.garbage import Inspector
from footage.index_records import SceneFilter
from footage.run_records import RunReport
from footage.sources import is_present
from tests.conftest import PROJECT
from tests.ray_head import RayHead, ray_environment, ray_head

KINDS = {"cpu": NodeKind(2), "gpu": NodeKind(1, 1)}
MOST = {"cpu": 2, "gpu": 2}
LENGTHS_S = [300] * 8 + [1500, 900]  # with spans of 300 s: 8 films of one span, one of five and one of three


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.timeout(400)
def test_cluster_grows_loses_nodes_and_shrinks(prepared: PreparedModels, tmp_path: Path) -> None:
    films, store, notes, watched = (tmp_path / name for name in ("films", "store", "notes", "nodes.jsonl"))
    films.mkdir()
    notes.mkdir()
    for number, length_s in enumerate(LENGTHS_S):
        make_film(films / f"{number}.mp4", length_s)
    environment = ray_environment(RAY_AUTH_TOKEN=os.environ["RAY_AUTH_TOKEN"])
    options = {"--object-store-memory": STORE_BYTES}
    with (
        ray_head(environment, num_cpus=0, autoscaling=autoscaling(KINDS, MOST), options=options) as head,
        watching(head, watched),
    ):
        begun_at = time.time()
        job = Job(head, films, store, notes)
        cluster = Watched(watched, notes)
        until(lambda: job.goes_on() and len(cluster.at_work("gpu")) == MOST["gpu"] and cluster.at_work("cpu"))
        until(lambda: job.goes_on() and len(cluster.model_spans()) >= 4)
        killed = [cluster.at_work("gpu")[-1], cluster.at_work("cpu")[-1]]
        killed_at = time.time()
        for node in killed:
            kill_node(node, head.folder)
        report = job.report()
        ended_at = time.time()
        until(lambda: nodes_of(changes_in(watched)) == {"head": 1})

    changes, done = changes_in(watched), notes_in(notes)
    print(time_line(changes, done, begun_at, {killed_at: "one node of each kind is killed", ended_at: "the job ends"}))
    check_whole(report, store, prepared)
    left = {change.node for change in changes if not change.joined and change.at < ended_at}
    assert set(killed) <= left
    of_kind = {change.node: change.kind for change in changes}
    pools = {pool: {of_kind[note.node] for note in done if note.pool == pool} for pool in {note.pool for note in done}}
    assert pools.pop("VideoDecoder") <= {"cpu", "gpu"}
    assert list(pools.values()) == [{"gpu"}]  # the models
    assert not {change.kind for change in changes} - {"head", "cpu", "gpu"}


def check_whole(report: RunReport, store: Path, models: PreparedModels) -> None:
    """Every video is there once, and records, files and points agree with each other."""
    assert not report.quarantined
    assert (report.state, report.videos_done) == ("finished", len(LENGTHS_S))
    catalog = Catalog(DirectoryStore(store), "default")
    manifests = list(catalog.manifests())
    assert len(manifests) == len({manifest.video_id for manifest in manifests}) == len(LENGTHS_S)
    assert sorted(manifest.video.duration_s for manifest in manifests) == sorted(LENGTHS_S)
    scenes = [scene.scene_id for manifest in manifests for scene in manifest.scenes]
    assert len(scenes) == len(set(scenes)) == sum(LENGTHS_S) / 10
    with EmbeddedIndex(store / "index" / "scenes", models.index_spec(), "a test", wait_s=30) as index:
        for every in (True, False):  # those that are searched, and all
            points = [point.scene_id for point in index.points(SceneFilter("default", live_only=every))]
            assert sorted(points) == sorted(scenes)
        assert list(Inspector(catalog, index, is_present, datetime.now(UTC), grace_s=0).find()) == []


class Job:
    """An index run that is submitted to a cluster as a job."""

    def __init__(self, head: RayHead, films: Path, store: Path, notes: Path) -> None:
        from ray.job_submission import JobSubmissionClient

        self._client = JobSubmissionClient(head.dashboard)
        pace = paces(Pace(span_s=4, load_s=1), Pace(span_s=2))
        program = f"{sys.executable} -m benchmarks.timed_run {films} {store} --notes {notes} --paces '{pace}'"
        limits = {"FOOTAGE_PIPELINE__MAX_GPUS": str(MOST["gpu"]), "FOOTAGE_PIPELINE__MAX_CPUS": "6"}
        few = {"FOOTAGE_PIPELINE__SPANS_PER_CARD": "1", "FOOTAGE_PIPELINE__DECODERS_PER_CARD": "2"}
        self._id = self._client.submit_job(
            entrypoint=program, runtime_env={"env_vars": {**ENVIRONMENT, **limits, **few, "PYTHONPATH": str(PROJECT)}}
        )

    def goes_on(self) -> bool:
        state = self._client.get_job_status(self._id)
        assert not state.is_terminal(), self._client.get_job_logs(self._id)
        return True

    def report(self) -> RunReport:
        """Of the run, when the job has ended."""
        until(lambda: self._client.get_job_status(self._id).is_terminal(), lambda: self._client.get_job_logs(self._id))
        said = self._client.get_job_logs(self._id)
        assert self._client.get_job_status(self._id) == "SUCCEEDED", said
        return RunReport.model_validate_json(said.splitlines()[-1])


@contextmanager
def watching(head: RayHead, file: Path) -> Iterator[None]:
    """Have it noted in the file which nodes the cluster has."""
    command = [sys.executable, "-m", "benchmarks.node_watch", head.address, str(file)]
    watcher = subprocess.Popen(command, env=head.environment, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        watcher.kill()
        watcher.wait()


def until(is_so: Callable[[], Any], explain: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + 150
    while not is_so():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.3)


def nodes_of(changes: Sequence[NodeChange]) -> Counter[str]:
    """How many nodes of each kind there are now."""
    there = Counter({change.kind: 0 for change in changes})
    for change in changes:
        there[change.kind] += 1 if change.joined else -1
    return +there


class Watched:
    """What is known of a cluster and the actors on it while a job goes on."""

    def __init__(self, nodes: Path, notes: Path) -> None:
        self._nodes, self._notes = nodes, notes

    def model_spans(self) -> list[Note]:
        """Spans that have been through all models."""
        return [note for note in notes_in(self._notes) if note.what == "span" and note.stage == "TextEmbedder"]

    def at_work(self, kind: str) -> list[str]:
        """The nodes of a kind that are there and on which an actor has done a span, the last one to join last."""
        there: dict[str, None] = {}
        for change in changes_in(self._nodes):
            if change.kind == kind and change.joined:
                there[change.node] = None
            elif change.kind == kind:
                del there[change.node]
        worked = {note.node for note in notes_in(self._notes) if note.what == "span"}
        return [node for node in there if node in worked]


def time_line(changes: Sequence[NodeChange], notes: Sequence[Note], begun_at: float, events: dict[float, str]) -> str:
    """The nodes by kind and the actors by pool, at each change of either, in seconds since the start."""
    kinds = {change.node: change.kind for change in changes}
    when: dict[float, str] = dict(events)
    for change in changes:
        verb = "joins" if change.joined else "goes"
        now = nodes_of([one for one in changes if one.at <= change.at])
        when[change.at] = f"{change.kind} {change.node[-6:]} {verb}: {json.dumps(dict(sorted(now.items())))}"
    last_stage = {note.pool: note.stage for note in notes if note.what == "ready"}
    for note in notes:
        if note.what == "ready" and note.stage == last_stage[note.pool]:
            short = "models" if "+" in note.pool else note.pool
            when[note.ended_at] = f"{short}: an actor is ready on {kinds[note.node]} {note.node[-6:]}"
    return "\n".join(f"{at - begun_at:7.1f} s  {what}" for at, what in sorted(when.items()))
