"""Planning and decoding of videos in a bucket: as of files, but each object is read once on a machine."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from actors.span_planner import SOURCE, SpanPlanner
from actors.video_decoder import VideoDecoder
from footage.catalog import Catalog
from footage.decoder_settings import DecoderSettings
from footage.directory_store import DirectoryStore
from footage.errors import StoreUnavailable
from footage.local_sources import local_path
from footage.records import Source
from footage.remote_access import RemoteAccess
from footage.sources import is_remote, list_sources
from footage.span_table import table_of
from footage.storage_settings import S3Settings, SourceSettings
from footage.transfers import TRANSFERS
from tests import media
from tests.s3_servers import S3Server

SETTINGS = DecoderSettings(span_s=4)


class Machine:
    """A planner and a decoder with scratch of their own."""

    def __init__(self, folder: Path, s3: S3Settings, scratch_gib: float = 1) -> None:
        self.scratch = folder / "scratch"
        sources = SourceSettings(scratch=str(self.scratch), scratch_gib=scratch_gib)
        self.access = RemoteAccess(s3, sources)
        catalog = Catalog(DirectoryStore(folder / "store"), "studio")
        self.plan = SpanPlanner(SETTINGS, catalog, "0123456789abcdef", self.access)
        self.decode = VideoDecoder(SETTINGS, access=self.access)

    def close(self) -> None:
        self.decode.close()
        self.plan._process.close()

    @property
    def copies(self) -> list[str]:
        return sorted(path.name for path in self.scratch.glob("footage-sources-*/*/*"))


@pytest.fixture
def machine(moto_s3: S3Server, tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "one", moto_s3.settings)
    yield made
    made.close()


@pytest.fixture
def other(moto_s3: S3Server, tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "other", moto_s3.settings)
    yield made
    made.close()


@pytest.fixture
def bucket(moto_s3: S3Server) -> str:
    return moto_s3.new_bucket()


def put(server: S3Server, bucket: str, key: str, path: Path) -> Source:
    server.client().put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    [source] = list_sources(f"s3://{bucket}/{key}", RemoteAccess(server.settings))
    return source


def planned(machine: Machine, source: Source) -> pa.Table:
    path = b"" if is_remote(source.uri) else os.fsencode(local_path(source.uri))
    row = {
        "run_id": "run",
        "workspace": "studio",
        "dataset": None,
        "source_uri": source.uri,
        "source_etag": source.etag,
        "source_size_bytes": source.size_bytes,
        "path": path,
    }
    return machine.plan(table_of([row], SOURCE))


def without_source(table: pa.Table) -> list[dict[str, Any]]:
    names = [name for name in table.column_names if name not in ("source_uri", "source_etag", "path", "read_at")]
    rows: list[dict[str, Any]] = table.select(names).to_pylist()
    return rows


def decoded(machine: Machine, spans: pa.Table) -> pa.Table:
    """One after the other, as the pipeline gives them."""
    return pa.concat_tables([machine.decode(spans.slice(index, 1)) for index in range(spans.num_rows)])


def test_an_object_gives_what_a_file_gives_and_is_read_once(
    moto_s3: S3Server, bucket: str, machine: Machine, other: Machine, tmp_path: Path
) -> None:
    path = media.plain(tmp_path / "film.mp4")
    [file] = list_sources(str(path))
    of_file = planned(other, file)
    before = TRANSFERS.total().bytes_read

    spans = planned(machine, put(moto_s3, bucket, "a/../film #1?.mp4", path))
    assert (spans.num_rows, machine.copies) == (2, ["film #1?.mp4"])
    result = decoded(machine, spans)

    assert TRANSFERS.total().bytes_read - before == path.stat().st_size
    assert machine.copies == []  # with the last span of the video
    assert without_source(spans) == without_source(of_file)
    assert without_source(result) == without_source(decoded(other, of_file))
    assert spans["path"].to_pylist() == [b"", b""]


def test_another_machine_fetches_a_copy_of_its_own(
    moto_s3: S3Server, bucket: str, machine: Machine, other: Machine, tmp_path: Path
) -> None:
    path = media.plain(tmp_path / "film.mp4")
    spans = planned(machine, put(moto_s3, bucket, "film.mp4", path))
    before = TRANSFERS.total().bytes_read

    assert without_source(decoded(other, spans)) == without_source(decoded(machine, spans))
    assert TRANSFERS.total().bytes_read - before == path.stat().st_size


def test_what_needs_no_decoding_leaves_no_copy(
    moto_s3: S3Server, bucket: str, machine: Machine, tmp_path: Path
) -> None:
    path = media.plain(tmp_path / "film.mp4")
    first = planned(machine, put(moto_s3, bucket, "first.mp4", path))
    again = planned(machine, put(moto_s3, bucket, "again.mp4", path))
    broken = planned(machine, put(moto_s3, bucket, "half.mp4", media.truncated(tmp_path / "half.mp4")))
    (empty,) = planned(machine, put(moto_s3, bucket, "empty.mp4", media.empty(tmp_path / "e.mp4"))).to_pylist()

    assert (again["duplicate"].to_pylist(), machine.copies) == ([True], ["first.mp4"])
    assert again["video_id"].to_pylist() == first["video_id"].to_pylist()[:1]
    assert broken["failure_code"].to_pylist() == ["truncated_video"]
    assert broken["failure"].to_pylist()[0].startswith("half.mp4 ends ")
    assert (empty["failure_code"], empty["failure"]) == ("empty_source", "empty.mp4 is empty (0 bytes). Copy it again.")


def test_an_object_that_was_replaced_is_refused_where_it_is_read_again(
    moto_s3: S3Server, bucket: str, machine: Machine, other: Machine, tmp_path: Path
) -> None:
    path = media.plain(tmp_path / "film.mp4")
    source = put(moto_s3, bucket, "film.mp4", path)
    spans = planned(machine, source)
    put(moto_s3, bucket, "film.mp4", media.silent(tmp_path / "new.mp4"))

    assert other.decode(spans)["failure_code"].to_pylist() == ["source_changed"] * 2
    assert planned(other, source)["failure_code"].to_pylist() == ["source_changed"]
    moto_s3.client().delete_object(Bucket=bucket, Key="film.mp4")
    assert planned(other, source)["failure_code"].to_pylist() == ["missing_source"]
    # the copy is of the planned content
    assert decoded(machine, spans)["failure_code"].to_pylist() == [None, None]


def test_an_object_larger_than_the_scratch_costs_itself_only(moto_s3: S3Server, bucket: str, tmp_path: Path) -> None:
    small = Machine(tmp_path / "small", moto_s3.settings, scratch_gib=1e-6)
    source = put(moto_s3, bucket, "film.mp4", media.plain(tmp_path / "film.mp4"))

    (row,) = planned(small, source).to_pylist()
    small.close()
    assert row["failure_code"] == "video_too_large"
    assert row["failure"].endswith("raise sources.scratch_gib, and see that the disk of sources.scratch has the room.")


def test_a_store_that_does_not_answer_is_no_fault_of_the_video(tmp_path: Path, s3_credentials: None) -> None:
    nowhere = S3Settings(endpoint="http://127.0.0.1:9", max_attempts=1)
    machine = Machine(tmp_path / "one", nowhere)

    with pytest.raises(StoreUnavailable, match="does not answer"):
        planned(machine, Source("s3://bucket/film.mp4", "e", 1000))
    machine.close()
