"""What becomes of a video, and of references to it, when its file is replaced."""

import pytest

from footage.catalog import Catalog
from footage.catalog_records import Reference
from tests.memory_store import MemoryStore
from tests.spans import FINGERPRINT, WORKSPACE, claim_of, manifest_of, source_of

CLAIM = claim_of("film", 2)
VIDEO_ID = CLAIM.video_id
OTHER_ID = "00000000-0000-5000-8000-000000000009"


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(MemoryStore(), WORKSPACE)


def test_a_source_with_other_content_takes_its_references_along(catalog: Catalog) -> None:
    """What was added by name, or by another source too, stays where it is."""
    uri, copy = CLAIM.source.uri, source_of("copy")
    old = manifest_of(CLAIM, datasets=["both", "by-source", "by-name"], sources=[CLAIM.source, copy])
    new = manifest_of(CLAIM, video_id=OTHER_ID, sources=[source_of("film", "e2")])
    catalog.create_manifest(old)
    catalog.create_manifest(new)
    for name in ("both", "by-source"):
        catalog.datasets.add(name, VIDEO_ID, uri)
    catalog.datasets.add("both", VIDEO_ID, copy.uri)
    catalog.datasets.add("by-name", VIDEO_ID, uri)
    catalog.datasets.add("by-name", VIDEO_ID, None)
    assert catalog.record_source(VIDEO_ID, CLAIM.source, FINGERPRINT, None, "2026-01-01") == old

    assert catalog.record_source(OTHER_ID, source_of("film", "e2"), FINGERPRINT, "fresh", "2026-01-02") is not None
    before, after = catalog.manifest(VIDEO_ID), catalog.manifest(OTHER_ID)
    assert before == old.model_copy(update={"sources": [copy], "datasets": ["both", "by-name"]})
    assert after == new.model_copy(update={"datasets": ["both", "by-name", "by-source"]})
    assert {
        (name, id_): catalog.datasets.get(name, id_)
        for name in catalog.datasets.names()
        for id_ in (VIDEO_ID, OTHER_ID)
    } == {
        ("both", VIDEO_ID): Reference(uris=[copy.uri]),
        ("both", OTHER_ID): Reference(uris=[uri]),
        ("by-name", VIDEO_ID): Reference(by_name=True),
        ("by-name", OTHER_ID): Reference(uris=[uri]),
        ("by-source", VIDEO_ID): None,
        ("by-source", OTHER_ID): Reference(uris=[uri]),
        ("fresh", VIDEO_ID): None,
        ("fresh", OTHER_ID): Reference(uris=[uri]),
    }
    record = catalog.sources.get(uri)
    assert record is not None
    assert (record.video_id, record.source.etag) == (OTHER_ID, "e2")
    assert list(catalog.pending.videos("orphan")) == []


def test_a_video_is_marked_before_it_loses_its_last_source(catalog: Catalog) -> None:
    catalog.create_manifest(manifest_of(CLAIM))
    catalog.create_manifest(manifest_of(CLAIM, video_id=OTHER_ID, sources=[source_of("film", "e2")]))
    catalog.record_source(VIDEO_ID, CLAIM.source, FINGERPRINT, None, "2026-01-01")
    catalog.record_source(OTHER_ID, source_of("film", "e2"), FINGERPRINT, None, "2026-01-02")
    before = catalog.manifest(VIDEO_ID)
    assert before is not None
    assert (before.sources, list(catalog.pending.videos("orphan"))) == ([], [VIDEO_ID])


def test_a_source_that_the_video_does_not_have_any_more_is_not_recorded(catalog: Catalog) -> None:
    catalog.create_manifest(manifest_of(CLAIM, sources=[]))
    assert catalog.record_source(VIDEO_ID, CLAIM.source, FINGERPRINT, "pilots", "2026-01-01") is None
    assert catalog.record_source(OTHER_ID, CLAIM.source, FINGERPRINT, "pilots", "2026-01-01") is None
    assert list(catalog.sources.known()) == []
    assert list(catalog.datasets.names()) == []


def test_a_source_that_was_read_earlier_does_not_take_it_back(catalog: Catalog) -> None:
    """Who read the older content of a file and comes to say so late."""
    catalog.create_manifest(manifest_of(CLAIM, video_id=OTHER_ID, sources=[source_of("film", "e2")]))
    catalog.create_manifest(manifest_of(CLAIM, sources=[source_of("elsewhere")]))
    newer = source_of("film", "e2")
    assert catalog.record_source(OTHER_ID, newer, FINGERPRINT, None, "2026-01-02") is not None
    assert catalog.add_source(VIDEO_ID, CLAIM.source, "pilots", FINGERPRINT, "2026-01-01") is None
    older, other = catalog.manifest(VIDEO_ID), catalog.manifest(OTHER_ID)
    assert older is not None
    assert other is not None
    assert (older.sources, older.datasets) == ([source_of("elsewhere")], [])
    assert (other.sources, other.datasets) == ([newer], ["pilots"])
    record = catalog.sources.get(newer.uri)
    assert record is not None
    assert (record.video_id, record.source) == (OTHER_ID, newer)
