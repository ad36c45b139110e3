"""How much room there is for a run: what Ray's nodes have now, and how far an autoscaler may go."""

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import yaml

from footage.errors import SettingsError
from footage.pipeline_settings import PipelineSettings

# Where Ray's cluster launcher puts its configuration on the head, for the autoscaler that runs there.
LAUNCHER_FILE = Path("~/ray_bootstrap_config.yaml")
# Fewer CPUs than this are shared out in tenths: a planner, a decoder, a model, a writer and a CPU for Ray Data's own
# tasks take more than three whole ones.
_FEW_CPUS = 4


@dataclass(frozen=True)
class NodeGroup:
    """Nodes of one kind."""

    name: str
    cpus: float  # of each node
    gpus: float
    now: int = 0  # nodes that are there
    most: int = 0  # nodes that there may be


@dataclass(frozen=True)
class ClusterRoom:
    """CPUs and cards that a run may take: now, and at most. Infinite where nobody knows how far a cluster grows."""

    cpus: float
    gpus: float
    most_cpus: float
    most_gpus: float
    groups: tuple[NodeGroup, ...] = ()
    own_machine: bool = False  # a Ray of our own on this machine, with nothing else on it
    spans: int | None = field(default=None, kw_only=True)  # that there are to index; None: unknown, many

    @classmethod
    def of_machine(cls, cpus: float | None = None, gpus: float = 0) -> Self:
        """The room of a machine without a cluster."""
        have = float(max(2, os.cpu_count() or 2) if cpus is None else cpus)
        return cls(have, gpus, have, gpus, (NodeGroup("this machine", have, gpus, 1, 1),), own_machine=True)

    def limited(self, settings: PipelineSettings) -> "ClusterRoom":
        """The room of a machine within the limits of one run."""
        cpus = self.cpus if settings.max_cpus is None else min(self.cpus, settings.max_cpus)
        gpus = self.gpus if settings.max_gpus is None else min(self.gpus, settings.max_gpus)
        return replace(self, cpus=cpus, gpus=gpus, most_cpus=cpus, most_gpus=gpus)

    @classmethod
    def of_groups(cls, groups: Sequence[NodeGroup], settings: PipelineSettings, *, is_known: bool) -> Self:
        """The room of a cluster's nodes within the limits of one run.

        Args:
            groups: the nodes there are, and may be.
            settings: pipeline.max_cpus and max_gpus.
            is_known: `most` of the groups is what the autoscaler may start; False: nobody says whether there is one,
                and the limits of a run that are larger than the cluster are how far it grows.
        """
        groups = tuple(group for group in groups if group.cpus or group.gpus)
        cpus, gpus = sum(g.now * g.cpus for g in groups), sum(g.now * g.gpus for g in groups)
        most_cpus, most_gpus = sum(g.most * g.cpus for g in groups), sum(g.most * g.gpus for g in groups)
        max_cpus = math.inf if settings.max_cpus is None else settings.max_cpus
        max_gpus = math.inf if settings.max_gpus is None else settings.max_gpus
        if not is_known:
            grows = gpus < max_gpus < math.inf or cpus < max_cpus < math.inf
            most_gpus = max_gpus if gpus < max_gpus < math.inf else gpus
            most_cpus = max_cpus if grows else cpus  # infinite where only the cards are limited
        return cls(min(cpus, max_cpus), min(gpus, max_gpus), min(most_cpus, max_cpus), min(most_gpus, max_gpus), groups)

    @property
    def in_tenths(self) -> bool:
        """Whether actors take tenths of a CPU and share the cores, as on a laptop, in place of whole ones."""
        return self.own_machine or self.most_cpus < _FEW_CPUS

    @property
    def grows(self) -> bool:
        """Whether there may be more cards than there are."""
        return self.most_gpus > self.gpus

    def for_spans(self, spans: int, per_card: int) -> "ClusterRoom":
        """The room that so many spans can use: a run of three short videos starts no hundred cards."""
        cards = math.ceil(spans / per_card)
        useful = max(1, cards)
        return replace(self, gpus=min(self.gpus, useful), most_gpus=min(self.most_gpus, useful), spans=max(1, spans))

    def with_cards(self, gpus: float) -> "ClusterRoom":
        """The same with so many cards there now."""
        return replace(self, gpus=gpus)

    def grown(self) -> "ClusterRoom":
        """The same when the cluster has grown as far as this run lets it."""
        groups = tuple(replace(group, now=max(group.now, group.most)) for group in self.groups)
        return replace(self, cpus=self.most_cpus, gpus=self.most_gpus, groups=groups)

    def slots(self, share: float, light: float) -> float:
        """How many actors of `share` CPUs fit at most, where others take `light` CPUs, spread over all nodes.

        An actor lies on one node, so what is left of a node beside whole actors is nobody's.
        """
        nodes = [group.cpus for group in self.groups for _ in range(max(group.now, group.most)) if group.cpus]
        each = light / max(1, len(nodes))
        fitting = sum(max(0, math.floor((cpus - each) / share + _ROUNDING)) for cpus in nodes)
        by_sum = self.most_cpus if math.isinf(self.most_cpus) else (self.most_cpus - light) // share
        # Of nodes that nobody has described only the sum is known.
        return by_sum if self.most_cpus > sum(nodes) else min(by_sum, fitting)


