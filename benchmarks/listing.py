"""Listing and planning of a million sources, and what an unchanged rerun costs.

    python -m benchmarks.listing [--entries 1000000] [--files 0] [--objects 0] [--no-rerun]

Planning is what a run does before it starts anything: it takes in the keys of all indexed sources, puts each listed
source through the plan, and gives out in working order what is to be done. Entries are made up page by page, as a
bucket gives them, and so are the keys of the catalog, which are read through its own SourceBook; so what is measured
is footage and not a server. With --files and --objects the same is done with so many real files in a real folder, and
so many objects in a bucket of moto's server. Each measurement is a process of its own; its memory is what it takes
at its highest (resident, sampled) above what it had before it began.

benchmarks/rerun.py measures the second part.
"""

import argparse
import gc
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import psutil

from benchmarks.loopback_s3 import CREDENTIALS, loopback_s3
from benchmarks.rerun import CLIPS, measure_rerun
from footage import identity
from footage.catalog import Catalog
from footage.catalog_records import SourceRecord
from footage.directory_store import DirectoryStore
from footage.records import Source
from footage.settings import load_settings
from footage.sidecar import StoredSource
from footage.source_book import SourceBook
from footage.source_plan import SourcePlan
from footage.sources import list_sources
from footage.storage import ObjectStore
from footage.storage_settings import S3Settings
from pipelines.run_sources import choose_sources

PAGE = 1000  # entries, as S3 gives them
TRANCHE = 5000
FINGERPRINT = "0123456789abcdef"
WORKSPACE = "default"
BUCKET = "footage-bench"


class PeakMemory:
    """Resident memory of this process above what it had, at its highest while the block runs, MiB."""

    def __enter__(self) -> "PeakMemory":
        gc.collect()
        self._process = psutil.Process()
        self._start = self._highest = self._process.memory_info().rss
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        self._thread.join()
        self.peak_mib = (self._highest - self._start) / 2**20

    def _sample(self) -> None:
        while not self._stop.wait(0.01):
            self._highest = max(self._highest, self._process.memory_info().rss)


def made_up_sources(count: int) -> Iterator[Source]:
    """Entries of an archive, page by page, in the order of their keys."""
    for start in range(0, count, PAGE):
        page = [
            Source(f"s3://archive/{n // 5000:05d}/camera-{n // 1000:06d}/take-{n:09d}.mp4", f'"{n:032x}"', 10**6 + n)
            for n in range(start, min(start + PAGE, count))
        ]
        yield from page


def write_keys(path: Path, count: int) -> None:
    """The keys of the records of all made-up sources, as a listing gives them, a line each."""
    folder = f"sources/{WORKSPACE}"
    with path.open("w") as file:
        for key in sorted(
            f"{folder}/{hashed[:3]}/{hashed}.{identity.source_state(source.etag, source.size_bytes, FINGERPRINT)}"
            f".{identity.video_id(WORKSPACE, source.uri)}.json\n"
            for source in made_up_sources(count)
            for hashed in [identity.uri_hash(source.uri)]
        ):
            file.write(key)


