"""Writing and asking through both engines: the embedded index, and a server by gRPC.

    python -m benchmarks.index [--scenes 100000] [--queries 200] [--folder F]

Writes made-up scenes (benchmarks/made_scenes.py) video by video, as a run does: an upsert, then publish(). Then
asks hybrid queries of four lists with a filter on workspace and language, by VectorIndex.search as
SceneSearcher does. Each engine has a process of its own, one after the other.

No Qdrant server can be installed here, so this one is that of the tests (tests/qdrant_server): Qdrant's own service
definitions on the wire, Qdrant's own engine behind, and Python between. So its figures say what the wire and footage's
client cost; a real server writes and asks with all cores, and builds graphs (HNSW) besides. With --url a real one is
measured.

Both engines hold the same data and no graph, so their answers have to be equal: ids and scores are compared.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks.made_scenes import GENERATION, SPEC, MadeScenes
from footage.index import VectorIndex
from footage.pipeline_settings import SearchSettings
from footage.storage_settings import QdrantSettings

PROJECT = Path(__file__).parent.parent
CANDIDATES = SearchSettings().candidates
TOLERANCE = 1e-5
PROGRESS_EVERY = 100  # videos

Answers = list[list[list[tuple[str, float]]]]  # scene ids and scores of each list of each query


@dataclass
class Figures:
    """What was measured of one engine."""

    points_per_s: float
    """Upserts and publishing together."""
    upsert_points_per_s: float
    publish_ms_p50: float
    query_ms_p50: float
    query_ms_p95: float
    rss_mib: float
    """Of the process that holds the points, after the queries."""
    rss_before_mib: float
    disk_mib: float


def measure(folder: Path, url: str, server_pid: int, scenes: int, queries: int) -> tuple[Figures, Answers]:
    """Fill one engine and ask it.

    Args:
        folder: of the embedded index, or of the server's data.
        url: of the server; empty takes the embedded engine.
        server_pid: whose memory counts; 0 is this process.
        scenes: to write.
        queries: to ask.
    """
    holder = psutil.Process(server_pid or None)
    made = MadeScenes()
    index = _opened(folder, url)
    next(made.videos(1))  # what numpy loads on first use
    before = holder.memory_info().rss
    upsert_s, publish_s, written = 0.0, [], 0
    for number, video in enumerate(made.videos(scenes)):
        begun = time.perf_counter()
        index.upsert(video)
        done = time.perf_counter()
        index.publish(video[0].workspace, video[0].video_id, GENERATION)
        publish_s.append(time.perf_counter() - done)
        upsert_s += done - begun
        written += len(video)
        if number % PROGRESS_EVERY == 0:
            print(f"{url or 'embedded'}: {written} of {scenes} scenes", file=sys.stderr, flush=True)
    answers: Answers = []
    query_s = []
    for lists, where in made.queries(queries):
        begun = time.perf_counter()
        found = index.search(lists, where, CANDIDATES)
        query_s.append(time.perf_counter() - begun)
        answers.append([[(hit.scene_id, hit.score) for hit in hits] for hits in found])
    rss = holder.memory_info().rss
    index.close()
    figures = Figures(
        points_per_s=round(scenes / (upsert_s + sum(publish_s))),
        upsert_points_per_s=round(scenes / upsert_s),
        publish_ms_p50=round(statistics.median(publish_s) * 1e3, 2),
        query_ms_p50=round(_percentile(query_s, 0.5) * 1e3, 2),
        query_ms_p95=round(_percentile(query_s, 0.95) * 1e3, 2),
        rss_mib=round(rss / 2**20),
        rss_before_mib=round(before / 2**20),
        disk_mib=round(sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file()) / 2**20),
    )
    return figures, answers


def compare(one: Answers, other: Answers) -> tuple[int, int]:
    """How many hits were compared, and in how many lists ids or scores differ."""
    hits = different = 0
    for lists, others in zip(one, other, strict=True):
        for these, those in zip(lists, others, strict=True):
            hits += len(these)
            same = len(these) == len(those) and all(
                a == b and abs(x - y) <= TOLERANCE for (a, x), (b, y) in zip(these, those, strict=True)
            )
            different += not same
    return hits, different


def main() -> None:
    """Measure and print one JSON line last."""
    parser = argparse.ArgumentParser(description="Upserts and hybrid queries through both engines.")
    parser.add_argument("--scenes", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where the indexes are made, and removed again (a temporary one)")
    parser.add_argument("--url", default="", help="a Qdrant server to measure; empty starts that of the tests")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footage-bench-", dir=options.folder) as scratch:
        root = Path(scratch)
        embedded, found = _in_a_process(root / "embedded", "", 0, options.scenes, options.queries)
        with ExitStack() as stack:
            url, pid = (options.url, 0) if options.url else stack.enter_context(_server(root / "server"))
            server, found_there = _in_a_process(root / "server", url, pid, options.scenes, options.queries)
    hits, different = compare(found, found_there)
    higher, lower = asdict(server), asdict(embedded)
    result = {
        **{f"ratio_{name}": round(higher[name] / lower[name], 3) for name in lower if lower[name]},
        "embedded": lower,
        "server": higher,
        "scenes": options.scenes,
        "queries": options.queries,
        "hits_compared": hits,
        "lists_that_differ": different,
        "how": (
            f"ratios are server / embedded; videos of 50 scenes, each upserted and published; hybrid queries of 4 lists"
            f" of {CANDIDATES} with a filter on workspace and language; text {SPEC.text_dimensions}, image"
            f" {SPEC.vision_dimensions} dimensions; {'server ' + options.url if options.url else 'server of the tests'}"
        ),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }
    print(json.dumps(result))
    if different:
        sys.exit(f"{different} lists differ between the engines.")


def _in_a_process(folder: Path, url: str, server_pid: int, scenes: int, queries: int) -> tuple[Figures, Answers]:
    """measure() in a new process, so that its memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (folder, url, server_pid, scenes, queries))


def _opened(folder: Path, url: str) -> VectorIndex:
    if url:
        from footage.server_index import ServerIndex

        return ServerIndex(url, SPEC, QdrantSettings(collection="footage-benchmark"))
    from footage.embedded_index import EmbeddedIndex

    return EmbeddedIndex(folder / "scenes", SPEC, owner="benchmarks.index")


@contextmanager
def _server(folder: Path) -> Iterator[tuple[str, int]]:
    """The tests' server in a process of its own: its address and process id."""
    command = [sys.executable, "-m", "tests.qdrant_server", "--folder", str(folder)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1], process.pid
        finally:
            process.terminate()


def _percentile(seconds: list[float], part: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * part))]


if __name__ == "__main__":
    main()
