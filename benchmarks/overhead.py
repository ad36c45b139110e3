"""What Ray costs: an index run against the same stages in a ProcessPoolExecutor(2) whose processes hold all models.

    python -m benchmarks.overhead [--archive-copies 14] [--narrated-copies 5] [--runs 1]

Two kinds of work:
- archive: 1920 x 1080 with the texture of camera footage, 90 s long, somebody speaks about half of the time;
- narrated: the sample clips, 15 s of small flat pictures and unbroken speech, so that nearly all of the work is
  Whisper's. The run has one model actor and the pool two processes with models, so this is the worst case of that.
Each video is copied with different bytes, so that each copy is a video of its own.

Both clocks start when their first decoder is ready: in the index run that is the first VideoDecoder actor, which begins
while models still load; in the pool it is a process that holds everything, so none of the pool's loading is counted.
The ratio with all start-up included stands beside it.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

from actors.model_preparation import PreparedModels
from benchmarks.made_clips import SOUND_RATE_HZ, copy_with_other_bytes, sound_of, write_clip
from benchmarks.pool_baseline import Work, run_in_process_pool
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.fingerprint import pipeline_fingerprint
from footage.settings import Settings, load_settings
from footage.source_plan import SourcePlan
from footage.sources import list_sources
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index
from pipelines.index_videos import source_table
from pipelines.preparation import ensure_prepared
from pipelines.ray_session import WORKER_ENVIRONMENT
from pipelines.reconcile import Run

CLIPS = Path(__file__).parent.parent / "samples" / "clips"
SILENT = {"shapes_silent.mp4"}
ARCHIVE_S = 90


def make_archive(folder: Path, copies: int) -> None:
    """Copies of one long video whose sound is narration with pauses as long."""
    voices = [sound_of(clip) for clip in sorted(CLIPS.glob("*.mp4")) if clip.name not in SILENT]
    parts = [part for voice in voices for part in (voice, np.zeros_like(voice))]
    sound = np.concatenate(parts, axis=1)[:, : ARCHIVE_S * SOUND_RATE_HZ]
    original = folder.parent / "original.mp4"
    write_clip(original, 1920, 1080, sound)
    for number in range(copies):
        copy_with_other_bytes(original, folder / f"{number:03d}.mp4", number)


def make_narrated(folder: Path, copies: int) -> None:
    """Copies of the sample clips in which somebody speaks."""
    for clip in sorted(CLIPS.glob("*.mp4")):
        for number in range(0 if clip.name in SILENT else copies):
            copy_with_other_bytes(clip, folder / f"{number:03d}-{clip.name}", number)


MAKERS = {"archive": make_archive, "narrated": make_narrated}


def measure(kind: str, copies: int, settings: Settings, models: PreparedModels) -> dict[str, float]:
    """One pair of runs over the same videos: the pool first, then the index run."""
    with tempfile.TemporaryDirectory(prefix="footage-bench-") as scratch:
        root = Path(scratch)
        print(f"{kind}: making the videos ...", file=sys.stderr)
        (root / "videos").mkdir()
        MAKERS[kind](root / "videos", copies)
        print(f"{kind}: ProcessPoolExecutor(2) ...", file=sys.stderr)
        run = Run("benchmark", "default", None, pipeline_fingerprint(settings, models.versions))
        with SourcePlan(run.fingerprint) as plan:
            plan.add(list_sources(str(root / "videos")))
            sources = [source for tranche in plan.tranches(1000) for source in tranche]
        work = Work(settings, models, root / "pool", run.fingerprint)
        pool_s, pool_all_s = run_in_process_pool(work, [source_table(source, run) for source in sources])
        print(f"{kind}: {pool_s:.1f} s ({pool_all_s:.1f} s with start-up); index run ...", file=sys.stderr)
        report = run_index(IndexRequest(str(root / "videos"), root / "ray"), settings)
        if _scenes(root / "pool") != _scenes(root / "ray") or report.videos_done != len(sources):
            sys.exit("The two runs did not index the same scenes; their times say nothing.")
        return {
            "process_pool_s": pool_s,
            "process_pool_with_start_up_s": pool_all_s,
            "index_run_s": report.last_outcome_s - report.pool_ready_s["VideoDecoder"],
            "index_run_with_start_up_s": report.wall_s,
            "models_ready_after_s": max(report.pool_ready_s.values()) - report.pool_ready_s["VideoDecoder"],
            "media_s": report.media_s,
            "peak_pss_mib": report.peak_pss_mib,
        }


def main() -> None:
    """Measure and print one JSON line last."""
    parser = argparse.ArgumentParser(description="Overhead of the pipeline over a process pool.")
    parser.add_argument("--archive-copies", type=int, default=14, help="videos of 90 s")
    parser.add_argument("--narrated-copies", type=int, default=5, help="copies of each sample clip")
    parser.add_argument("--runs", type=int, default=1, help="pairs of runs of each kind")
    parser.add_argument("--kinds", nargs="+", choices=list(MAKERS), default=list(MAKERS))
    options = parser.parse_args()
    os.environ.update(WORKER_ENVIRONMENT)
    settings = load_settings("offline")
    models = ensure_prepared(settings, sys.stderr)
    result: dict[str, object] = {}
    for kind in options.kinds:
        copies = options.archive_copies if kind == "archive" else options.narrated_copies
        pairs = [measure(kind, copies, settings, models) for _ in range(options.runs)]
        middle = {name: statistics.median(pair[name] for pair in pairs) for name in pairs[0]}
        prefix = "" if kind == "archive" else f"{kind}_"
        result |= {
            f"{prefix}ratio": round(middle["index_run_s"] / middle["process_pool_s"], 3),
            f"{prefix}ratio_with_start_up": round(
                middle["index_run_with_start_up_s"] / middle["process_pool_with_start_up_s"], 3
            ),
            f"{prefix}ratios": [round(pair["index_run_s"] / pair["process_pool_s"], 3) for pair in pairs],
            kind: {name: round(value, 1) for name, value in middle.items()},
        }
    result["how"] = (
        f"median of {options.runs} pairs, one after the other, {os.cpu_count()} CPUs;"
        " clocks from the first ready decoder to the last written span"
    )
    result["load_average"] = os.getloadavg()[0]
    print(json.dumps(result))


def _scenes(store: Path) -> set[str]:
    manifests = Catalog(DirectoryStore(store), "default").manifests()
    return {scene.scene_id for manifest in manifests for scene in manifest.scenes}


if __name__ == "__main__":
    main()
