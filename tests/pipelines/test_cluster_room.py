from typing import Any

import pytest
from pydantic import ValidationError

from footage.pipeline_settings import PipelineSettings
from pipelines.cluster_room import ClusterRoom, NodeGroup, groups_of_config, groups_of_nodes

HEAD, CPU, GPU = NodeGroup("head", 0, 0, 1, 1), NodeGroup("cpu", 16, 0, 1, 10), NodeGroup("gpu", 8, 4, 0, 3)


def room(*groups: NodeGroup, is_known: bool = True, **limits: Any) -> tuple[float, float, float, float]:
    made = ClusterRoom.of_groups(groups, PipelineSettings(**limits), is_known=is_known)
    return made.cpus, made.gpus, made.most_cpus, made.most_gpus


def test_what_the_autoscaler_may_start_counts() -> None:
    assert room(HEAD, CPU, GPU) == (16, 0, 160 + 24, 12)
    assert room(HEAD, CPU, GPU, max_cpus=40, max_gpus=2) == (16, 0, 40, 2)


def test_the_limits_of_a_run_are_below_what_is_there() -> None:
    four = NodeGroup("gpu", 8, 4, 2, 2)
    assert room(four, max_cpus=10, max_gpus=3) == (10, 3, 10, 3)
    assert room(four, is_known=False, max_cpus=10, max_gpus=3) == (10, 3, 10, 3)


def test_limits_hold_on_one_machine_too() -> None:
    machine = ClusterRoom.of_machine(cpus=8, gpus=2).limited(PipelineSettings(max_cpus=3, max_gpus=1))
    assert (machine.cpus, machine.most_cpus, machine.gpus, machine.most_gpus) == (3, 3, 1, 1)
    assert ClusterRoom.of_machine(cpus=8, gpus=2).limited(PipelineSettings()) == ClusterRoom.of_machine(8, 2)


def test_where_nobody_says_how_far_it_grows_the_limits_do() -> None:
    one = NodeGroup("node", 8, 1, 1, 1)
    assert room(one, is_known=False) == (8, 1, 8, 1)
    assert room(one, is_known=False, max_gpus=6) == (8, 1, float("inf"), 6)
    assert room(HEAD, is_known=False, max_cpus=64, max_gpus=6) == (0, 0, 64, 6)


def test_cards_and_actors_are_bounded_by_the_work() -> None:
    whole = ClusterRoom.of_groups((CPU, NodeGroup("gpu", 8, 1, 2, 100)), PipelineSettings(), is_known=True)
    few = whole.for_spans(3, per_card=4)
    assert (few.gpus, few.most_gpus, few.spans) == (1, 1, 3)
    many = whole.for_spans(41, per_card=4)
    assert (many.gpus, many.most_gpus) == (2, 11)


@pytest.mark.parametrize(
    ("groups", "share", "light", "slots"),
    [
        ((NodeGroup("n", 2, 1, 2, 2),), 1.0, 0.0, 4),
        ((NodeGroup("n", 2, 1, 2, 2),), 1.0, 0.2, 2),  # a tenth on each node leaves one whole CPU on each
        ((NodeGroup("n", 2.5, 0, 1, 4), NodeGroup("m", 5, 0, 0, 1)), 2.0, 0.0, 6),  # halves of a CPU are nobody's
    ],
)
def test_actors_of_whole_cpus_lie_on_one_node(
    groups: tuple[NodeGroup, ...], share: float, light: float, slots: int
) -> None:
    assert ClusterRoom.of_groups(groups, PipelineSettings(), is_known=True).slots(share, light) == slots


def test_a_limit_and_nodes_that_nobody_described_count_by_their_sum() -> None:
    nodes = (NodeGroup("n", 4, 0, 5, 5),)
    assert ClusterRoom.of_groups(nodes, PipelineSettings(max_cpus=6), is_known=True).slots(1, 0.2) == 5
    assert ClusterRoom.of_groups((), PipelineSettings(max_cpus=6), is_known=False).slots(2, 0) == 3


def test_nodes_are_counted_by_kind() -> None:
    nodes: list[dict[str, Any]] = [
        {"Resources": {"CPU": 8.0, "GPU": 1.0}, "Labels": {"ray.io/node-group": "gpu"}},
        {"Resources": {"CPU": 8.0, "GPU": 1.0}, "Labels": {"ray.io/node-group": "gpu"}},
        {"Resources": {"CPU": 16.0}, "Labels": None},
    ]
    assert groups_of_nodes(nodes) == (NodeGroup("node", 16, 0, 1, 1), NodeGroup("gpu", 8, 1, 2, 2))


def test_the_launchers_file_says_how_many_nodes_of_each_type_there_may_be() -> None:
    config = {
        "max_workers": 8,
        "head_node_type": "head",
        "available_node_types": {
            "head": {"resources": {"CPU": 0}},
            "cpu": {"resources": {"CPU": 16}, "min_workers": 1, "max_workers": 20, "labels": {"for": "index"}},
            "gpu": {"resources": {"CPU": 8, "GPU": 1}},
        },
    }
    assert groups_of_config(config, {}) == (
        NodeGroup("head", 0, 0, 1, 1),
        NodeGroup("cpu", 16, 0, 1, 8),  # the cluster's limit is below the type's
        NodeGroup("gpu", 8, 1, 0, 8),
    )
    assert [group.name for group in groups_of_config(config, {"for": "index"})] == ["cpu"]


def test_labels_that_ray_data_cannot_count_are_refused() -> None:
    assert PipelineSettings(node_labels={"ray-subcluster": "index"}).node_labels == {"ray-subcluster": "index"}
    with pytest.raises(ValidationError, match="node_labels"):
        PipelineSettings(node_labels={"ray-subcluster": "in(a,b)"})
