"""How index runs scale: more cards, videos of very different length, nodes that come while a run works.

    python -m benchmarks.scaling [--quick]

Nodes are Ray nodes of their own on this machine, and a card is a number that they declare. Models are stand-ins that
sleep as long as a card would work; listing, planning, claims, the ledger, the writer, catalog and index are real.

- efficiency: spans for each second at 1, 2, 4 and 8 cards, by what so many cards would do that never wait;
- busy: the share of its time that the bottleneck, a card, works; both once all have work, and until one has none left;
- skew: a run in which one film is half of the work, by the time that no order of work can beat;
- autoscaled: a run on nodes that come when it asks for them, by one whose nodes are there, without the nodes' start.

About 12 minutes. Nothing else should run beside it: two cores carry all nodes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.local_cluster import STORE_BYTES, NodeKind, autoscaling, fixed_cluster
from benchmarks.node_watch import changes_in
from benchmarks.scaling_measures import makespan_s, steady
from benchmarks.timed_models import Note, Pace, make_film, notes_in
from benchmarks.timed_run import ENVIRONMENT, paces
from footage.run_records import RunReport
from footage.settings import load_settings
from pipelines.preparation import ensure_prepared
from tests.ray_head import ray_environment, ray_head

PROJECT = Path(__file__).parent.parent
SPAN_S = 300.0  # of media: the usual span
# 6 s of a card for 300 s of film is fast: 50 times as fast as it plays. Slower models have fewer gaps.
MODEL = Pace(per_media_s=6 / SPAN_S)
DECODE = Pace(per_media_s=2 / SPAN_S)
GPU, CPU = NodeKind(2, 1), NodeKind(2)
# The pools are as index_pools sizes them, but for the decoders, which cost this machine a process each.
SIZES = {"FOOTAGE_PIPELINE__DECODERS_PER_CARD": "1", "FOOTAGE_PIPELINE__SPANS_PER_CARD": "1"}

DIFFERENT = """
What a real cluster could still show differently:
- the network: key frames and sound of a span (up to 14 MB) cross it once; here they cross the machine's memory;
- object stores: each node here has 200 MiB and is never short of it, so nothing is spilled;
- cards: models on one card disturb each other, and their time varies; here it is exact, and shared without loss;
- decoding: real decoders take a core each, and a node has only so many for each card;
- starting: a node takes minutes instead of seconds, its image and its models tens of gigabytes;
- the store and the index: a bucket and a Qdrant server answer in milliseconds, not microseconds;
- the head: hundreds of nodes ask it, and the driver deals out thousands of spans.
"""


@dataclass(frozen=True)
class Ran:
    """A run that has ended."""

    report: RunReport
    notes: list[Note]
    began_at: float  # time.time(), of its driver
    wall_s: float  # from then to the last outcome


def run(
    address: str, lengths_s: Sequence[float], environment: Mapping[str, str] | None = None, *, payload: bool = True
) -> Ran:
    """Index films of these lengths on a cluster, by a driver of its own."""
    with tempfile.TemporaryDirectory(prefix="footage-bench-") as scratch:
        films, store, notes = (Path(scratch) / name for name in ("films", "store", "notes"))
        films.mkdir()
        notes.mkdir()
        for number, length_s in enumerate(lengths_s):
            make_film(films / f"{number:03}.mp4", length_s)
        command = [sys.executable, "-m", "benchmarks.timed_run", str(films), str(store), "--notes", str(notes)]
        began_at = time.time()
        done = subprocess.run(
            [*command, "--paces", paces(MODEL, DECODE), *([] if payload else ["--no-payload"])],
            env={**os.environ, **ENVIRONMENT, **SIZES, **(environment or {}), "RAY_ADDRESS": address},
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"The run failed, so that there is nothing to measure:\n{done.stderr[-3000:]}")
        report = RunReport.model_validate_json(done.stdout.splitlines()[-1])
        if report.videos_done != len(lengths_s):
            sys.exit(f"The run finished {report.videos_done} of {len(lengths_s)} films; its times say nothing.")
        found = notes_in(notes)
        return Ran(report, found, began_at, max(note.ended_at for note in found) - began_at)


def measure_nodes(counts: Sequence[int], spans_each: int) -> dict[int, dict[str, float]]:
    """Runs on so many cards, with so many spans for each of them."""
    rows = {}
    for count in counts:
        print(f"{count} cards ...", file=sys.stderr)
        with fixed_cluster([GPU] * count) as address:
            ran = run(address, [SPAN_S] * count * spans_each)
        found = steady(ran.notes)
        rows[count] = {
            "efficiency": found.efficiency(MODEL.seconds(SPAN_S)),
            "busy": found.busy_share,
            "spans_per_minute": 60 * found.spans / found.seconds,
            "whole_run": spans_each * MODEL.seconds(SPAN_S) / makespan_s(ran.notes),
        }
        if found.actors != count:
            sys.exit(f"{found.actors} model actors worked where there were {count} cards; see the sizes of the pools.")
    return rows


def measure_skew(cards: int, spans: int) -> dict[str, float]:
    """One film is half of all work, the others have one span each or less."""
    lengths_s = [SPAN_S * spans / 2, *(SPAN_S * (0.2 + 0.8 * (number % 5) / 4) for number in range(spans))]
    total_s = MODEL.seconds(sum(lengths_s))
    chain_s = MODEL.seconds(SPAN_S)  # a span is in one actor from its first model to its last
    bound_s = max(chain_s, total_s / cards)
    found = {"lower_bound_s": bound_s}
    for name, environment in (("with_spans", {}), ("without_spans", {"FOOTAGE_DECODER__SPAN_S": "1000000"})):
        print(f"skewed lengths, {name.replace('_', ' ')} ...", file=sys.stderr)
        with fixed_cluster([GPU] * cards) as address:
            found[name] = makespan_s(run(address, lengths_s, environment, payload=False).notes) / bound_s
    return found


def measure_autoscaled(cards: int, spans_each: int, pairs: int) -> dict[str, float]:
    """The same run on nodes that are there, and on nodes that come."""
    lengths_s = [SPAN_S] * cards * spans_each
    limits = {
        "FOOTAGE_PIPELINE__MAX_GPUS": str(cards),
        "FOOTAGE_PIPELINE__MAX_CPUS": str(cards * (GPU.cpus + CPU.cpus)),
    }
    presized, autoscaled, starts = [], [], []
    for _ in range(pairs):
        print("nodes that are there ...", file=sys.stderr)
        with fixed_cluster([GPU, CPU] * cards, head=NodeKind(0)) as address:
            presized.append(run(address, lengths_s, limits).wall_s)
        print("nodes that come ...", file=sys.stderr)
        with growing({"gpu": GPU, "cpu": CPU}, cards) as (address, watched):
            ran = run(address, lengths_s, limits)
            joined = [change.at for change in changes_in(watched) if change.joined and change.kind == "gpu"]
        starts.append(max(joined[:cards]) - ran.began_at)
        autoscaled.append(ran.wall_s - starts[-1])
    found = {"presized_s": presized, "autoscaled_s": autoscaled, "nodes_start_s": starts}
    middle = {name: statistics.median(values) for name, values in found.items()}
    return {"ratio": middle["autoscaled_s"] / middle["presized_s"], **middle}


@contextmanager
def growing(kinds: Mapping[str, NodeKind], most: int) -> Iterator[tuple[str, Path]]:
    """A head whose autoscaler starts nodes; gives its address, and the file in which nodes are noted."""
    environment = ray_environment(RAY_AUTH_TOKEN=os.environ["RAY_AUTH_TOKEN"])
    config = autoscaling(kinds, dict.fromkeys(kinds, most))
    with (
        tempfile.TemporaryDirectory(prefix="footage-bench-") as scratch,
        ray_head(environment, 0, config, {"--object-store-memory": STORE_BYTES}) as head,
    ):
        watched = Path(scratch) / "nodes.jsonl"
        watcher = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.node_watch", head.address, str(watched)], cwd=PROJECT, env=environment
        )
        try:
            yield head.address, watched
        finally:
            watcher.kill()
            watcher.wait()


def main() -> None:
    """Measure, and print a table and one JSON line last."""
    parser = argparse.ArgumentParser(description="How index runs scale, on nodes of this machine.")
    parser.add_argument("--quick", action="store_true", help="fewer nodes and spans, to try it out")
    parser.add_argument("--only", choices=("nodes", "skew", "autoscaled"), help="measure this alone")
    options = parser.parse_args()
    ensure_prepared(load_settings("offline"), sys.stderr)
    result: dict[str, object] = {}
    if options.only in (None, "nodes"):
        nodes = measure_nodes((1, 2), 4) if options.quick else measure_nodes((1, 2, 4, 8), 8)
        print("cards  spans/min  of ideal  busy  of ideal, start and tail included")
        for count, row in nodes.items():
            print(
                f"{count:5}  {row['spans_per_minute']:9.1f}  {row['efficiency']:8.3f}  {row['busy']:.3f}"
                f"  {row['whole_run']:.3f}"
            )
        most = max(nodes)
        result |= {f"efficiency_{most}": round(nodes[most]["efficiency"], 3)}
        result |= {"bottleneck_busy": round(nodes[most]["busy"], 3)}
    if options.only in (None, "skew"):
        skew = measure_skew(2, 12) if options.quick else measure_skew(4, 40)
        print(
            f"one film is half of the work: {skew['with_spans']:.2f} times the lower bound of"
            f" {skew['lower_bound_s']:.0f} s; without spans {skew['without_spans']:.2f} times"
        )
        result |= {"skew_ratio": round(skew["with_spans"], 3), "without_spans": round(skew["without_spans"], 3)}
    if options.only in (None, "autoscaled"):
        grown = measure_autoscaled(2, 4 if options.quick else 8, 1)
        print(
            f"nodes that come: {grown['autoscaled_s']:.0f} s beside {grown['nodes_start_s']:.0f} s in which they start;"
            f" nodes that are there: {grown['presized_s']:.0f} s"
        )
        result |= {"autoscaled_ratio": round(grown["ratio"], 3)}
    print(DIFFERENT)
    print(json.dumps(result | {"load_average": os.getloadavg()[0]}))


if __name__ == "__main__":
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", os.urandom(32).hex())
    main()
