from pathlib import Path
from typing import Any

import pytest

from footage.directory_store import DirectoryStore
from footage.errors import SettingsError
from footage.pipeline_settings import PipelineSettings
from footage.record_store import put_record
from footage.run_records import RunReport
from footage.settings import Settings, load_settings
from pipelines.allocation import Allocation, Bottleneck, PoolShare, allocation_of, bottleneck_of, nodes_for
from pipelines.cluster_room import ClusterRoom, NodeGroup, groups_of_config
from pipelines.room_lookup import room_for_index
from tests.footage.test_catalog import report_of

HEAD, CPU, GPU = NodeGroup("head", 0, 0, 1, 1), NodeGroup("cpu", 16, 0, 1, 10), NodeGroup("gpu", 8, 1, 2, 4)


def room_of(*groups: NodeGroup) -> ClusterRoom:
    return ClusterRoom.of_groups(groups, PipelineSettings(), is_known=True)


def with_limits(settings: Settings, **limits: Any) -> Settings:
    return settings.model_copy(update={"pipeline": settings.pipeline.model_copy(update=limits)})


def rows(allocation: Allocation) -> list[tuple[str, int, int, float, float]]:
    return [(pool.name, pool.least, pool.most, pool.num_cpus, pool.num_gpus) for pool in allocation.pools]


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


def test_the_layout_of_a_laptop(store: DirectoryStore) -> None:
    allocation = allocation_of(load_settings("offline"), ClusterRoom.of_machine(cpus=2), store)
    assert rows(allocation) == [
        ("SpanPlanner", 1, 1, 0.1, 0),
        ("VideoDecoder", 2, 2, 0.1, 0),
        ("Transcriber+Captioner+FrameEmbedder+TextEmbedder", 1, 1, 0.1, 0),
        ("SceneWriter", 1, 1, 0.1, 0),
    ]
    assert allocation.nodes == (NodeGroup("this machine", 2, 0, 1, 1),)


def test_the_layout_of_a_cluster_that_grows(store: DirectoryStore) -> None:
    allocation = allocation_of(load_settings("gpu"), room_of(HEAD, CPU, GPU), store)
    assert rows(allocation) == [
        ("SpanPlanner", 1, 1, 0.1, 0),
        ("VideoDecoder", 4, 32, 1, 0),
        ("Transcriber", 4, 4, 0, 0.25),
        ("Captioner", 4, 4, 0, 0.5),
        ("FrameEmbedder", 4, 4, 0, 0.125),
        ("TextEmbedder", 4, 4, 0, 0.125),
        ("SceneWriter", 1, 1, 0.1, 0),
    ]
    assert allocation.least_cpus == pytest.approx(4.2)
    assert allocation.least_gpus == 4
    assert allocation.nodes == (NodeGroup("gpu", 8, 1, 2, 4),)  # whose CPUs hold the four decoders too


def test_three_short_videos_take_one_card(store: DirectoryStore) -> None:
    allocation = allocation_of(load_settings("gpu"), room_of(HEAD, CPU, GPU), store, videos=3, size_bytes=10**7)
    assert [pool.most for pool in allocation.pools if pool.num_gpus] == [1] * 4
    assert (allocation.least_gpus, allocation.spans) == (1, 3)


def test_shares_that_do_not_fit_are_refused_before_anything_starts(store: DirectoryStore) -> None:
    settings = with_limits(load_settings("gpu"), captions_num_gpus=0.75)
    with pytest.raises(SettingsError, match=r"= 1\.25 cards, and Ray has 1 card"):
        allocation_of(settings, room_of(CPU, NodeGroup("gpu", 8, 1, 1, 1)), store)


def test_nodes_are_packed_the_largest_first_and_cards_left_to_those_who_need_them() -> None:
    pools = (PoolShare(("A",), 3, 3, 0, 0.5), PoolShare(("B",), 5, 5, 3, 0))
    small, cards = NodeGroup("cpu", 6, 0, 1, 9), NodeGroup("gpu", 16, 1, 0, 4)
    assert nodes_for(pools, room_of(small, cards)) == (
        NodeGroup("gpu", 16, 1, 0, 2),  # five pools of three CPUs lie beside the cards
    )
    assert nodes_for(pools[1:], room_of(small, cards)) == (NodeGroup("cpu", 6, 0, 1, 3),)


def test_the_bottleneck_is_what_was_measured_in_earlier_runs_of_the_profile(store: DirectoryStore) -> None:
    for number, profile, scale in ((1, "gpu", 1.0), (2, "gpu", 2.0), (3, "offline", 100.0)):
        seconds = {"VideoDecoder": 600 * scale, "Transcriber": 100 * scale, "Captioner": 30 * scale}
        report = report_of(f"run-{number}").model_copy(
            update={"profile": profile, "media_s": 3600 * scale, "stage_seconds": seconds}
        )
        put_record(store, f"runs/run-{number}.json", report)
    settings = with_limits(load_settings("gpu"), decoders_per_card=2)
    allocation = allocation_of(settings, room_of(HEAD, CPU, GPU), store)
    assert allocation.bottleneck == Bottleneck(
        "VideoDecoder",
        pytest.approx(48),  # type: ignore[arg-type]
        "In 2 runs of this profile it took 600 s of an actor for an hour of video, so that 8 actors can do 48.0 hours"
        " of video in an hour; next is Transcriber with 144.0.",
    )


@pytest.mark.parametrize(
    ("stages", "pool"),
    [
        (("SpanPlanner", "VideoDecoder", "Transcriber", "Captioner"), "Captioner"),
        (("SpanPlanner", "VideoDecoder", "Transcriber"), "Transcriber"),
        (("SpanPlanner", "VideoDecoder", "FrameEmbedder"), "VideoDecoder"),
    ],
)
def test_without_a_measurement_a_rule_says_so(stages: tuple[str, ...], pool: str) -> None:
    found = bottleneck_of([PoolShare((stage,), 1, 1, 0.1, 0) for stage in stages], [])
    assert (found.pool, found.media_per_s) == (pool, None)
    assert found.reason.startswith("No run of this profile is measured in this store yet. By rule: ")


def test_runs_that_indexed_nothing_measure_nothing(store: DirectoryStore) -> None:
    empty: RunReport = report_of("run-1").model_copy(update={"profile": "gpu", "media_s": 0, "stage_seconds": {}})
    put_record(store, "runs/run-1.json", empty)
    assert allocation_of(load_settings("gpu"), room_of(CPU, GPU), store).bottleneck.media_per_s is None


def test_the_room_of_a_launchers_configuration() -> None:
    settings = with_limits(load_settings("gpu"), max_gpus=6)
    kinds = {"head": {"resources": {"CPU": 0}}, "gpu": {"resources": {"CPU": 8, "GPU": 1}, "max_workers": 10}}
    config = {"max_workers": 12, "head_node_type": "head", "available_node_types": kinds}
    room = ClusterRoom.of_groups(groups_of_config(config, {}), settings.pipeline, is_known=True)
    assert (room.cpus, room.gpus, room.most_cpus, room.most_gpus) == (0, 0, 80, 6)


def test_the_room_of_this_machine_needs_no_ray(offline: Settings) -> None:
    import ray

    assert room_for_index(offline, None).own_machine
    assert not ray.is_initialized()
