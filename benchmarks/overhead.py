"""What Ray costs: an index run against the same stages in a ProcessPoolExecutor(2) whose processes hold all models.

    python -m benchmarks.overhead [--copies 8] [--runs 1]

The work is the sample clips, copied with different bytes so that each is a video of its own. Both clocks start when
their first decoder is ready: in the index run that is the first VideoDecoder actor, which begins while models still
load; in the pool it is a process that holds everything, so none of the pool's loading is counted. The ratio with
all start-up included stands beside it.
"""

import argparse
import json
import os
import statistics
import struct
import sys
import tempfile
from pathlib import Path

from benchmarks.pool_baseline import Work, run_in_process_pool
from footage.catalog import Catalog
from footage.fingerprint import pipeline_fingerprint
from footage.settings import load_settings
from footage.sources import in_working_order, list_sources
from footage.storage import DirectoryStore
from pipelines.index_run import IndexRequest, run_index
from pipelines.index_videos import source_table
from pipelines.preparation import ensure_prepared
from pipelines.ray_session import WORKER_ENVIRONMENT
from pipelines.reconcile import Run

CLIPS = Path(__file__).parent.parent / "samples" / "clips"


def make_copies(folder: Path, copies: int) -> None:
    """Copies of the sample clips whose bytes differ: an empty `free` box with a number is appended (ISO 14496-12)."""
    folder.mkdir()
    for number in range(copies):
        for clip in sorted(CLIPS.glob("*.mp4")):
            box = struct.pack(">I4sQ", 16, b"free", number)
            (folder / f"{number:03d}-{clip.name}").write_bytes(clip.read_bytes() + box)


def main() -> None:
    """Measure and print one JSON line last."""
    parser = argparse.ArgumentParser(description="Overhead of the pipeline over a process pool.")
    parser.add_argument("--copies", type=int, default=8, help="copies of the sample clips")
    parser.add_argument("--runs", type=int, default=1, help="pairs of runs")
    options = parser.parse_args()
    os.environ.update(WORKER_ENVIRONMENT)
    settings = load_settings("offline")
    models = ensure_prepared(settings, sys.stderr)
    pairs = []
    for number in range(options.runs):
        with tempfile.TemporaryDirectory(prefix="footage-bench-") as scratch:
            root = Path(scratch)
            make_copies(root / "videos", options.copies)
            print(f"pair {number + 1}: ProcessPoolExecutor(2) ...", file=sys.stderr)
            run = Run("benchmark", "default", None, pipeline_fingerprint(settings, models.versions))
            sources = in_working_order(list(list_sources(str(root / "videos"))))
            work = Work(settings, models, root / "pool", run.fingerprint)
            pool_s, pool_all_s = run_in_process_pool(work, [source_table(source, run) for source in sources])
            print(
                f"pair {number + 1}: {pool_s:.1f} s ({pool_all_s:.1f} s with start-up); index run ...", file=sys.stderr
            )
            report = run_index(IndexRequest(str(root / "videos"), root / "ray"), settings)
            ready_s = report.pool_ready_s["VideoDecoder"]
            ray_s, ray_all_s = report.last_outcome_s - ready_s, report.wall_s
            same = _scenes(root / "pool") == _scenes(root / "ray") and report.videos_done == len(sources)
            if not same:
                sys.exit("The two runs did not index the same scenes; their times say nothing.")
            pairs.append((pool_s, pool_all_s, ray_s, ray_all_s, report.media_s, report.peak_pss_mib))
    pool_s, pool_all_s, ray_s, ray_all_s, media_s, peak_mib = (
        statistics.median(column) for column in zip(*pairs, strict=True)
    )
    result = {
        "ratio": round(ray_s / pool_s, 3),
        "ratio_with_start_up": round(ray_all_s / pool_all_s, 3),
        "index_run_s": round(ray_s, 1),
        "process_pool_s": round(pool_s, 1),
        "index_run_with_start_up_s": round(ray_all_s, 1),
        "process_pool_with_start_up_s": round(pool_all_s, 1),
        "ratios": [round(pair[2] / pair[0], 3) for pair in pairs],
        "media_s": round(media_s, 1),
        "peak_pss_mib": peak_mib,
        "how": f"median of {options.runs} pairs, one after the other, {os.cpu_count()} CPUs; clocks from the first "
        "ready decoder to the last written span",
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps(result))


def _scenes(store: Path) -> set[str]:
    manifests = Catalog(DirectoryStore(store), "default").manifests()
    return {scene.scene_id for manifest in manifests for scene in manifest.scenes}


if __name__ == "__main__":
    main()
