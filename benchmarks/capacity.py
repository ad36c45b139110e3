"""What so many scenes need of a Qdrant server, as arithmetic: nothing is measured here.

    python -m benchmarks.capacity [--text 1024] [--vision 1152] [--node-gb 256] [--copies 1]

The rule for vectors in memory is that of Qdrant's page "Capacity Planning": numbers x 4 bytes x 1.5, the half more
being for copies that the optimiser makes. Everything else is counted as it is stored. docs/operations.md has the table
for the models of the gpu profile.
"""

import argparse
import math
from dataclasses import dataclass

SCENES = (1_000_000, 100_000_000, 1_000_000_000)
SCENE_S = 5  # edited film; interviews are cut less often
GRAPH_BYTES = (
    (16 + 16) * 2 * 4
)  # of each vector: hnsw_m and hnsw_payload_m edges, twice on the lowest layer, of 4 bytes
ID_BYTES = 31  # the UUID, its number within the segment and its version, both ways
FIELD_INDEX_BYTES = 200  # workspace, video, language, tags, times, live, generation: numbers and posting lists
SPARSE_BYTES = 100 * 8  # a long transcript has 100 different tokens: 4 bytes for each, and 4 for its weight
PAYLOAD_BYTES = 1000  # two ids, two keys, times, tags; JSON has about 700
SPARE_MEMORY = 1.5  # Qdrant's factor for vectors that are in memory as they are
SPARE_DISK = 1.3  # segments that are merged are there twice for a while, and the log
USABLE = 0.75  # of a node's memory: the rest is for requests, the system and its page cache
GB = 1e9


@dataclass(frozen=True)
class Need:
    """Of one scene, one copy."""

    memory_bytes: float
    disk_bytes: float


def need(text_dimensions: int, vision_dimensions: int, quantization: str) -> Need:
    """What a scene with all its vectors (transcript, caption, picture, words) takes.

    Args:
        text_dimensions: of the transcript and of the caption.
        vision_dimensions: of the picture.
        quantization: as the setting qdrant.quantization. Other than `none`, the vectors themselves are on the disk.
    """
    numbers = 2 * text_dimensions + vision_dimensions
    quantised = {"none": 0.0, "scalar": 1.0, "binary": 1 / 8}[quantization] * numbers
    small = 3 * GRAPH_BYTES + ID_BYTES + FIELD_INDEX_BYTES
    vectors = 4 * numbers * SPARE_MEMORY + SPARSE_BYTES if quantization == "none" else quantised
    disk = 4 * numbers + quantised + SPARSE_BYTES + PAYLOAD_BYTES + small
    return Need(vectors + small, disk * SPARE_DISK)


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description="Memory, disk and nodes of a Qdrant server.")
    parser.add_argument("--text", type=int, default=1024, help="dimensions of the text model (BGE-M3: 1024)")
    parser.add_argument("--vision", type=int, default=1152, help="dimensions of the image model (SigLIP so400m: 1152)")
    parser.add_argument("--node-gb", type=int, default=256, help="memory of a node")
    parser.add_argument("--copies", type=int, default=1, help="qdrant.replication_factor")
    options = parser.parse_args()
    print(f"| scenes (hours) | quantization | a scene in memory | memory | disk | nodes of {options.node_gb} GB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for scenes in SCENES:
        for quantization in ("none", "scalar", "binary"):
            one = need(options.text, options.vision, quantization)
            memory, disk = (scenes * options.copies * each / GB for each in (one.memory_bytes, one.disk_bytes))
            nodes = max(options.copies, math.ceil(memory / (options.node_gb * USABLE)))
            print(
                f"| {scenes:.0e} ({scenes * SCENE_S / 3600:,.0f} h) | {quantization} | {one.memory_bytes / 1e3:.1f} kB"
                f" | {_size(memory)} | {_size(disk)} | {nodes} |"
            )


def _size(gigabytes: float) -> str:
    return f"{gigabytes / 1000:.3g} TB" if gigabytes >= 1000 else f"{gigabytes:.3g} GB"


if __name__ == "__main__":
    main()
