"""What an unchanged rerun of `footage index` costs, as a share of the first run.

    python -m benchmarks.rerun [--clips samples/clips]

Whole commands with the offline profile, counted in CPU seconds of all their processes: once from a folder into a store
in a folder, which gives `rerun_share`, and once from a bucket into a store in a bucket (moto on loopback), where
requests are counted too. A rerun has a fixed number of them (about 20: a probe, a lease, listings of 1000 entries each,
a report), so their share of so small a first run says little.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.loopback_s3 import loopback_s3
from benchmarks.tree_cpu import Cost, cost_of
from footage.settings import load_settings
from pipelines.preparation import ensure_prepared

PROJECT = Path(__file__).parent.parent
CLIPS = PROJECT / "samples" / "clips"
BUCKET = "footage-bench"


def _index(source: str, store: str, index: Path, env: Mapping[str, str]) -> Cost:
    where = ["--store", store, "--index", str(index), "--profile", "offline", "--json"]
    return cost_of([sys.executable, "-m", "cluster.cli", "index", source, *where], {"PYTHONPATH": str(PROJECT), **env})


def _pair(run: Callable[[], Cost]) -> dict[str, float]:
    """The first run and the rerun, which is to skip all that the first one did."""
    first, rerun = run(), run()
    done, skipped = json.loads(first.output)["videos_done"], json.loads(rerun.output)["videos_skipped"]
    if not done or skipped < done:
        sys.exit(f"The first run indexed {done} videos and the rerun skipped {skipped}; their cost says nothing.")
    return {
        "share": round(rerun.cpu_s / first.cpu_s, 4),
        "first_cpu_s": round(first.cpu_s, 2),
        "rerun_cpu_s": round(rerun.cpu_s, 2),
        "first_wall_s": round(first.wall_s, 1),
        "rerun_wall_s": round(rerun.wall_s, 1),
    }


def measure_rerun(clips: Path) -> dict[str, object]:
    """Both kinds of store; `rerun_share` is of the CPU seconds with folders."""
    ensure_prepared(load_settings("offline"), sys.stderr)  # once for a machine: no part of a first run
    with tempfile.TemporaryDirectory(prefix="footage-bench-") as scratch:
        root = Path(scratch)
        print("rerun: folder ...", file=sys.stderr)
        folder = _pair(lambda: _index(str(clips), str(root / "store"), root / "index", {}))
        print("rerun: bucket ...", file=sys.stderr)
        with loopback_s3() as s3:
            client = s3.client(BUCKET)
            for clip in sorted(clips.glob("*.mp4")):
                client.upload_file(str(clip), BUCKET, f"clips/{clip.name}")
            counts = [s3.requests]

            def run() -> Cost:
                cost = _index(f"s3://{BUCKET}/clips", f"s3://{BUCKET}/store", root / "bucket-index", s3.env)
                counts.append(s3.requests)
                return cost

            bucket = _pair(run)
        before, after_first, after_rerun = counts
    first, rerun = after_first - before, after_rerun - after_first
    return {
        "rerun_share": folder["share"],
        "folder": folder,
        "bucket": bucket
        | {"requests_share": round(rerun / first, 4), "first_requests": first, "rerun_requests": rerun},
    }


def main() -> None:
    """Measure and print one JSON line last."""
    parser = argparse.ArgumentParser(description="Cost of an unchanged rerun.")
    parser.add_argument("--clips", type=Path, default=CLIPS)
    options = parser.parse_args()
    print(json.dumps(measure_rerun(options.clips) | {"load_average": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