class ListedKeys:
    """What a SourceBook needs of a store, of whose objects there is nothing but a listing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def list(self, prefix: str) -> Iterator[str]:
        """Keys that begin so, in order."""
        with self._path.open() as file:
            yield from (line.rstrip() for line in file if line.startswith(prefix))


def plan_made_up(count: int, keys: Path | None) -> dict[str, float]:
    """Plan made-up sources: all indexed if there are `keys`, else all new."""
    with PeakMemory() as memory:
        begun = time.perf_counter()
        known = SourceBook(ListedKeys(keys), WORKSPACE).known() if keys is not None else ()
        with SourcePlan(FINGERPRINT, known) as plan:
            plan.add(made_up_sources(count))
            planned = plan.counts.skipped + sum(map(len, plan.tranches(TRANCHE)))
        seconds = time.perf_counter() - begun
    return _result(count, planned, seconds, memory)


def plan_real(address: str, store: ObjectStore, count: int, s3: S3Settings) -> dict[str, float]:
    """Plan what a folder or a bucket holds, all of it indexed."""
    settings = load_settings("offline").model_copy(update={"s3": s3})
    os.environ.update(CREDENTIALS)
    with PeakMemory() as memory:
        begun = time.perf_counter()
        with choose_sources(address, Catalog(store, WORKSPACE), FINGERPRINT, None, settings) as sources:
            planned = sources.plan.counts.skipped
        seconds = time.perf_counter() - begun
    return _result(count, planned, seconds, memory)


def _result(count: int, planned: int, seconds: float, memory: PeakMemory) -> dict[str, float]:
    if planned != count:
        raise SystemExit(f"{planned} of {count} sources were planned; the rate says nothing.")
    return {"entries": count, "rate_per_s": round(count / seconds), "peak_mib": round(memory.peak_mib, 1)}


def _alone(work: object, *arguments: object) -> dict[str, float]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def measure_made_up(root: Path, entries: int) -> dict[str, object]:
    """So many entries and a tenth of them, all indexed and all new."""
    indexed, new = {}, {}
    for count in (entries // 10, entries):
        print(f"{count} entries ...", file=sys.stderr)
        keys = root / f"keys-{count}"
        _alone(write_keys, keys, count)
        indexed[count] = _alone(plan_made_up, count, keys)
        new[count] = _alone(plan_made_up, count, None)
    ratios = [round(of[entries]["peak_mib"] / of[entries // 10]["peak_mib"], 2) for of in (indexed, new)]
    return {
        "rate_per_s": indexed[entries]["rate_per_s"],
        "peak_mib": indexed[entries]["peak_mib"],
        "peak_ratio_1e6_1e5": ratios[0],
        "all_new": new[entries] | {"peak_ratio_1e6_1e5": ratios[1]},
        "tenth": {"all_indexed": indexed[entries // 10], "all_new": new[entries // 10]},
    }


def measure_folder(root: Path, count: int) -> dict[str, float]:
    """Real files in a tree of folders, and a real store."""
    print(f"{count} files ...", file=sys.stderr)
    for number in range(count):
        path = root / "files" / f"{number // 1000:04d}" / f"{number:07d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    store = DirectoryStore(root / "store")
    _record(store, list(list_sources(str(root / "files"))))
    return _alone(plan_real, str(root / "files"), store, count, S3Settings())


def measure_bucket(root: Path, count: int) -> dict[str, float]:
    """Objects of a bucket of moto's server, which takes most of the time; the store is a folder."""
    print(f"{count} objects ...", file=sys.stderr)
    with loopback_s3() as s3:
        client = s3.client(BUCKET)
        sources = []
        for number in range(count):
            key = f"{number // 1000:04d}/{number:07d}.mp4"
            etag = client.put_object(Bucket=BUCKET, Key=key, Body=b"")["ETag"]
            sources.append(Source(f"s3://{BUCKET}/{key}", etag.strip('"'), 0))
        store = DirectoryStore(root / "store-of-bucket")
        _record(store, sources)
        return _alone(plan_real, f"s3://{BUCKET}", store, count, s3.settings)


def _record(store: ObjectStore, sources: list[Source]) -> None:
    book = SourceBook(store, WORKSPACE)
    for source in sources:
        stored = StoredSource(uri=source.uri, etag=source.etag, size_bytes=source.size_bytes)
        video_id = identity.video_id(WORKSPACE, source.uri)
        book.put(SourceRecord(source=stored, video_id=video_id, pipeline_fingerprint=FINGERPRINT, recorded_at=""))


def main() -> None:
    """Measure and print one JSON line last."""
    parser = argparse.ArgumentParser(description="Listing and planning, and unchanged reruns.")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=0, help="real files in a folder")
    parser.add_argument("--objects", type=int, default=0, help="objects in a bucket of moto's server")
    parser.add_argument("--rerun", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--clips", type=Path, default=CLIPS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footage-bench-") as scratch:
        root = Path(scratch)
        result = measure_made_up(root, options.entries)
        if options.files:
            result["real_folder"] = measure_folder(root, options.files)
        if options.objects:
            result["real_bucket"] = measure_bucket(root, options.objects)
    if options.rerun:
        rerun = measure_rerun(options.clips)
        result |= {"rerun_share": rerun.pop("rerun_share"), "rerun": rerun}
    result["load_average"] = os.getloadavg()[0]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
