"""The demo: indexes the sample clips with the offline profile, then asks questions whose answers are known.

Each search is printed as a user would see it, and held against the expected scene of demo_queries.yaml. At the end the
search page is served until Ctrl-C, unless --no-page is given.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

SAMPLES = Path(__file__).parent
_FOOTAGE = [sys.executable, "-m", "cluster.cli"]


def _footage(*arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run(
        [*_FOOTAGE, *arguments], cwd=SAMPLES.parent, stdout=subprocess.PIPE if capture else None, text=True, check=False
    )


def _is_expected(hit: dict[str, Any], search: dict[str, Any]) -> bool:
    """Whether a hit is the expected scene; the truth file rounds its times to milliseconds."""
    in_clip = any(uri.endswith("/" + search["clip"]) for uri in hit["source_uris"])
    return in_clip and abs(hit["start_s"] - search["scene_start_s"]) < 0.05


def main() -> int:
    """Index, search, compare; the exit code is 0 if every first hit is the expected scene."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--store", type=Path, default=Path("build/demo-store"), help="where the index goes")
    parser.add_argument("--no-page", action="store_true", help="end after the searches instead of serving the page")
    parser.add_argument("--port", default="8000", help="of the page")
    options = parser.parse_args()
    where = ["--store", str(options.store.absolute()), "--profile", "offline"]

    print(f"$ footage index samples/clips --store {options.store} --profile offline", flush=True)
    indexed = _footage("index", str(SAMPLES / "clips"), *where)
    if indexed.returncode:
        return indexed.returncode
    wrong = 0
    for search in yaml.safe_load((SAMPLES / "demo_queries.yaml").read_text())["searches"]:
        by = [word for name in search.get("by", []) for word in ("--by", name)]
        shown = " ".join([f'"{search["query"]}"', *by])
        print(f"\n# {search['why']}\n$ footage search {shown} --limit 3", flush=True)
        _footage("search", search["query"], *by, "--limit", "3", *where)
        answer = _footage("search", search["query"], *by, "--limit", "1", "--json", *where, capture=True)
        hits = json.loads(answer.stdout)["hits"] if answer.returncode == 0 else []
        right = bool(hits) and _is_expected(hits[0], search)
        wrong += not right
        print(f"{'right' if right else 'WRONG'}: {search['clip']} from {search['scene_start_s']:g} s first", flush=True)
    print("\n# the videos, and what they are about\n$ footage videos", flush=True)
    _footage("videos", *where)
    print(f"\n{'All searches found' if not wrong else f'{wrong} searches did not find'} the expected scene first.")
    print(f"More: .venv/bin/footage show garage.mp4 --store {options.store}, or footage --help")
    if wrong or options.no_page:
        return int(wrong > 0)
    print(f"\n# the search page\n$ footage serve --store {options.store} --profile offline", flush=True)
    return _footage("serve", "--port", options.port, *where).returncode


if __name__ == "__main__":
    sys.exit(main())
