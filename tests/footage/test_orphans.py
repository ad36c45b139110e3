from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from actors.scene_writer import SceneWriter
from footage.catalog import Catalog
from footage.embedded_index import EmbeddedIndex
from footage.errors import StoreError
from footage.index_records import SceneFilter
from footage.orphans import remove_orphans
from footage.sidecar import Claim
from footage.storage import DirectoryStore
from tests.spans import FINGERPRINT, MODELS, SPEC, WORKSPACE, bare_row, claim_of, span_row, spans

ALL = SceneFilter(WORKSPACE, live_only=False)


@dataclass
class Shelf:
    """A store in which the file of `take1` was replaced by `take2`; `other` is another video."""

    catalog: Catalog
    index: EmbeddedIndex
    old: Claim
    new: Claim
    other: Claim

    def write(self, claim: Claim, dataset: str | None = None) -> None:
        self.catalog.put_claim(claim)
        writer = SceneWriter(self.catalog, self.index, FINGERPRINT, MODELS)
        for number in range(len(claim.spans)):
            writer(spans(span_row(claim, number, dataset=dataset)))
        self.catalog.delete_claim(claim.video_id)

    def held(self) -> dict[str, set[str]]:
        """The kinds of objects that name each video, and its points."""
        held: dict[str, set[str]] = {claim.video_id: set() for claim in (self.old, self.new, self.other)}
        for key in self.catalog.store.list(""):
            for video_id, kinds in held.items():
                if video_id in key:
                    kinds.add("spans" if "/spans/" in key else key.partition("/")[0])
        for point in self.index.points(ALL):
            held[point.video_id].add("points")
        return held


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    catalog = Catalog(DirectoryStore(tmp_path), WORKSPACE)
    with EmbeddedIndex(tmp_path / "index" / "scenes", SPEC, owner="a test") as index:
        old, new = claim_of("take1", 2), claim_of("take2", 1)
        new = new.model_copy(update={"source": old.source.model_copy(update={"etag": "e2"})})
        shelf = Shelf(catalog, index, old, new, claim_of("other", 1))
        shelf.write(old, "pilots")
        shelf.write(shelf.other, "pilots")
        shelf.write(new, "pilots")
        yield shelf


WHOLE = {"sidecars", "thumbnails", "videos", "spans", "datasets", "points"}


def test_a_video_whose_file_was_replaced_leaves_nothing(shelf: Shelf) -> None:
    assert shelf.held()[shelf.old.video_id] == WHOLE
    assert remove_orphans(shelf.catalog, shelf.index) == [shelf.old.video_id]
    assert shelf.held() == {shelf.old.video_id: set(), shelf.new.video_id: WHOLE, shelf.other.video_id: WHOLE}
    assert remove_orphans(shelf.catalog, shelf.index) == []


def test_a_renamed_file_keeps_its_video(shelf: Shelf) -> None:
    """The run reaches the new name after the old name's new content is done."""
    row = bare_row(shelf.old, duplicate=True, source_uri="file:///films/renamed.mp4")
    SceneWriter(shelf.catalog, shelf.index, FINGERPRINT, MODELS)(spans(row))
    assert remove_orphans(shelf.catalog, shelf.index) == []
    assert shelf.held()[shelf.old.video_id] == WHOLE


class Full(DirectoryStore):
    """A store that refuses removals after a number of them, as a run does that is killed."""

    left = 0

    def delete(self, key: str) -> None:
        if not self.left:
            raise StoreError("killed")
        self.left -= 1
        super().delete(key)


@pytest.mark.parametrize("removals", range(13))
def test_a_removal_that_was_cut_off_is_ended_by_the_next(shelf: Shelf, removals: int) -> None:
    """2 span records, 4 sidecars, 4 thumbnails, a reference, a claim, the manifest."""
    store = Full(shelf.catalog.store.root)
    store.left = removals
    with pytest.raises(StoreError, match="killed"):
        remove_orphans(Catalog(store, WORKSPACE), shelf.index)
    assert remove_orphans(shelf.catalog, shelf.index) == [shelf.old.video_id]
    assert shelf.held() == {shelf.old.video_id: set(), shelf.new.video_id: WHOLE, shelf.other.video_id: WHOLE}


@pytest.mark.parametrize("removals", [0, 1, 2, 6, 12])
def test_content_that_comes_back_in_between_is_indexed_anew(shelf: Shelf, removals: int) -> None:
    store = Full(shelf.catalog.store.root)
    store.left = removals
    with pytest.raises(StoreError, match="killed"):
        remove_orphans(Catalog(store, WORKSPACE), shelf.index)

    copy = shelf.old.source.model_copy(update={"uri": "file:///films/copy.mp4"})
    assert shelf.catalog.add_source(shelf.old.video_id, copy, None, FINGERPRINT) is None  # it is no duplicate
    again = shelf.old.model_copy(update={"source": copy, "run_id": "run-2"})
    shelf.catalog.put_claim(again)
    recorded = shelf.catalog.span_indices(again.video_id)  # as SpanPlanner: what has no record, or else the last
    for number in sorted({0, 1} - recorded) or [1]:
        row = span_row(again, number)
        SceneWriter(shelf.catalog, shelf.index, FINGERPRINT, MODELS)(spans(row))

    assert remove_orphans(shelf.catalog, shelf.index) == []
    manifest = shelf.catalog.manifest(again.video_id)
    assert manifest is not None
    assert (manifest.sources, len(manifest.scenes)) == ([copy], 4)
    live = shelf.index.points(SceneFilter(WORKSPACE, video_ids=(again.video_id,)))
    assert [point.scene_id for point in live] == [scene.scene_id for scene in manifest.scenes]
    for scene in manifest.scenes:
        assert shelf.catalog.sidecar(again.video_id, scene.scene_id) is not None
