"""What each stage costs, how full its model batches are, and which pool the others wait for.

    python -m benchmarks.stages [--profile offline] [--copies 3] [--runs 1]

Indexes copies of the sample clips (different bytes, so that each is a video of its own) and prints, from the report of
the run: seconds of work per minute of video for each stage, the share of the places in its model batches that were
taken, and for each pool the share of its actors' time that they worked. docs/tuning.md says how to read it.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.made_clips import copy_with_other_bytes
from footage.run_records import RunReport
from footage.settings import load_settings
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index

CLIPS = Path(__file__).parent.parent / "samples" / "clips"


def measure(profile: str, copies: int) -> RunReport:
    """Index the copies into a store that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="footage-bench-") as scratch:
        videos = Path(scratch) / "videos"
        videos.mkdir()
        for clip in sorted(CLIPS.glob("*.mp4")):
            for number in range(copies):
                copy_with_other_bytes(clip, videos / f"{number:03d}-{clip.name}", number)
        return run_index(IndexRequest(str(videos), Path(scratch) / "store"), load_settings(profile))


def middle(reports: list[RunReport], field: str) -> dict[str, float]:
    """The median of each value of a field that holds numbers by name; a stage of the second pass may be missing."""
    found: list[dict[str, float]] = [getattr(report, field) for report in reports]
    return {name: statistics.median(one[name] for one in found if name in one) for name in found[0]}


def main() -> None:
    """Measure and print one JSON line last."""
    parser = argparse.ArgumentParser(description="Cost and use of each stage.")
    parser.add_argument("--profile", default="offline")
    parser.add_argument("--copies", type=int, default=3, help="copies of each sample clip")
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    reports = []
    for number in range(options.runs):
        print(f"Run {number + 1} of {options.runs} ...", file=sys.stderr)
        reports.append(measure(options.profile, options.copies))
    minutes = reports[0].media_s / 60
    busy = middle(reports, "pool_busy_share")
    busiest = max(busy, key=lambda pool: busy[pool])
    result: dict[str, Any] = {
        "busiest_pool": busiest,
        "busiest_pool_busy_share": round(busy[busiest], 3),
        "seconds_per_minute_of_video": {
            stage: round(seconds / minutes, 3) for stage, seconds in middle(reports, "stage_seconds").items()
        },
        "batch_fill": middle(reports, "batch_fill"),
        "pool_busy_share": busy,
        "media_s": round(reports[0].media_s, 1),
        "profile": options.profile,
        "how": f"median of {options.runs} runs over {options.copies} copies of samples/clips, {os.cpu_count()} CPUs",
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
