"""Searches through the service while `footage index` works on the same machine and in the same index.

    python -m benchmarks.search_while_indexing [--rounds 3] [--seconds 15] [--clients 1]

Indexes samples/clips, runs `footage serve` on the result, and asks GET /v1/search; then goes on asking while `footage
index` indexes the same clips once more, all of them anew, since they go into another workspace. In turns, `--rounds`
times. All by the offline profile.

The last line is JSON: `p95_ratio` is the median over the rounds of p95 while indexing by p95 without.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.search_load import PROJECT, percentile, service

CLIPS = PROJECT / "samples" / "clips"
_INTERVAL_S = 3  # of a measurement beside the run
_TOLD = 5  # failures of which it is said what they were


def main() -> None:
    """Measure and print one JSON line last."""
    parser = argparse.ArgumentParser(description="Searches while a run indexes, beside the same without a run.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15, help="of a measurement without a run")
    parser.add_argument("--clients", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footage-bench-") as folder:
        store = Path(folder) / "store"
        _index(store, "default").wait()
        with service(store) as (url, _):
            rounds = [_round(store, url, number, options.clients, options.seconds) for number in range(options.rounds)]
    for figures in rounds:
        print(json.dumps(figures))
    result = {
        "p95_ratio": round(statistics.median(one["indexing"]["p95_ms"] / one["idle"]["p95_ms"] for one in rounds), 2),
        "p95_idle_ms": round(statistics.median(one["idle"]["p95_ms"] for one in rounds), 1),
        "p95_indexing_ms": round(statistics.median(one["indexing"]["p95_ms"] for one in rounds), 1),
        "p50_idle_ms": round(statistics.median(one["idle"]["p50_ms"] for one in rounds), 1),
        "p50_indexing_ms": round(statistics.median(one["indexing"]["p50_ms"] for one in rounds), 1),
        "failures": sum(one[when]["failures"] for one in rounds for when in ("idle", "indexing")),
        "clients": options.clients,
        "cores": os.cpu_count(),
    }
    print(json.dumps(result))
    if result["failures"]:
        sys.exit("Some searches failed.")


def _round(store: Path, url: str, number: int, clients: int, seconds: float) -> dict[str, Any]:
    idle = _figures([_ask(url, clients, seconds)])
    run = _index(store, f"again-{number}")
    while_indexing = []
    while run.poll() is None:
        while_indexing.append(_ask(url, clients, _INTERVAL_S))
    if run.returncode:
        raise SystemExit(f"The run ended with {run.returncode}.")
    if len(while_indexing) < 2:
        raise SystemExit(f"The run was over within {_INTERVAL_S} s: there is nothing to compare.")
    # During the last one the run ended, so its times do not count; its failures do.
    ended_in = {**while_indexing.pop(), "milliseconds": []}
    return {"idle": idle, "indexing": _figures([*while_indexing, ended_in])}


def _index(store: Path, workspace: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "cluster.cli", "index", str(CLIPS), "--store", str(store), "--profile", "offline"]
    return subprocess.Popen([*command, "--workspace", workspace], cwd=PROJECT, stdout=sys.stderr)


def _ask(url: str, clients: int, seconds: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.search_clients", url, str(clients), str(seconds)]
    got: dict[str, Any] = json.loads(
        subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    )
    return got


def _figures(answers: list[dict[str, Any]]) -> dict[str, Any]:
    milliseconds = [took for answer in answers for took in answer["milliseconds"]]
    failures = [failure for answer in answers for failure in answer["failures"]]
    if not milliseconds:
        raise SystemExit(f"No search was answered. {failures[:_TOLD]}")
    return {
        "p50_ms": round(percentile(milliseconds, 0.5), 2),
        "p95_ms": round(percentile(milliseconds, 0.95), 2),
        "searches": len(milliseconds),
        "failures": len(failures),
        "failed": failures[:_TOLD],
    }


if __name__ == "__main__":
    main()
