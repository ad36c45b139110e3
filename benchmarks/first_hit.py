"""Wall time of a cold `footage search` on the demo index, and where it goes.

    python -m benchmarks.first_hit [--store build/demo-store] [--runs 7]

Each run is a new interpreter, so imports and model loading count; files are in the page cache, as they are on a
machine that searches more than once. The ratio is the median over the wall time of `python -c pass` with
the imports of the command line only, run side by side: what the search itself adds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).parent.parent
QUERY = "replace the front brake pads"


def _wall(*command: str) -> tuple[float, str]:
    begun = time.perf_counter()
    child = subprocess.run([sys.executable, *command], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter() - begun, child.stdout


def main() -> None:
    """Measure and print one JSON line last."""
    parser = argparse.ArgumentParser(description="Wall time of a cold search.")
    parser.add_argument("--store", type=Path, default=PROJECT / "build" / "demo-store")
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    if not (options.store / "index").is_dir():
        sys.exit(f"{options.store} holds no index: run `make demo` first.")
    search = ["-m", "cluster.cli", "search", QUERY, "--json", "--profile", "offline", "--store", str(options.store)]
    walls, imports, answers = [], [], []
    for number in range(options.runs):
        seconds, answer = _wall(*search)
        walls.append(seconds)
        answers.append(json.loads(answer))
        imports.append(_wall("-c", "import cluster.cli, footage.settings, footage.search, cluster.one_shot")[0])
        print(f"run {number + 1}: {seconds:.2f} s", file=sys.stderr)
    inside = {part: statistics.median(a["took_ms"][part] for a in answers) for part in answers[0]["took_ms"]}
    wall_s = statistics.median(walls)
    result = {
        "ratio": round(wall_s / statistics.median(imports), 2),
        "wall_s": round(wall_s, 3),
        "wall_s_all": [round(wall, 3) for wall in walls],
        "imports_of_the_command_s": round(statistics.median(imports), 3),
        "inside_the_search_ms": {part: round(ms, 1) for part, ms in inside.items()},
        "first_hit": answers[0]["hits"][0]["source_uris"][0].rsplit("/", 1)[-1],
        "how": f"median of {options.runs} new interpreters, warm page cache",
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
