"""Notes when nodes join a Ray cluster and when they leave it.

    python -m benchmarks.node_watch ADDRESS FILE

Runs until it is ended. It asks the head only, and takes part in nothing.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_INTERVAL_S = 0.25


@dataclass(frozen=True)
class NodeChange:
    """A node joined or left, at a time of time.time()."""

    at: float
    node: str
    kind: str  # head, cpu or gpu
    joined: bool


def changes_in(file: Path) -> list[NodeChange]:
    """What was noted, in order of time."""
    if not file.exists():
        return []
    return [NodeChange(**json.loads(line)) for line in file.read_text().splitlines(keepends=True) if line[-1] == "\n"]


def main() -> None:
    """Watch until this process is ended."""
    parser = argparse.ArgumentParser(description="Notes when nodes join a Ray cluster and leave it.")
    parser.add_argument("address")
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    from ray._private.state import GlobalState
    from ray._raylet import GcsClientOptions

    state = GlobalState()
    state._initialize_global_state(
        GcsClientOptions.create(options.address, None, allow_cluster_id_nil=True, fetch_cluster_id_if_nil=False)
    )
    there: dict[str, str] = {}
    with options.file.open("w", buffering=1) as file:
        while True:
            now = {node["NodeID"]: _kind(node["Resources"]) for node in state.node_table() if node["Alive"]}
            for node in now.keys() ^ there.keys():
                change = NodeChange(time.time(), node, now.get(node) or there[node], node in now)
                file.write(json.dumps(asdict(change)) + "\n")
            there = now
            time.sleep(_INTERVAL_S)


def _kind(resources: dict[str, float]) -> str:
    if "node:__internal_head__" in resources:
        return "head"
    return "gpu" if resources.get("GPU") else "cpu"


if __name__ == "__main__":
    main()
