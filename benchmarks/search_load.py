"""The search service under load, beside the same searches done in process.

    python -m benchmarks.search_load [--scenes 100000] [--seconds 20] [--graphs] [--folder F]

Makes a store whose embedded index holds so many scenes of one workspace (benchmarks/made_store.py), asks it in process
through SceneSearcher, then runs `footage serve` on it and asks GET /v1/search with 1, 8 and 32 clients at once, then in
process again. All by the encoders of the offline profile, no two queries in a row alike, 20 hits a page.

The parts of a request are those of its answer's `took_ms`: what the ingress spent waiting for the encoders (`encode`)
and the index (`index`), fusing and reading the hits' records. `http` is all else: the connection, Serve's proxy, the
queue of the ingress, the answer as JSON. Clients run on the same cores as the service and take their share of them.

The last line is JSON: `http_added_ms_p50` is p50 with one client less p50 in process.
"""

import argparse
import json
import multiprocessing
import os
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from actors.model_preparation import PreparedModels, prepare_models
from actors.query_encoder import QueryEncoder
from actors.scene_searcher import SceneSearcher
from benchmarks.made_store import WORKSPACE, make_store
from benchmarks.search_queries import LIMIT, QUERIES
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.search import SearchRequest
from footage.settings import load_settings
from footage.store_reads import StoreReads

PROJECT = Path(__file__).parent.parent
CLIENTS = (1, 8, 32)
_DEPLOYMENTS = ("Ingress", "TextEncoder", "PictureEncoder", "SceneIndex")
_OTHER = "ProxyActor"


def search_in_process(store: Path, prepared: PreparedModels, seconds: float) -> list[float]:
    """Milliseconds of searches one after the other, without a service; in a process of its own."""
    settings = load_settings("offline")
    path = store / "index" / "scenes"
    with EmbeddedIndex(path, prepared.index_spec(), "benchmarks", wait_s=30, create=False) as index:
        searcher = SceneSearcher(index, StoreReads(DirectoryStore(store)), QueryEncoder(prepared), settings.search)
        milliseconds: list[float] = []
        until, number = time.perf_counter() + seconds, 0
        while (begun := time.perf_counter()) < until:
            query = QUERIES[number % len(QUERIES)]
            request = SearchRequest(query=query, workspace=WORKSPACE, limit=LIMIT, min_relevance=0)
            found = searcher.search(request)
            if number >= len(QUERIES):  # each was asked once to warm up
                milliseconds.append((time.perf_counter() - begun) * 1000)
            assert len(found.hits) == LIMIT
            number += 1
    return milliseconds


@contextmanager
def service(store: Path) -> Iterator[tuple[str, psutil.Process]]:
    """`footage serve` on a store: its address and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "cluster.cli", "serve", "--store", str(store), "--profile", "offline"]
    environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    with subprocess.Popen(
        [*command, "--port", str(port)], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise SystemExit("The service did not start.")
            yield url.rstrip("/"), psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)


def measure_load(url: str, process: psutil.Process, clients: int, seconds: float) -> dict[str, Any]:
    """What so many clients at once get, and which processes of the service work for it."""
    before, begun = _cpu_s(process), time.monotonic()
    command = [sys.executable, "-m", "benchmarks.search_clients", url, str(clients), str(seconds)]
    got = json.loads(subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout)
    wall_s = time.monotonic() - begun
    after = _cpu_s(process)
    milliseconds: list[float] = got["milliseconds"]
    in_all = sum(milliseconds)
    spent = {**got["parts"], "http": in_all - sum(got["parts"].values())}
    return {
        "p50_ms": round(percentile(milliseconds, 0.5), 2),
        "p95_ms": round(percentile(milliseconds, 0.95), 2),
        "qps": round(len(milliseconds) / got["seconds"], 1),
        "share": {part: round(part_ms / in_all, 3) for part, part_ms in spent.items()},
        "busy_cores": {name: round((after[name] - before[name]) / wall_s, 2) for name in after},
        "failures": got["failures"],
    }


def main() -> None:
    """Measure and print one JSON line last."""
    parser = argparse.ArgumentParser(description="Searches through the service, beside the same in process.")
    parser.add_argument("--scenes", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement")
    parser.add_argument("--graphs", action="store_true", help="build graphs first, as `footage reindex` does")
    parser.add_argument("--folder", type=Path, help="keep the store here, and use it again if it is like this")
    options = parser.parse_args()
    prepared = prepare_models(load_settings("offline"), lambda line: print(line, file=sys.stderr))
    asked = json.dumps({"scenes": options.scenes, "graphs": options.graphs})
    with tempfile.TemporaryDirectory(prefix="footage-bench-") as scratch:
        store = options.folder or Path(scratch) / "store"
        made = store / "made"
        if not made.exists() or made.read_text() != asked:
            shutil.rmtree(store, ignore_errors=True)
            _in_a_process(make_store, store, options.scenes, QUERIES, prepared)
            if options.graphs:
                _reindex(store)
            made.write_text(asked)
        in_process = _in_a_process(search_in_process, store, prepared, options.seconds)
        with service(store) as (url, process):
            served = {clients: measure_load(url, process, clients, options.seconds) for clients in CLIENTS}
        in_process += _in_a_process(search_in_process, store, prepared, options.seconds)
    alone_ms = statistics.median(in_process)
    for clients, figures in served.items():
        print(f"{clients} clients: {json.dumps(figures)}")
    result = {
        "http_added_ms_p50": round(served[1]["p50_ms"] - alone_ms, 2),
        "in_process_p50_ms": round(alone_ms, 2),
        "in_process_p95_ms": round(percentile(in_process, 0.95), 2),
        "p50_ms": {clients: figures["p50_ms"] for clients, figures in served.items()},
        "p95_ms": {clients: figures["p95_ms"] for clients, figures in served.items()},
        "qps": {clients: figures["qps"] for clients, figures in served.items()},
        "share": {clients: figures["share"] for clients, figures in served.items()},
        "busy_cores": {clients: figures["busy_cores"] for clients, figures in served.items()},
        "failures": sum(len(figures["failures"]) for figures in served.values()),
        "scenes": options.scenes,
        "graphs": options.graphs,
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }
    print(json.dumps(result))
    if result["failures"]:
        sys.exit("Some searches failed.")


def _reindex(store: Path) -> None:
    command = [sys.executable, "-m", "cluster.cli", "reindex", "--store", str(store), "--profile", "offline"]
    subprocess.run(command, cwd=PROJECT, check=True, stdout=sys.stderr)


def _in_a_process(function: Any, *arguments: Any) -> Any:
    """In a new process, so that its memory and its lock of the index are its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def _cpu_s(service_process: psutil.Process) -> dict[str, float]:
    """CPU seconds of each kind of process of the service since it began."""
    spent = dict.fromkeys((*_DEPLOYMENTS, _OTHER), 0.0)
    for child in service_process.children(recursive=True):
        title = " ".join(child.cmdline())
        for name in spent:
            if title.startswith((f"ray::ServeReplica:footage:{name}", f"ray::{name}")):
                times = child.cpu_times()
                spent[name] += times.user + times.system
    return spent


def percentile(values: list[float], part: float) -> float:
    """The value below which this part of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


if __name__ == "__main__":
    main()
