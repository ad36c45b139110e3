"""Four pools on cards that do not exist: Ray places actors by what its nodes declare; the models run on the CPU."""

import os
import secrets
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from footage.errors import SettingsError
from footage.settings import Settings
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index
from tests.pipelines.gpu_stand_ins import noting, places

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("prepared")]

LABEL = {"ray-subcluster": "index"}
STAGES = ["Captioner", "FrameEmbedder", "TextEmbedder", "Transcriber"]
SHARES = {
    "fuse": False,
    "speech_num_gpus": 0.25,
    "frames_num_gpus": 0.125,
    "text_num_gpus": 0.125,
    "captions_num_gpus": 0.5,
}


@contextmanager
def cluster(cards_of_nodes: list[int], labelled: int | None = None) -> Iterator[str]:
    """A Ray whose nodes declare so many cards, one of them with a label; gives its address."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    from ray.cluster_utils import Cluster

    made = Cluster()
    try:
        for number, cards in enumerate(cards_of_nodes):
            labels = LABEL if number == labelled else {}
            made.add_node(
                num_cpus=2, num_gpus=cards, object_store_memory=128 * 2**20, include_dashboard=False, labels=labels
            )
        made.wait_for_nodes()
        yield made.address
    finally:
        made.shutdown()


def sharing(settings: Settings, **changes: object) -> Settings:
    """The offline profile with a pool for each model and shares as on one card."""
    pipeline = settings.pipeline.model_copy(update={**SHARES, **changes})
    return settings.model_copy(update={"pipeline": pipeline})


@pytest.mark.long
def test_all_four_pools_start_together_on_one_card(undescribed: Settings, clips: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    with cluster([1]) as address:
        request = IndexRequest(str(clips / "coast.mp4"), tmp_path / "store", ray_address=address)
        report = run_index(request, sharing(undescribed), noting(notes, stand_ins=False))

    assert (report.videos_done, report.videos_quarantined, report.worker_deaths) == (1, 0, {})
    assert [(place["stage"], place["cards"], place["visible"]) for place in places(notes)] == [
        (stage, [0], "0") for stage in STAGES
    ]


@pytest.mark.long
def test_pools_spread_over_cards_and_nodes(undescribed: Settings, clips: Path, tmp_path: Path) -> None:
    """Two nodes with a card each: two actors of each stage, and no card with more than it holds."""
    notes = tmp_path / "notes"
    notes.mkdir()
    with cluster([1, 1]) as address:
        request = IndexRequest(str(clips), tmp_path / "store", ray_address=address)
        report = run_index(request, sharing(undescribed), noting(notes, stand_ins=True))

    assert (report.videos_done, report.videos_quarantined) == (8, 0)
    found = places(notes)
    assert sorted(place["stage"] for place in found) == sorted(STAGES * 2)
    share = {"Transcriber": 0.25, "FrameEmbedder": 0.125, "TextEmbedder": 0.125, "Captioner": 0.5}
    taken: dict[tuple[str, int], float] = defaultdict(float)
    for place in found:
        (card,) = place["cards"]
        taken[place["node"], card] += share[place["stage"]]
    assert list(taken.values()) == [1.0, 1.0]


@pytest.mark.long
def test_a_run_stays_on_the_nodes_of_its_labels(undescribed: Settings, clips: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    settings = sharing(undescribed, node_labels=LABEL)
    with cluster([1, 1], labelled=1) as address:
        import ray

        request = IndexRequest(str(clips / "coast.mp4"), tmp_path / "store", ray_address=address)
        report = run_index(request, settings, noting(notes, stand_ins=True))
        ray.init(address, logging_level="ERROR")
        (node,) = [node["NodeID"] for node in ray.nodes() if LABEL.items() <= node["Labels"].items()]
        ray.shutdown()

    assert report.videos_done == 1
    assert [(place["stage"], place["node"]) for place in places(notes)] == [(stage, node) for stage in STAGES]
    with cluster([1]) as address, pytest.raises(SettingsError, match="No node of the cluster has the labels ray-sub"):
        run_index(IndexRequest(str(clips), tmp_path / "other", ray_address=address), settings)


def test_impossible_request_is_refused_at_start_with_the_sum(
    undescribed: Settings, clips: Path, tmp_path: Path
) -> None:
    with cluster([1]) as address, pytest.raises(SettingsError, match=r"= 1\.25 cards, and Ray has 1 card\."):
        run_index(
            IndexRequest(str(clips), tmp_path / "store", ray_address=address),
            sharing(undescribed, captions_num_gpus=0.75),
        )
    with pytest.raises(SettingsError, match="and Ray has no card"):
        run_index(IndexRequest(str(clips), tmp_path / "store"), sharing(undescribed))
