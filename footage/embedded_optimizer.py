"""Merges the segments of an embedded index that nobody uses and builds their graphs (HNSW), in a process of its own.

    python -m footage.embedded_optimizer FOLDER PARENT_PID

The engine holds Python's lock all the while, minutes for 100,000 scenes, so no process that answers can do it. Segments
below the engine's threshold (20 MB of one vector) get no graph: there, comparing all is faster and exact.
"""

import sys
from pathlib import Path

import qdrant_edge as edge

from footage.child_process import die_with
from footage.ownership import Ownership, lock_of


def main() -> None:
    """Optimise the scenes at FOLDER and the videos beside it."""
    path, parent_id = Path(sys.argv[1]), int(sys.argv[2])
    die_with(parent_id)
    held = Ownership(lock_of(path), "footage reindex")
    for folder in (path, path.with_name("videos")):
        shard = edge.EdgeShard.load(str(folder))
        shard.optimize()
        shard.flush()
        shard.close()
    held.release()


if __name__ == "__main__":
    main()
