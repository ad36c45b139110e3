"""A run that indexes one video, made of the product's own steps but for decoding and models; and what must hold after.

The planner's part (claim, spans to do) is written out, as the real one would decode a file.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from actors.scene_writer import SceneWriter
from footage import identity
from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.claiming import take_claim
from footage.completion import counts
from footage.index import VectorIndex
from footage.index_records import SceneFilter
from footage.source_book import EXPECTED
from footage.storage import ObjectStore
from footage.timestamps import utc_now
from tests.spans import FINGERPRINT, MODELS, WORKSPACE, bare_row, claim_of, source_of, span_row, spans
from tests.steps import SteppedIndex, SteppedStore, Steps

EXPIRED_S = 0  # leases that are over at once: to the next run, this one is dead


@dataclass(frozen=True)
class Run:
    """A run over one file, whose content is named by `content`."""

    run_id: str
    fingerprint: str = FINGERPRINT
    texts: tuple[str, ...] = ("red car", "", "blue house")  # of the scenes of each span
    content: str = "film"
    name: str = "film"  # of the file
    etag: str = "e1"
    span_count: int = 2
    dataset: str | None = None
    read_at: str = ""  # when the file had this content; empty is now

    def index(self, store: ObjectStore, index: VectorIndex, steps: Steps | None = None) -> list[str]:
        """Index it; gives the statuses of its rows."""
        steps = steps or Steps()
        catalog = Catalog(SteppedStore(store, steps), WORKSPACE)
        writer = SceneWriter(
            catalog, SteppedIndex(index, steps), self.fingerprint, MODELS, {}, EXPIRED_S, describes=True
        )
        claim = self.claim
        manifest = catalog.manifest(claim.video_id)
        how = "duplicate"
        if manifest is None or manifest.pipeline_fingerprint != self.fingerprint:
            generation = 1 if manifest is None else manifest.claim_generation + 1
            wanted = claim.model_copy(update={"generation": generation, "resumes_from": generation})
            claim, how = take_claim(catalog, wanted, datetime.now(UTC))
        if how != "ours":
            rows = [bare_row(claim, run_id=self.run_id, dataset=self.dataset) | {how: True} | self._source]
        else:
            done = {record.span for record in catalog.span_records(claim.video_id) if counts(record, claim)}
            left = [span.index for span in claim.spans if span not in done] or [claim.spans[-1].index]
            rows = [span_row(claim, number, self.texts, dataset=self.dataset) | self._source for number in left]
        return [status for row in rows for status in writer(spans(row))["status"].to_pylist()]

    @property
    def claim(self) -> Claim:
        claim = claim_of(self.content, self.span_count, self.run_id, self.fingerprint)
        return claim.model_copy(
            update={"source": source_of(self.name, self.etag), "claimed_at": self.read_at or utc_now()}
        )

    @property
    def video_id(self) -> str:
        return self.claim.video_id

    @property
    def _source(self) -> dict[str, object]:
        return {"source_uri": source_of(self.name).uri, "source_etag": self.etag}


def check_video(store: ObjectStore, index: VectorIndex, video_id: str) -> str:
    """Every scene of the manifest is there, of its pipeline and in its place, and searches see nothing else.

    Gives the pipeline; empty if there is no such video, of which then nothing is seen.
    """
    catalog = Catalog(store, WORKSPACE)
    manifest = catalog.manifest(video_id)
    live = index.points(SceneFilter(WORKSPACE, video_ids=(video_id,)))
    keys = list(catalog.sources.known())
    times = Counter(one.uri_hash for one in keys)
    known = {one.state: one.video_id for one in keys if times[one.uri_hash] == 1 and one.state != EXPECTED}
    if manifest is None:
        assert live == []
        assert video_id not in known.values()
        return ""
    fingerprint = manifest.pipeline_fingerprint
    assert sorted((point.scene_id, point.generation) for point in live) == sorted(
        (scene.scene_id, fingerprint) for scene in manifest.scenes
    )
    for position, scene in enumerate(manifest.scenes):
        sidecar = catalog.sidecar(video_id, scene.scene_id)
        assert sidecar is not None
        assert (sidecar.metadata.pipeline_fingerprint, sidecar.index) == (fingerprint, position)
        assert (sidecar.start_s, sidecar.end_s) == (scene.start_s, scene.end_s)
        assert catalog.thumbnail(video_id, scene.scene_id) is not None
    states = {
        identity.source_state(source.etag, source.size_bytes, fingerprint): source.uri for source in manifest.sources
    }
    assert {state for state, of in known.items() if of == video_id} <= states.keys()
    referring = {name for name in catalog.datasets.names() if catalog.datasets.get(name, video_id) is not None}
    assert set(manifest.datasets) == referring
    if manifest.sources:
        assert manifest.description is not None or video_id in set(catalog.pending.videos("describe"))
    else:
        assert video_id in set(catalog.pending.videos("orphan"))
    return fingerprint