_ROUNDING = 1e-9  # shares are decimal fractions
_MANY = 10_000  # nodes: more than anybody has


def room_of_ray(settings: PipelineSettings, *, own_machine: bool) -> ClusterRoom:
    """The room of the Ray that this process is connected to.

    Raises:
        SettingsError: no node has the labels of pipeline.node_labels, and none may come.
    """
    import ray  # after ray_session() has set the environment that Ray reads when it is imported

    nodes = [node for node in ray.nodes() if node["Alive"]]
    if own_machine:
        have = ray.cluster_resources()
        return ClusterRoom.of_machine(have.get("CPU", 0), have.get("GPU", 0)).limited(settings)
    wanted = settings.node_labels
    ours = [node for node in nodes if wanted.items() <= (node.get("Labels") or {}).items()]
    limits = _limits_of_ray(wanted)
    if wanted and not ours and not limits and settings.max_cpus is None and settings.max_gpus is None:
        raise SettingsError(
            f"No node of the cluster has the labels {_labels(wanted)} of pipeline.node_labels, and nobody says that"
            " one may come. Label nodes (`ray start --labels`), or set pipeline.max_cpus and pipeline.max_gpus on a"
            " cluster that grows."
        )
    return ClusterRoom.of_groups(_joined(groups_of_nodes(ours), limits), settings, is_known=bool(limits))


def groups_of_nodes(nodes: Sequence[Mapping[str, Any]]) -> tuple[NodeGroup, ...]:
    """The nodes that there are, by kind: ray.nodes(), or what Ray's dashboard says of them."""
    kinds: Counter[tuple[str, float, float]] = Counter()
    for node in nodes:
        have, labels = node["Resources"], node.get("Labels") or {}
        kinds[labels.get("ray.io/node-group", ""), have.get("CPU", 0.0), have.get("GPU", 0.0)] += 1
    return tuple(NodeGroup(name or "node", cpus, gpus, n, n) for (name, cpus, gpus), n in sorted(kinds.items()))


def groups_of_config(config: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[NodeGroup, ...]:
    """The node types of a cluster launcher's configuration that have these labels, each with the most of its nodes."""
    groups = []
    for name, kind in config["available_node_types"].items():
        if not labels.items() <= (kind.get("labels") or {}).items():
            continue
        is_head = name == config.get("head_node_type")
        of_all = int(config.get("max_workers", 2))  # Ray's own default
        most = min(of_all, int(kind.get("max_workers", 0 if is_head else of_all))) + is_head
        least = int(kind.get("min_workers", 0)) + is_head
        have = kind.get("resources") or {}
        groups.append(NodeGroup(name, float(have.get("CPU", 0)), float(have.get("GPU", 0)), least, most))
    return tuple(groups)


def _limits_of_ray(labels: Mapping[str, str]) -> tuple[NodeGroup, ...]:
    """What the autoscaler may start: as it told Ray, or as the launcher's file says on the head; empty: unknown.

    Ray 2.60 has a place for the autoscaler's limits that only some autoscalers fill; neither Ray's own nor KubeRay's
    does (ray#63012).
    """
    import ray
    from ray._private.state import state

    if (told := state.get_cluster_config()) is not None and told.node_group_configs:
        return tuple(
            NodeGroup(
                kind.name,
                float(kind.resources.get("CPU", 0)),
                float(kind.resources.get("GPU", 0)),
                most=_MANY if kind.max_count < 0 else kind.max_count,  # -1: as many as are asked for
            )
            for kind in told.node_group_configs
        )
    file, here = LAUNCHER_FILE.expanduser(), ray.get_runtime_context().get_node_id()
    on_head = any(n["NodeID"] == here and "node:__internal_head__" in n["Resources"] for n in ray.nodes())
    if on_head and file.is_file():
        return groups_of_config(yaml.safe_load(file.read_text()), labels)
    return ()


def _joined(now: Sequence[NodeGroup], limits: Sequence[NodeGroup]) -> tuple[NodeGroup, ...]:
    """The nodes that there are, with how many of their kind there may be, and the kinds of which there is none yet."""
    if not limits:
        return tuple(now)
    present = Counter({(group.cpus, group.gpus): 0 for group in limits})
    for group in now:
        present[group.cpus, group.gpus] += group.now
    joined = []
    for kind in limits:
        here = min(present[kind.cpus, kind.gpus], kind.most)
        present[kind.cpus, kind.gpus] -= here
        joined.append(replace(kind, now=here))
    others = [NodeGroup("node", cpus, gpus, n, n) for (cpus, gpus), n in present.items() if n]
    return (*joined, *others)


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in labels.items())
