"""Whole runs over the sample clips with the offline profile."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from cluster.one_shot import search_once
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.list_names import By, lists_of
from footage.search import SearchRequest
from footage.settings import Settings
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index
from tests.conftest import PROJECT
from tests.pipelines.conftest import Finished
from tests.stores import snapshot

pytestmark = pytest.mark.ray

TRUTH = json.loads((PROJECT / "samples" / "truth.json").read_text())["clips"]
SEARCHES = yaml.safe_load((PROJECT / "samples" / "demo_queries.yaml").read_text())["searches"]


def _catalog(finished: Finished) -> Catalog:
    return Catalog(DirectoryStore(finished.store), "default")


def test_every_clip_is_searchable(undisturbed: Finished) -> None:
    report = undisturbed.report
    manifests = list(_catalog(undisturbed).manifests())

    assert (report.state, report.videos_found, report.videos_done) == ("finished", len(TRUTH), len(TRUTH))
    assert {m.sources[0].uri.rsplit("/", 1)[-1] for m in manifests} == {clip["file"] for clip in TRUTH}
    assert report.scenes_done == sum(len(manifest.scenes) for manifest in manifests)


def test_scenes_begin_at_the_cuts_of_the_truth(undisturbed: Finished, offline: Settings) -> None:
    longest_shot_s = offline.decoder.max_shot_s
    manifests = {m.sources[0].uri.rsplit("/", 1)[-1]: m for m in _catalog(undisturbed).manifests()}
    for clip in TRUTH:
        scenes = manifests[clip["file"]].scenes
        expected = [0.0] + [cut["time_s"] for cut in clip["cuts"]]
        near = [min(expected, key=lambda cut: abs(cut - scene.start_s)) for scene in scenes]
        cuts = [at for at, scene in zip(near, scenes, strict=True) if abs(at - scene.start_s) <= 1 / clip["frame_rate"]]
        marks = [s.start_s for at, s in zip(near, scenes, strict=True) if abs(at - s.start_s) > 1 / clip["frame_rate"]]
        assert cuts == expected, clip["file"]
        assert all(mark % longest_shot_s == 0 for mark in marks), clip["file"]
        assert all(scene.end_s - scene.start_s <= 2 * longest_shot_s for scene in scenes)


def test_sidecars_fit_the_published_schema(undisturbed: Finished) -> None:
    schema = json.loads((PROJECT / "docs" / "sidecar.schema.json").read_text())
    store = DirectoryStore(undisturbed.store)
    keys = list(store.list("sidecars/"))

    assert len(keys) == undisturbed.report.scenes_done
    for key in keys:
        jsonschema.validate(json.loads(store.get(key)), schema)


@pytest.mark.parametrize("search", SEARCHES, ids=[search["query"] for search in SEARCHES])
def test_searches_find_the_expected_scene_first(undisturbed: Finished, offline: Settings, search: dict) -> None:
    lists = lists_of(By(name) for name in search.get("by", []))
    hit = search_once(SearchRequest(query=search["query"], lists=lists), undisturbed.store, offline).hits[0]

    assert hit.source_uris[0].endswith("/" + search["clip"])
    assert hit.start_s == pytest.approx(search["scene_start_s"], abs=0.05)
    assert hit.score == pytest.approx(sum(why.contribution for why in hit.why))


def test_the_log_of_the_run_says_of_each_model_where_it_runs(undisturbed: Finished, offline: Settings) -> None:
    (log,) = (undisturbed.store / "runs").glob("*.log")
    written = log.read_text()

    for what in ("speech model", "text model", "frame model", "caption model"):
        assert re.search(rf"Loaded {what} \S+( at \S+)?: cpu, \w+, [\d.]+ s", written), what


def test_second_run_does_nothing(undisturbed: Finished, offline: Settings, clips: Path) -> None:
    before = snapshot(undisturbed.store)

    report = run_index(IndexRequest(str(clips), undisturbed.store), offline)

    assert (report.videos_done, report.videos_skipped, report.spans_done) == (0, len(TRUTH), 0)
    assert snapshot(undisturbed.store) == before
