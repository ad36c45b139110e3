"""A store and an index in which videos are indexed as a run does it, but without decoding or models."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from actors.scene_writer import SceneWriter
from footage import identity
from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.claiming import take_claim
from footage.deletion import Deleter
from footage.embedded_index import EmbeddedIndex
from footage.errors import StoreUnavailable
from footage.garbage import Inspector
from footage.index import VectorIndex
from footage.index_records import SceneFilter, StoredPoint
from footage.mending import Mender
from footage.sidecar import StoredSource
from footage.timestamps import utc_now
from tests.crashes import Fuse, FusedIndex, FusedStore, Killed
from tests.spans import FINGERPRINT, MODELS, SPEC, WORKSPACE, claim_of, span_row, spans

OTHER = "annex"  # a workspace in which nothing ever changes
DAY_S = 24 * 3600.0


FILMS = "file:///films"


def uri_of(name: str, films: str = FILMS) -> str:
    return f"{films}/{name}.mp4"


@dataclass(frozen=True)
class Saved:
    """A state of an archive."""

    objects: dict[str, bytes]
    points: tuple[StoredPoint, ...]
    files: dict[str, str]


class Archive:
    """Files are names with a content; they are there as long as they are in `files`."""

    def __init__(self, root: Path, films: str = FILMS) -> None:
        self.films = films
        self.store = FusedStore(root)
        self.store.fuse = Fuse()
        self.engine = EmbeddedIndex(root / "index" / "scenes", SPEC, owner="a test")
        self.catalog = Catalog(self.store, WORKSPACE)
        self.files: dict[str, str] = {}  # name to content
        self.runs = 0
        self.out = False  # the sources cannot be reached

    @property
    def index(self) -> VectorIndex:
        return FusedIndex(self.engine, self.store.fuse)

    @contextmanager
    def killed_after(self, writes: int) -> Iterator[None]:
        """In the block the process is killed just before its next write after so many."""
        self.store.fuse = Fuse(writes)
        try:
            yield
        finally:
            self.store.fuse = Fuse()

    def each_crash(self, act: Callable[[], object]) -> Iterator[int]:
        """Do something again and again from the present state, killed before its first write, its second, and so on,
        and at last not at all; gives how many writes were done, each time.
        """
        saved, writes, is_ended = self.save(), 0, False
        while not is_ended:
            self.load(saved)
            try:
                with self.killed_after(writes):
                    act()
                is_ended = True
            except Killed:
                pass
            yield writes
            writes += 1

    def is_present(self, uri: str) -> bool:
        if self.out:
            raise StoreUnavailable(f"{uri} cannot be looked for.")
        return any(uri == uri_of(name, self.films) for name in self.files)

    def new_run(self) -> str:
        self.runs += 1
        return f"run-{self.runs}"

    def claim(self, name: str, content: str, span_count: int, run_id: str, workspace: str, fingerprint: str) -> Claim:
        """The claim that a run wants."""
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        manifest = Catalog(self.store, workspace).manifest(identity.video_id(workspace, sha256))
        generation = 1 if manifest is None else manifest.claim_generation + 1
        return claim_of(name, span_count, run_id, fingerprint).model_copy(
            update={
                "video_id": identity.video_id(workspace, sha256),
                "sha256": sha256,
                "source": StoredSource(uri=uri_of(name, self.films), etag=content, size_bytes=len(content)),
                "generation": generation,
                "resumes_from": generation,
                "claimed_at": utc_now(),
            }
        )

    def add(
        self,
        name: str,
        content: str = "",
        dataset: str | None = None,
        span_count: int = 1,
        workspace: str = WORKSPACE,
        fingerprint: str = FINGERPRINT,
        only_spans: int | None = None,
        **row: Any,
    ) -> str:
        """Put a file there and index it; gives the video's id. With `only_spans` the run stops after so many."""
        self.files[name] = content or name
        catalog, run_id = Catalog(self.store, workspace), self.new_run()
        wanted = self.claim(name, content or name, span_count, run_id, workspace, fingerprint)
        if catalog.add_source(wanted.video_id, wanted.source, dataset, fingerprint, utc_now()) is not None:
            return wanted.video_id
        taken = take_claim(catalog, wanted, datetime.now(UTC))
        assert taken.how == "ours"
        writer = SceneWriter(catalog, self.index, fingerprint, MODELS, lease_s=0)
        for number in range(span_count)[:only_spans]:
            writer(spans(span_row(taken.claim, number, workspace=workspace, dataset=dataset, **row)))
        return wanted.video_id

    def remove(self, name: str) -> None:
        """The file goes; nothing is said to footage."""
        del self.files[name]

    def deleter(self, **changes: Any) -> Deleter:
        return Deleter(self.catalog, self.index, self.is_present, self.new_run(), lease_s=0, **changes)

    def inspector(self, grace_s: float = DAY_S, later_s: float = 0) -> Inspector:
        now = datetime.now(UTC) + timedelta(seconds=later_s)
        return Inspector(self.catalog, self.index, self.is_present, now, grace_s, self.new_run())

    def gc(self, grace_s: float = DAY_S, later_s: float = 0, dry_run: bool = False) -> list[tuple[str, str, bool]]:
        """The kind and subject of what was found, and whether it was mended."""
        mender = Mender(self.inspector(grace_s, later_s), lease_s=0, dry_run=dry_run)
        return [(mended.finding.kind, mended.finding.subject, mended.is_done) for mended in mender.collect()]

    def held(self, video_id: str, workspace: str = WORKSPACE) -> dict[str, int]:
        """How many objects of each kind name a video, and how many points it has."""
        held: dict[str, int] = {}
        for key in self.store.list(""):
            if video_id in key:
                kind = "spans" if "/spans/" in key else key.partition("/")[0]
                held[kind] = held.get(kind, 0) + 1
        points = self.engine.count(SceneFilter(workspace, video_ids=(video_id,), live_only=False))
        return held | ({"points": points} if points else {})

    def everything(self) -> dict[str, Any]:
        """All objects but runs' and leases', and all points."""
        objects = {key: self.store.get(key) for key in self.store.list("") if not key.startswith("index/")}
        page = self.engine.scan(None, limit=10_000, with_vectors=False)
        points = {(one.point.scene_id, one.point.generation): one.live for one in page.points}
        return {"objects": objects, "points": points}

    def save(self) -> Saved:
        """All that is stored, and the files, to go back to: cheaper by far than another index."""
        objects = {key: self.store.get(key) for key in self.store.list("") if not key.startswith("index/")}
        return Saved(objects, self.engine.scan(None, limit=10_000).points, dict(self.files))

    def load(self, saved: Saved) -> None:
        """Go back."""
        for key in [key for key in self.store.list("") if not key.startswith("index/")]:
            (self.store.root / key).unlink()
        for key, data in saved.objects.items():
            path = self.store.root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        page = self.engine.scan(None, limit=10_000, with_vectors=False)
        for workspace, video_id in {(one.point.workspace, one.point.video_id) for one in page.points}:
            self.engine.delete_video(workspace, video_id)
        self.engine.restore(saved.points)
        self.files = dict(saved.files)

    def close(self) -> None:
        self.engine.close()
