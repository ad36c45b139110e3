"""A store with an index and a writer, as a run has them."""

from pathlib import Path
from typing import Any

from actors.scene_writer import OUTCOME, SceneWriter
from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.index_records import SceneFilter
from footage.sidecar import Sidecar
from tests import spans as made
from tests.spans import FINGERPRINT, MODELS, SPEC, WORKSPACE


class Bench:
    """The three of them; `index` is to be closed."""

    def __init__(self, root: Path, fingerprint: str = FINGERPRINT) -> None:
        self.root = root
        self.catalog = Catalog(DirectoryStore(root), WORKSPACE)
        self.index = EmbeddedIndex(root / "index" / "scenes", SPEC, owner="a test")
        self.writer = SceneWriter(self.catalog, self.index, fingerprint, MODELS)

    def write(self, *rows: dict[str, Any]) -> list[tuple[str, int]]:
        outcomes = self.writer(made.spans(*rows))
        assert outcomes.schema.equals(OUTCOME)
        return [(row["status"], row["scene_count"]) for row in outcomes.to_pylist()]

    def seen(self) -> list[str]:
        return [point.scene_id for point in self.index.points(SceneFilter(WORKSPACE))]

    def indices(self, claim: Claim) -> list[int]:
        manifest = self.catalog.manifest(claim.video_id)
        assert manifest is not None
        return [self.sidecar(claim, scene.scene_id).index for scene in manifest.scenes]

    def sidecar(self, claim: Claim, scene_id: str) -> Sidecar:
        sidecar = self.catalog.sidecar(claim.video_id, scene_id)
        assert sidecar is not None
        return sidecar
