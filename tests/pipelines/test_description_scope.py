from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actors.model_preparation import PreparedModels
from footage.catalog import Catalog
from footage.description_fingerprint import description_fingerprint
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.errors import SettingsError
from footage.leases import RunLease
from footage.model_settings import CaptionSettings, EndpointSettings, SummarySettings
from footage.pipeline_settings import PipelineSettings
from footage.settings import Settings
from footage.sidecar import Manifest, StoredDescription, StoredEmbedding
from footage.video_table import video_row
from pipelines.cluster_room import ClusterRoom
from pipelines.describe_videos import describe_pools
from pipelines.described import Described
from pipelines.description_scope import DescriptionScope, descriptions_off, videos_to_describe
from pipelines.reconcile import Run
from pipelines.stage import Pool
from tests.describing import finished
from tests.spans import FINGERPRINT, SPEC, WORKSPACE

RUN = Run("run-2", WORKSPACE, None, FINGERPRINT)
NATIVE = CaptionSettings(adapter="native", model="eyes")
SERVER = EndpointSettings(url="http://127.0.0.1:9/v1")


def settings_of(summaries: SummarySettings, captions: CaptionSettings = NATIVE, **pipeline: object) -> Settings:
    return Settings(summaries=summaries, captions=captions, pipeline=PipelineSettings(**pipeline))


BY_CAPTIONER = settings_of(SummarySettings(adapter="captioner"))
BY_SERVER = settings_of(SummarySettings(adapter="http", model="words", endpoint=SERVER), CaptionSettings(adapter="off"))


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(DirectoryStore(tmp_path), WORKSPACE)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EmbeddedIndex]:
    with EmbeddedIndex(tmp_path / "index" / "scenes", SPEC, owner="a test") as index:
        yield index


def describe(catalog: Catalog, manifest: Manifest, fingerprint: str, text: str = "A film.") -> None:
    description = StoredDescription(
        text=text,
        model="words",
        embedding=StoredEmbedding(model="text-model", dimensions=4, has_embedding=bool(text)),
        fingerprint=fingerprint,
        described_at="2026-01-01T00:00:00+00:00",
    )
    catalog.change_manifest(manifest.video_id, lambda held: held.model_copy(update={"description": description}))


def test_videos_without_a_description_of_this_kind_are_to_be_described(
    catalog: Catalog, index: EmbeddedIndex, prepared: PreparedModels
) -> None:
    fresh = finished(catalog, index, "fresh", ["x"])
    old = finished(catalog, index, "old", ["x"])
    describe(catalog, old, "0" * 16)
    known = finished(catalog, index, "known", ["x"])
    describe(catalog, known, description_fingerprint(BY_SERVER, FINGERPRINT, prepared.text_version))
    silent = finished(catalog, index, "silent", ["", ""])
    finished(catalog, index, "other pipeline", ["x"], fingerprint="f" * 16)
    orphan = finished(catalog, index, "orphan", ["x"])
    catalog.change_manifest(orphan.video_id, lambda held: held.without_source(held.sources[0].uri))

    rows = {manifest.video_id: video_row(manifest, "run-2") for manifest in (fresh, old, silent)}
    scope = videos_to_describe(BY_SERVER, prepared, catalog, RUN)
    to_describe = sorted((fresh.video_id, old.video_id))
    assert scope == DescriptionScope(to_describe=[rows[id_] for id_ in to_describe], described=1, silent=1)

    # What captions tell of the silent one is not known from its manifest; and another model makes all of them anew.
    scope = videos_to_describe(BY_CAPTIONER, prepared, catalog, RUN)
    to_describe = sorted((fresh.video_id, old.video_id, known.video_id, silent.video_id))
    assert [row["video_id"] for row in scope.to_describe] == to_describe


def test_a_video_with_nothing_to_tell_is_asked_about_once(
    catalog: Catalog, index: EmbeddedIndex, prepared: PreparedModels
) -> None:
    """With captions its manifest alone does not say so; a pass that has found it so has stored an empty text."""
    silent = finished(catalog, index, "silent", ["", ""])
    fingerprint = description_fingerprint(BY_CAPTIONER, FINGERPRINT, prepared.text_version)
    describe(catalog, silent, fingerprint, text="")
    assert videos_to_describe(BY_CAPTIONER, prepared, catalog, RUN) == DescriptionScope(silent=1)

    describe(catalog, silent, "0" * 16, text="")  # found so with other settings
    catalog.pending.remove("scanned", fingerprint)
    scope = videos_to_describe(BY_CAPTIONER, prepared, catalog, RUN)
    assert [row["video_id"] for row in scope.to_describe] == [silent.video_id]


def test_what_was_looked_at_is_not_read_again_unless_a_run_marks_it(
    catalog: Catalog, index: EmbeddedIndex, prepared: PreparedModels
) -> None:
    first = finished(catalog, index, "first", ["a boat", ""])
    fingerprint = description_fingerprint(BY_CAPTIONER, FINGERPRINT, prepared.text_version)
    describe(catalog, first, fingerprint, text="A boat.")
    assert videos_to_describe(BY_CAPTIONER, prepared, catalog, RUN) == DescriptionScope(described=1)

    second = finished(catalog, index, "second", ["a train", ""])
    assert videos_to_describe(BY_CAPTIONER, prepared, catalog, RUN) == DescriptionScope()
    catalog.pending.add("describe", second.video_id)
    for _ in range(2):
        scope = videos_to_describe(BY_CAPTIONER, prepared, catalog, RUN)
        assert [row["video_id"] for row in scope.to_describe] == [second.video_id]
    describe(catalog, second, fingerprint, text="A train.")
    assert videos_to_describe(BY_CAPTIONER, prepared, catalog, RUN) == DescriptionScope(described=1)
    assert list(catalog.pending.videos("describe")) == []


