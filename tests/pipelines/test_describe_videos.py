"""The second pass on a local Ray, over stores that tests make, with a real server of a model that retells."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.model_preparation import PreparedModels
from actors.text_embedder import TextEmbedder
from footage.catalog import Catalog
from footage.description_fingerprint import description_fingerprint
from footage.directory_store import DirectoryStore
from footage.model_settings import EndpointSettings
from footage.settings import Settings
from footage.sidecar import Manifest, StoredDescription, StoredEmbedding
from pipelines.describe_videos import describe_pools, describe_videos
from pipelines.described import Described
from pipelines.index_owner import RemoteIndex
from pipelines.ledger import LedgerClient
from pipelines.progress import ProgressLine
from pipelines.ray_session import ray_session
from pipelines.reconcile import Run
from pipelines.stage import Pool
from tests.describing import finished, without_vectors
from tests.pipelines.faults import fatal
from tests.spans import FINGERPRINT, WORKSPACE
from tests.telling_server import Teller, telling_server

pytestmark = pytest.mark.ray

RUN = Run("run-2", WORKSPACE, None, FINGERPRINT)


@pytest.fixture(scope="module")
def ray_running(offline: Settings) -> Iterator[None]:
    with ray_session(offline.pipeline):
        yield


@pytest.fixture
def teller() -> Iterator[Teller]:
    with telling_server() as teller:
        yield teller


@dataclass
class Studio:
    """A store with finished videos, its index with its owner, and what a run has."""

    settings: Settings
    models: PreparedModels
    root: Path
    console: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.catalog = Catalog(DirectoryStore(self.root), WORKSPACE)
        self.index = RemoteIndex(self.root / "index" / "scenes", self.models.index_spec(), "a test")
        self.ledger = LedgerClient()

    def video(self, name: str, *texts: str, fingerprint: str = FINGERPRINT) -> Manifest:
        vectors = without_vectors(len(texts))
        return finished(self.catalog, self.index, name, texts, fingerprint=fingerprint, **vectors)

    def describe(self, settings: Settings | None = None, **more: Any) -> Described:
        line = ProgressLine(self.console, every_s=0)
        return describe_videos(
            settings or self.settings, self.models, self.catalog, self.index, RUN, self.ledger, line, **more
        )

    def text(self, manifest: Manifest) -> str | None:
        held = self.catalog.manifest(manifest.video_id)
        assert held is not None
        return held.description and held.description.text


@pytest.fixture
def studio(
    offline: Settings, prepared: PreparedModels, ray_running: None, teller: Teller, tmp_path: Path
) -> Iterator[Studio]:
    endpoint = EndpointSettings(url=teller.url, retries=1, backoff_s=0.01, concurrency=2)
    summaries = offline.summaries.model_copy(
        update={"adapter": "http", "model": "teller", "endpoint": endpoint, "prompt": "Tell:\n{scenes}", "toy": True}
    )
    captions = offline.captions.model_copy(update={"adapter": "off"})
    settings = offline.model_copy(update={"summaries": summaries, "captions": captions})
    studio = Studio(settings, prepared, tmp_path / "store")
    yield studio
    studio.index.close()


def counts(described: Described) -> tuple[int, int, int, int, int]:
    return (described.done, described.skipped, described.silent, described.failed, described.left)


def test_finished_videos_are_described_once_for_each_prompt(studio: Studio, teller: Teller) -> None:
    talk = studio.video("talk", "hello", "", "bye now")
    other = studio.video("other", "good morning")
    odd = studio.video("odd", "say nothing")
    silent = studio.video("silent", "", "")
    newer = studio.video("newer", "not of this run", fingerprint="f" * 16)

    described = studio.describe()

    assert counts(described) == (2, 0, 1, 1, 0)
    assert described.reason == (
        "1 video without: the model gave no answer, or a worker died. The next run tries again."
        " 1 video with nothing to tell: neither captions nor speech."
    )
    assert set(studio.ledger.state().work) == {"VideoReader", "Summarizer", "DescriptionEmbedder", "DescriptionWriter"}
    texts = {
        talk.video_id: "2 scenes, from (said: hello) to (said: bye now).",
        other.video_id: "1 scenes, from (said: good morning) to (said: good morning).",
    }
    assert [studio.text(video) for video in (odd, silent, newer)] == [None, None, None]
    settings, models = studio.settings, studio.models
    embedder = TextEmbedder(settings.text, models.text_folder)
    held = studio.catalog.manifest(talk.video_id)
    assert held is not None
    assert held.description is not None
    assert held.description == StoredDescription(
        text=texts[talk.video_id],
        model="teller",
        toy=True,
        embedding=StoredEmbedding(
            model=models.text_name, dimensions=models.text_dimensions, has_embedding=True, toy=settings.text.toy
        ),
        fingerprint=description_fingerprint(settings, FINGERPRINT, models.text_version),
        described_at=held.description.described_at,
    )
    points = studio.index.descriptions(WORKSPACE)
    assert [point.video_id for point in points] == sorted(texts)
    assert {video.video_id: studio.text(video) for video in (talk, other)} == texts
    for point in points:
        expected = embedder.embed({"text": texts[point.video_id]})["text"][0]
        np.testing.assert_allclose(point.vector, expected, atol=1e-6)
    assert "Describing 3 videos" in studio.console.getvalue()
    assert "2 of 3 videos described · 0 remaining · 1 failed" in studio.console.getvalue()

    before = len(teller.asked)
    again = studio.describe()
    assert counts(again) == (0, 0, 0, 1, 0)  # the others are not even looked at
    assert len(teller.asked) == before + 1  # only the one without an answer

    # Another prompt describes anew; nothing is indexed anew for it.
    summaries = settings.summaries.model_copy(update={"prompt": "Once more:\n{scenes}\n[0:00] the end"})
    assert counts(studio.describe(settings.model_copy(update={"summaries": summaries}))) == (2, 0, 1, 1, 0)
    assert studio.text(talk) == "3 scenes, from (said: hello) to (the end)."


@pytest.mark.long
def test_a_server_that_is_down_stops_the_pass_and_the_next_one_goes_on(studio: Studio, teller: Teller) -> None:
    videos = [studio.video(f"video {number}", f"this is number {number}") for number in range(12)]
    teller.down = True

    stopped = studio.describe()

    assert counts(stopped) == (0, 0, 0, 0, 12)
    assert stopped.reason.startswith(
        f"Stopped, with 12 videos left for the next run: The model server {teller.url}/chat/completions"
    )
    teller.down = False
    assert counts(studio.describe()) == (12, 0, 0, 0, 0)
    assert [studio.text(video) for video in videos] == [
        f"1 scenes, from (said: this is number {number}) to (said: this is number {number})." for number in range(12)
    ]


@pytest.mark.long
def test_workers_that_die_once_lose_nothing_and_one_that_always_dies_its_videos(studio: Studio) -> None:
    studio.settings = studio.settings.model_copy(
        update={"pipeline": studio.settings.pipeline.model_copy(update={"retries": 1})}
    )
    endpoint = studio.settings.summaries.endpoint.model_copy(update={"concurrency": 1})
    summaries = studio.settings.summaries.model_copy(update={"endpoint": endpoint})
    studio.settings = studio.settings.model_copy(update={"summaries": summaries})
    videos = [studio.video(name, f"this is {name}") for name in ("a", "b", "c")]
    once = {"DescriptionWriter": ("a.mp4", studio.root / "writer-died"), "Summarizer": ("b.mp4", None)}

    def pools_of(*arguments: Any) -> tuple[Pool, ...]:
        return tuple(
            replace(pool, stages=tuple(fatal(s, *once[s.name]) if s.name in once else s for s in pool.stages))
            for pool in describe_pools(*arguments)
        )

    described = studio.describe(pools_of=pools_of)

    assert counts(described) == (2, 0, 0, 1, 0)
    assert [studio.text(video) is None for video in videos] == [False, True, False]
    assert studio.ledger.state().deaths["DescriptionWriter"] == 1
    assert counts(studio.describe()) == (1, 0, 0, 0, 0)


def test_where_descriptions_are_off_nothing_runs_and_the_report_says_why(studio: Studio) -> None:
    talk = studio.video("talk", "hello")
    off = studio.settings.summaries.model_copy(update={"adapter": "off"})
    described = studio.describe(studio.settings.model_copy(update={"summaries": off}))
    assert described == Described(
        off="Off: profile offline names no model that writes descriptions (summaries.adapter)."
    )
    assert (described.reason, studio.text(talk)) == (described.off, None)
