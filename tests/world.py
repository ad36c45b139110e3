"""Films, runs that index them step by step, and what footage stores of them: for tests that let runs meet and die.

All of it is real (listing, planning, claims, writing, completion, orphans; files, store and index) but decoding and
models: what a film's bytes are says how many spans and scenes it has.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from actors.scene_writer import SceneWriter
from actors.span_planner import SOURCE, SpanPlanner
from footage import identity
from footage.catalog import Catalog
from footage.dataset_changes import join_dataset
from footage.decoder_settings import DecoderSettings
from footage.deletion import Deleter
from footage.leases import RunLease
from footage.local_sources import file_uri, list_local, local_path
from footage.mending import Mender
from footage.orphans import remove_orphans
from footage.records import Source, Video
from footage.sidecar import stored_source
from footage.source_plan import SourcePlan
from footage.sources import is_present
from footage.span_table import SPAN, table_of
from tests.archive import Archive
from tests.spans import MODELS, WRITTEN, claim_of, span_row

SPAN_S = 10.0
LEASE_S = 1e6  # of runs: they are dead when the test says so; claims have no time of their own
ROUNDS = 3  # in which a run asks again for what another has in hand


def span_count(content: bytes) -> int:
    return 1 + len(content) % 2


def scene_count(video_id: str, fingerprint: str) -> int:
    """Of each span; another pipeline finds other cuts."""
    return 1 + (int(video_id[:4], 16) + int(fingerprint, 16)) % 3


class TinyProcess:
    """Probes a film of so many spans as its bytes say."""

    def probe(self, path: Path) -> Video:
        return Video(SPAN_S * span_count(path.read_bytes()), 0.0, 64, 36, 0, 25.0, "h264", True, True)


class World(Archive):
    """An archive of real files, which several workspaces index."""

    def __init__(self, root: Path) -> None:
        super().__init__(root / "store")
        self.folder = root / "films"
        self.folder.mkdir()
        self.empty = self.save()

    def clear(self) -> None:
        self.load(self.empty)
        for path in self.folder.iterdir():
            path.unlink()

    def write(self, name: str, content: bytes) -> None:
        (self.folder / f"{name}.mp4").write_bytes(content)

    def discard(self, name: str) -> None:
        (self.folder / f"{name}.mp4").unlink(missing_ok=True)

    def uri(self, name: str) -> str:
        return file_uri(self.folder / f"{name}.mp4")

    def here(self) -> dict[str, bytes]:
        """Contents by URI."""
        return {file_uri(path): path.read_bytes() for path in self.folder.iterdir()}

    def is_present(self, uri: str) -> bool:
        return is_present(uri)

    def of(self, workspace: str) -> Catalog:
        return Catalog(self.store, workspace)

    def deleter_of(self, workspace: str, **changes: Any) -> Deleter:
        return replace(self.deleter(**changes), catalog=self.of(workspace))

    def gc_of(self, workspace: str) -> None:
        """Collect garbage as of a moment later, with no time of grace."""
        inspector = replace(self.inspector(grace_s=0, later_s=1), catalog=self.of(workspace))
        list(Mender(inspector, lease_s=0).collect())

    def parts(self, workspace: str) -> dict[str, Any]:
        """All that belongs to a workspace."""
        objects = {key: data for key, data in self.everything()["objects"].items() if key.split("/")[1] == workspace}
        page = self.engine.scan(None, limit=10_000, with_vectors=False)
        points = [one for one in page.points if one.point.workspace == workspace]
        return {"objects": objects, "points": points}


def video_of(workspace: str, content: bytes) -> str:
    return identity.video_id(workspace, hashlib.sha256(content).hexdigest())


class Run:
    """An index run over all films, which goes on with each next(); left alone it is as good as killed."""

    def __init__(self, world: World, workspace: str, dataset: str | None, fingerprint: str) -> None:
        self.world, self.workspace, self.dataset, self.fingerprint = world, workspace, dataset, fingerprint
        self.run_id = world.new_run()
        self.catalog = world.of(workspace)
        settings = DecoderSettings(span_s=SPAN_S)
        self._planner = SpanPlanner(settings, self.catalog, fingerprint, process=TinyProcess())  # type: ignore[arg-type]
        self._writer = SceneWriter(self.catalog, world.index, fingerprint, MODELS, lease_s=0)
        self._lease = RunLease(self.catalog, self.run_id, "footage index", str(world.folder), LEASE_S)
        self._steps = self._work()
        self.is_ended = False

    def step(self) -> None:
        """One source planned, or one span written."""
        self.is_ended = next(self._steps, self) is self

    def finish(self) -> None:
        while not self.is_ended:
            self.step()

    def _work(self) -> Iterator[None]:
        self._lease.take(datetime.now(UTC))
        yield
        left = self._choose()
        for _ in range(ROUNDS):
            again: list[Source] = []
            for source in left:
                planned = self._planner(table_of([self._source_row(source)], SOURCE)).to_pylist()
                yield
                for row in planned:
                    status = self._write(row)
                    if status in ("elsewhere", "duplicate") and not self._is_done(source, row):
                        again.append(source)
                    yield
            left = again
        remove_orphans(self.catalog, self.world.index, self.run_id, lease_s=0)
        self._lease.release()

    def _choose(self) -> list[Source]:
        catalog = self.catalog
        members = catalog.datasets.videos(self.dataset) if self.dataset else None
        with SourcePlan(self.fingerprint, catalog.sources.known(), in_dataset=members) as plan:
            plan.add(list_local(os.fspath(self.world.folder)))
            for uri, video_id in plan.to_reference():
                join_dataset(catalog, self.dataset or "", video_id, uri)
            return [source for tranche in plan.tranches(100) for source in tranche]

    def _source_row(self, source: Source) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "workspace": self.workspace,
            "dataset": self.dataset,
            "source_uri": source.uri,
            "source_etag": source.etag,
            "source_size_bytes": source.size_bytes,
            "path": os.fsencode(local_path(source.uri)),
        }

    def _write(self, planned: dict[str, Any]) -> str:
        row = dict.fromkeys(WRITTEN.names) | planned
        if planned["span_index"] is None:
            for field in WRITTEN:
                if field.name not in SPAN.names and str(field.type).startswith("list"):
                    row[field.name] = []
        else:
            row = self._decoded(planned)
        status: str = self._writer(table_of([row], WRITTEN)).to_pylist()[0]["status"]
        return status

    def _decoded(self, planned: dict[str, Any]) -> dict[str, Any]:
        video_id = planned["video_id"]
        claim = claim_of("x", planned["span_count"]).model_copy(update={"video_id": video_id})
        texts = ("red car",) * scene_count(video_id, self.fingerprint)
        return span_row(claim, planned["span_index"], texts=texts) | planned

    def _is_done(self, source: Source, row: dict[str, Any]) -> bool:
        added = self.catalog.add_source(
            row["video_id"], stored_source(source), self.dataset, self.fingerprint, row["read_at"]
        )
        return added is not None