def test_one_of_several_runs_describes_a_video(
    catalog: Catalog, index: EmbeddedIndex, prepared: PreparedModels
) -> None:
    video = finished(catalog, index, "first", ["a boat", ""])
    other = replace(RUN, run_id="other")
    lease = RunLease(catalog, other.run_id, "footage index", "", lease_s=60)
    lease.take(datetime.now(UTC))

    def wanted(run: Run) -> list[str]:
        return [row["video_id"] for row in videos_to_describe(BY_CAPTIONER, prepared, catalog, run).to_describe]

    assert wanted(other) == [video.video_id]
    assert wanted(RUN) == []
    assert wanted(other) == [video.video_id]
    lease.release()
    assert wanted(RUN) == [video.video_id]


def test_where_descriptions_are_off_no_video_is_looked_at(tmp_path: Path, prepared: PreparedModels) -> None:
    catalog = Catalog(DirectoryStore(tmp_path), WORKSPACE)
    catalog.store.put(f"videos/{WORKSPACE}/x/manifest.json", b"not a manifest")
    off = settings_of(SummarySettings(adapter="off"))
    assert videos_to_describe(off, prepared, catalog, RUN) == DescriptionScope(off=descriptions_off(off))


def test_why_descriptions_are_off_is_a_sentence() -> None:
    assert descriptions_off(BY_CAPTIONER) == descriptions_off(BY_SERVER) == ""
    assert descriptions_off(settings_of(SummarySettings(adapter="off"))) == (
        "Off: profile offline names no model that writes descriptions (summaries.adapter)."
    )
    assert descriptions_off(settings_of(SummarySettings(adapter="captioner"), CaptionSettings(adapter="off"))) == (
        "Off: the captioner of profile offline is to write descriptions, and is off (captions.adapter)."
    )
    assert descriptions_off(settings_of(SummarySettings(adapter="captioner"), CaptionSettings(adapter="chat"))) == (
        "Off: the captioner of profile offline is to write descriptions, and cannot, being run by adapter chat"
        " (captions.adapter)."
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (settings_of(SummarySettings(adapter="http", model="words")), "summaries.endpoint.url"),
        (settings_of(SummarySettings(adapter="captioner", prompt="Tell me.")), "summaries.prompt lacks {scenes}"),
        (
            settings_of(SummarySettings(adapter="captioner"), NATIVE.model_copy(update={"device": "cuda"})),
            "pipeline.summaries_num_gpus is 0",
        ),
    ],
)
def test_what_cannot_work_is_refused(settings: Settings, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        descriptions_off(settings)


def pools(prepared: PreparedModels, catalog: Catalog, index: EmbeddedIndex, cards: float, **changes: object) -> object:
    captions = changes.pop("captions", NATIVE)
    summaries = changes.pop("summaries", SummarySettings(adapter="captioner"))
    made: tuple[Pool, ...] = describe_pools(
        settings_of(summaries, captions, **changes),  # type: ignore[arg-type]
        prepared,
        catalog,
        index,
        RUN,
        ClusterRoom.of_machine(cpus=4, gpus=cards),
    )
    return [(pool.name, pool.size, pool.num_gpus) for pool in made]


def test_pools_of_a_card_and_of_a_cpu(prepared: PreparedModels, catalog: Catalog, index: EmbeddedIndex) -> None:
    shared = {"fuse": False, "summaries_num_gpus": 0.5, "text_num_gpus": 0.125}
    assert pools(prepared, catalog, index, 2, **shared) == [
        ("VideoReader", 1, 0.0),
        ("Summarizer", 2, 0.5),
        ("DescriptionEmbedder", 2, 0.125),
        ("DescriptionWriter", 1, 0.0),
    ]
    server = {"summaries": SummarySettings(adapter="http", model="words", endpoint=SERVER)}
    assert pools(prepared, catalog, index, 1, **shared, **server)[1] == ("Summarizer", 1, 0.0)  # type: ignore[index]
    assert pools(prepared, catalog, index, 0) == [
        ("VideoReader+Summarizer+DescriptionEmbedder+DescriptionWriter", 1, 0.0)
    ]
    with pytest.raises(SettingsError, match=r"Summarizer 1 \+ DescriptionEmbedder 0.125 = 1.125 cards"):
        pools(prepared, catalog, index, 1, **shared | {"summaries_num_gpus": 1})


def test_a_server_is_waited_for_longer_than_its_every_try(
    prepared: PreparedModels, catalog: Catalog, index: EmbeddedIndex
) -> None:
    endpoint = EndpointSettings(url="http://127.0.0.1:9/v1", retries=3, timeout_s=100)
    settings = settings_of(SummarySettings(adapter="http", model="words", endpoint=endpoint))
    made = describe_pools(settings, prepared, catalog, index, RUN)
    (limit,) = [stage.limit for pool in made for stage in pool.stages if stage.name == "Summarizer"]
    assert limit.seconds(0) > 4 * 100 + 3 * 60


def test_the_reason_names_what_is_missing() -> None:
    assert Described(done=3, skipped=4).reason == ""
    assert Described(left=5).reason == "The run ended before this: 5 videos left for the next one."
    assert Described(interrupted=True, left=2).reason == "Interrupted: 2 videos left for the next run."
    assert Described(stopped="It is down.", left=1, failed=1, silent=2).reason == (
        "Stopped, with 1 video left for the next run: It is down."
        " 1 video without: the model gave no answer, or a worker died. The next run tries again."
        " 2 videos with nothing to tell: neither captions nor speech."
    )
