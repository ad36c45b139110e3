import json
import os
import time
from pathlib import Path

import pytest

from cluster.display_allocation import allocation_as_json, print_allocation
from cluster.run_allocation import allocation_for_index
from footage.directory_store import DirectoryStore
from footage.errors import SettingsError
from footage.pipeline_settings import PipelineSettings
from footage.settings import load_settings
from pipelines.allocation import allocation_of
from pipelines.cluster_room import ClusterRoom, NodeGroup
from pipelines.room_lookup import room_for_submit
from tests.ray_head import ray_environment, ray_head

GROUPS = (NodeGroup("cpu", 16, 0, 1, 10), NodeGroup("gpu", 8, 1, 1, 4))


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_pools_nodes_and_bottleneck_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    room = ClusterRoom.of_groups(GROUPS, PipelineSettings(), is_known=True)
    print_allocation(allocation_of(load_settings("gpu"), room, DirectoryStore(tmp_path)))
    out = shown(capsys)
    assert "Pools of profile gpu" in out
    assert "│ VideoDecoder │ 4 to 32 │ 1 │ │ 4 to 32 │ │" in out
    assert "│ Captioner │ 4 │ 0 │ 0.5 │ 0 │ 2 │" in out
    assert "The cluster has 24 CPUs and 1 GPU; this run may have 192 CPUs and 4 GPUs." in out
    assert "Needs 4 x gpu (8 CPUs, 1 GPU), 1 there." in out
    assert "Bottleneck: Captioner. No run of this profile is measured in this store yet." in out


def test_a_dry_run_counts_the_sources_and_changes_nothing(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_allocation(allocation_for_index(str(clips), str(tmp_path / "store"), load_settings("offline"), None))
    out = shown(capsys)
    assert "│ VideoDecoder │ 2 │ 0.1 │ │ 0.2 │ │" in out
    assert "For 8 videos of 0.00 GiB: about 8 spans. What is indexed already counts too." in out
    assert not list(tmp_path.rglob("*.json"))


def test_a_cluster_without_machines_is_shown_as_it_may_grow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    room = ClusterRoom.of_groups((NodeGroup("gpu", 8, 1, 0, 4),), PipelineSettings(), is_known=True)
    print_allocation(allocation_of(load_settings("gpu"), room, DirectoryStore(tmp_path), videos=8, size_bytes=2**20))
    out = shown(capsys)
    assert "The cluster has no CPU and no GPU; this run may have 32 CPUs and 2 GPUs." in out
    assert "Needs 2 x gpu (8 CPUs, 1 GPU), 0 there." in out


def test_programs_get_the_same(tmp_path: Path) -> None:
    room = ClusterRoom.of_groups(GROUPS[1:], PipelineSettings(max_gpus=2), is_known=False)
    shown = allocation_as_json(allocation_of(load_settings("gpu"), room, DirectoryStore(tmp_path)))
    assert shown["cluster"] == {"cpus": 8, "gpus": 1, "most_cpus": None, "most_gpus": 2}
    assert shown["pools"][1] == {
        "pool": "VideoDecoder",
        "actors": 2,
        "most_actors": 16,
        "num_cpus": 1,
        "num_gpus": 0,
    }
    assert shown["nodes"] == [{"kind": "gpu", "there": 1, "needed": 2}]
    assert (shown["videos"], shown["bottleneck"]["pool"]) == (None, "Captioner")
    assert json.dumps(shown)


@pytest.mark.ray
@pytest.mark.long
def test_the_dashboard_says_what_a_cluster_has() -> None:
    environment = ray_environment(RAY_AUTH_TOKEN=os.environ["RAY_AUTH_TOKEN"])  # Ray reads it once in a process
    pipeline = load_settings("gpu").pipeline
    settings = load_settings("gpu").model_copy(
        update={"pipeline": pipeline.model_copy(update={"node_labels": {"ray-subcluster": "index"}, "max_gpus": 3})}
    )
    with ray_head(environment, 5, options={"--num-gpus": 1, "--labels": "ray-subcluster=index"}) as head:
        until = time.monotonic() + 60  # the dashboard answers before it knows of a node
        while (room := room_for_submit(settings, head.dashboard)).cpus == 0:
            assert time.monotonic() < until
            time.sleep(0.5)
        assert (room.cpus, room.gpus, room.most_gpus, room.own_machine) == (5, 1, 3, False)
        other = settings.model_copy(update={"pipeline": pipeline.model_copy(update={"node_labels": {"for": "serve"}})})
        assert room_for_submit(other, head.dashboard).cpus == 0
    with pytest.raises(SettingsError, match=r"No Ray dashboard answers at http://127\.0\.0\.1:9"):
        room_for_submit(settings, "http://127.0.0.1:9")
