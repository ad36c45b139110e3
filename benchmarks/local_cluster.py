"""Ray clusters of several nodes on this machine, where a GPU is a number that a node declares."""

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from footage.scratch import Scratch

STORE_BYTES = 200 * 2**20  # of each node


@dataclass(frozen=True)
class NodeKind:
    """What a node declares."""

    cpus: int
    gpus: int = 0


@contextlib.contextmanager
def fixed_cluster(nodes: Sequence[NodeKind], head: NodeKind = NodeKind(2)) -> Iterator[str]:
    """A head and these nodes, each with a raylet and an object store of its own; gives the address of the head.

    To be called from the main thread, as Ray sets signal handlers.
    """
    # Ray reads these when it is imported, here and in what it starts.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    from ray.cluster_utils import Cluster

    scratch = Scratch()  # short: the paths of Ray's sockets may have 107 bytes
    cluster = Cluster()
    try:
        for kind in (head, *nodes):
            cluster.add_node(
                num_cpus=kind.cpus,
                num_gpus=kind.gpus,
                object_store_memory=STORE_BYTES,
                include_dashboard=False,
                temp_dir=str(scratch.path),
            )
        cluster.wait_for_nodes()
        yield cluster.address
    finally:
        cluster.shutdown()
        scratch.remove()


_HEAD = "ray.head.default"  # so Ray's provider calls it
# What Ray asks for in every configuration.
_NOTHING = (
    "initialization_commands",
    "setup_commands",
    "head_setup_commands",
    "worker_setup_commands",
    "head_start_ray_commands",
    "worker_start_ray_commands",
    "cluster_synced_files",
    "rsync_exclude",
    "rsync_filter",
)


def autoscaling(kinds: Mapping[str, NodeKind], most: Mapping[str, int], idle_s: float = 6) -> dict[str, Any]:
    """A cluster configuration of Ray's for tests.ray_head.ray_head(): nodes that its autoscaler starts on this machine.

    Args:
        kinds: of nodes, by name. The head has no CPU, so that it runs the job and no actor.
        most: how many of each kind there may be.
        idle_s: after which a node that does nothing goes.
    """
    return {
        "cluster_name": "footage-local",
        "max_workers": sum(most.values()),
        "upscaling_speed": 10.0,
        "idle_timeout_minutes": idle_s / 60,
        # Of its own name for this provider Ray's wheel lacks the file of defaults.
        "provider": {
            "type": "external",
            "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "launch_multiple": True,
            "disable_node_updaters": True,  # there is nothing to install
        },
        "available_node_types": {
            _HEAD: {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            **{
                name: {
                    "resources": {"CPU": kind.cpus, "GPU": kind.gpus, "object_store_memory": STORE_BYTES},
                    "node_config": {},
                    "min_workers": 0,
                    "max_workers": most[name],
                }
                for name, kind in kinds.items()
            },
        },
        "head_node_type": _HEAD,
        "auth": {},
        "docker": {},
        "file_mounts": {},
        "file_mounts_sync_continuously": False,
        **{name: [] for name in _NOTHING},
    }


def kill_node(node: str, folder: Path) -> None:
    """End a node as a spot instance goes: its raylet and all that runs under it at once, by SIGKILL.

    Args:
        node: its id.
        folder: of the cluster's Ray; nodes of other clusters may have the same id.
    """
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if f"--node_id={node}" in command and any(str(folder) in word for word in command):
            for one in (process, *process.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            return
    raise ValueError(f"No node {node} of the cluster in {folder} runs on this machine.")
