"""How the command line shows what a run would take of a cluster."""

import math
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from pipelines.allocation import Allocation
from pipelines.sizing import CPUS_OF_RAY_DATA


def print_allocation(allocation: Allocation, *, is_exact: bool = False) -> None:
    """A table of the pools, what the cluster has and may have, the nodes that are needed, and what limits the run.

    `is_exact`: the videos are those that are to be indexed, without what was.
    """
    console = Console()
    table = Table(title=f"Pools of profile {allocation.profile}", title_justify="left")
    table.add_column("pool", overflow="fold")
    for heading in ("actors", "CPU each", "GPU each", "CPUs", "GPUs"):
        table.add_column(heading, justify="right")
    for pool in allocation.pools:
        table.add_row(
            pool.name.replace("+", " + "),
            _range(pool.least, pool.most),
            f"{pool.num_cpus:g}",
            f"{pool.num_gpus:g}" if pool.num_gpus else "",
            _range(pool.least * pool.num_cpus, pool.most * pool.num_cpus),
            _range(pool.least * pool.num_gpus, pool.most * pool.num_gpus) if pool.num_gpus else "",
        )
    table.add_row("Ray Data's own tasks", "", "", "", f"{CPUS_OF_RAY_DATA:g}", "")
    table.add_section()
    table.add_row(
        "at the start", "", "", "", f"{allocation.least_cpus + CPUS_OF_RAY_DATA:g}", f"{allocation.least_gpus:g}"
    )
    console.print(table)
    room = allocation.room
    whose = "This machine has" if room.own_machine else "The cluster has"
    console.print(f"{whose} {_amount(room.cpus, 'CPU')} and {_amount(room.gpus, 'GPU')}{_growth(allocation)}.")
    if not room.own_machine:
        for group in allocation.nodes:
            there = f", {group.now} there" if group.now < group.most else ""
            has = _amount(group.cpus, "CPU") + (f", {_amount(group.gpus, 'GPU')}" if group.gpus else "")
            console.print(f"Needs {group.most} x {group.name} ({has}){there}.", markup=False)
    if allocation.videos is not None:
        console.print(
            f"For {_amount(allocation.videos, 'video')} of {allocation.size_bytes / 2**30:.2f} GiB: about"
            f" {_amount(allocation.spans or 0, 'span')}.{'' if is_exact else ' What is indexed already counts too.'}",
            markup=False,
        )
    console.print(f"Bottleneck: {allocation.bottleneck.pool}. {allocation.bottleneck.reason}", markup=False)


def allocation_as_json(allocation: Allocation) -> dict[str, Any]:
    """The same for programs; what nobody knows is null."""
    room = allocation.room
    return {
        "profile": allocation.profile,
        "videos": allocation.videos,
        "size_bytes": allocation.size_bytes,
        "spans": allocation.spans,
        "pools": [
            {
                "pool": pool.name,
                "actors": pool.least,
                "most_actors": pool.most,
                "num_cpus": pool.num_cpus,
                "num_gpus": pool.num_gpus,
            }
            for pool in allocation.pools
        ],
        "cluster": {
            "cpus": room.cpus,
            "gpus": room.gpus,
            "most_cpus": None if math.isinf(room.most_cpus) else room.most_cpus,
            "most_gpus": room.most_gpus,
        },
        "nodes": [{"kind": group.name, "there": group.now, "needed": group.most} for group in allocation.nodes],
        "bottleneck": asdict(allocation.bottleneck),
    }


def _growth(allocation: Allocation) -> str:
    room = allocation.room
    if room.most_cpus == room.cpus and room.most_gpus == room.gpus:
        return ""
    cpus = "CPUs as needed" if math.isinf(room.most_cpus) else _amount(room.most_cpus, "CPU")
    return f"; this run may have {cpus} and {_amount(room.most_gpus, 'GPU')}"


def _amount(count: float, what: str) -> str:
    return f"no {what}" if count == 0 else f"{count:g} {what}{'' if count == 1 else 's'}"


def _range(least: float, most: float) -> str:
    return f"{least:g}" if most == least else f"{least:g} to {most:g}"
