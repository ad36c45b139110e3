"""Planning takes a source only if all that was read of it was one content."""

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from actors.span_planner import SOURCE, SpanPlanner
from footage.catalog import Catalog
from footage.decoder_settings import DecoderSettings
from footage.sidecar import Manifest
from footage.sources import file_source
from footage.span_table import table_of
from footage.storage import DirectoryStore
from tests import media


class CopyThatGoesOn(Catalog):
    """Another program writes to a file between its hashing and its probing, which is when the catalog is asked."""

    growing: Path | None = None

    def manifest(self, video_id: str) -> Manifest | None:
        if self.growing is not None:
            with self.growing.open("ab") as file:
                file.write(bytes(1000))
        return super().manifest(video_id)


@pytest.fixture
def catalog(tmp_path: Path) -> CopyThatGoesOn:
    return CopyThatGoesOn(DirectoryStore(tmp_path / "store"), "studio")


@pytest.fixture
def planner(catalog: Catalog) -> Iterator[SpanPlanner]:
    made = SpanPlanner(DecoderSettings(), catalog, "0123456789abcdef")
    yield made
    made._process.close()


def listed(path: Path) -> pa.Table:
    source = file_source(path)
    row = {
        "run_id": "run",
        "workspace": "studio",
        "dataset": None,
        "source_uri": source.uri,
        "source_etag": source.etag,
        "source_size_bytes": source.size_bytes,
        "path": os.fsencode(path),
    }
    return table_of([row], SOURCE)


def failures(rows: pa.Table) -> list[str | None]:
    return rows["failure_code"].to_pylist()


def test_a_source_becomes_a_span(planner: SpanPlanner, tmp_path: Path):
    rows = planner(listed(media.silent(tmp_path / "a.mp4")))
    (row,) = rows.to_pylist()
    assert (row["failure_code"], row["span_start_s"], row["span_end_s"]) == (None, 0.0, media.DURATION_S)


def test_a_source_that_was_replaced_after_it_was_listed_is_refused(planner: SpanPlanner, tmp_path: Path):
    path = media.silent(tmp_path / "a.mp4")
    sources = listed(path)
    media.plain(path)
    assert failures(planner(sources)) == ["source_changed"]
    assert failures(planner(listed(path))) == [None]  # as the next run lists it


def test_a_source_that_changes_while_it_is_planned_is_not_claimed(
    planner: SpanPlanner, catalog: CopyThatGoesOn, tmp_path: Path
):
    path = media.silent(tmp_path / "a.mp4")
    catalog.growing = path
    (row,) = planner(listed(path)).to_pylist()
    assert (row["failure_code"], row["video_id"]) == ("source_changed", None)
    assert not list((tmp_path / "store").rglob("claims/**/*.json"))


def test_a_dangling_link_is_missing(planner: SpanPlanner, tmp_path: Path):
    assert failures(planner(listed(media.dangling_link(tmp_path / "a.mp4")))) == ["missing_source"]
