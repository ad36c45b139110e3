"""Reads each source once, learns what it is, claims it, and plans its spans."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from actors.decoder_process import DecoderProcess
from actors.source_check import READ_BYTES, check_source, unchanged_source
from footage import identity
from footage.catalog import Catalog, utc_now
from footage.decoder_settings import DecoderSettings
from footage.errors import MissingSource, VideoError, code_of
from footage.records import Span, Video
from footage.sidecar import Claim, StoredSource, StoredSpan, StoredVideo
from footage.span_plan import plan_spans
from footage.span_table import SPAN, table_of

SOURCE = pa.schema([SPAN.field(name) for name in SPAN.names[: SPAN.get_field_index("path") + 1]])


def sha256_of(path: Path) -> str:
    """SHA-256 of a regular file, in hex.

    Raises:
        MissingSource: it cannot be opened, or is no regular file.
        EmptySource: it has no bytes.
    """
    check_source(path)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(READ_BYTES):
                digest.update(block)
    except OSError as error:
        raise MissingSource(f"{path.name} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()


class SpanPlanner:
    """Turns sources into rows of spans that are still to be done."""

    RETURNS: ClassVar[pa.Schema] = SPAN

    def __init__(self, settings: DecoderSettings, catalog: Catalog, fingerprint: str) -> None:
        self._settings = settings
        self._catalog = catalog
        self._fingerprint = fingerprint
        self._process = DecoderProcess(settings)

    def __call__(self, sources: pa.Table) -> pa.Table:
        """The spans of a table of sources (schema SOURCE): at least one row for each of them.

        A source that cannot be used gives one row with a failure; one whose bytes are another source's gives one
        row marked `duplicate`; of a video that was begun before, only spans without a record are given.
        """
        rows = [row for source in sources.to_pylist() for row in self._rows(source)]
        return table_of(rows, SPAN)

    def _rows(self, source: dict[str, Any]) -> list[dict[str, Any]]:
        empty = {**source, **dict.fromkeys(SPAN.names[len(source) :]), "duplicate": False, "stage_seconds": []}
        path = Path(os.fsdecode(source["path"]))
        try:
            with unchanged_source(path, source["source_etag"]):
                sha256 = sha256_of(path)
                known = {**empty, "video_id": identity.video_id(source["workspace"], sha256)}
                manifest = self._catalog.manifest(known["video_id"])
                done = manifest is not None and manifest.pipeline_fingerprint == self._fingerprint
                video = None if done else self._process.probe(path)
        except VideoError as error:
            return [{**empty, "failure_code": code_of(error), "failure": str(error)}]
        if video is None:
            return [{**known, "duplicate": True}]
        claim = self._claim(known, sha256, video)
        if claim.source.uri != source["source_uri"]:
            return [{**known, "duplicate": True}]
        return [self._row(known, video, span, len(claim.spans)) for span in self._spans_to_do(claim)]

    def _claim(self, row: dict[str, Any], sha256: str, video: Video) -> Claim:
        """This run's claim of the video: ours, or that of the source which had the same bytes first."""
        ours = Claim(
            video_id=row["video_id"],
            run_id=row["run_id"],
            source=StoredSource(uri=row["source_uri"], etag=row["source_etag"], size_bytes=row["source_size_bytes"]),
            sha256=sha256,
            video=StoredVideo(**{name: getattr(video, name) for name in StoredVideo.model_fields}),
            spans=[
                StoredSpan(index=span.index, start_s=span.start_s, end_s=span.end_s)
                for span in plan_spans(video, self._settings.span_s)
            ],
            pipeline_fingerprint=self._fingerprint,
            claimed_at=utc_now(),
        )
        if self._catalog.create_claim(ours):
            return ours
        theirs = self._catalog.claim(row["video_id"])
        if theirs is None or theirs.run_id != row["run_id"]:
            # The embedded index has one owner, so another run's claim is one that died.
            self._catalog.put_claim(ours)
            return ours
        return theirs

    def _spans_to_do(self, claim: Claim) -> Sequence[Span]:
        """The planned spans without a matching record; the last one where all have one but the manifest is missing."""
        done = {
            record.span
            for record in self._catalog.span_records(claim.video_id)
            if record.pipeline_fingerprint == self._fingerprint
        }
        left = [span for span in claim.spans if span not in done] or claim.spans[-1:]
        return [Span(span.index, span.start_s, span.end_s) for span in left]

    def _row(self, known: dict[str, Any], video: Video, span: Span, span_count: int) -> dict[str, Any]:
        return {
            **known,
            "span_index": span.index,
            "span_count": span_count,
            "span_start_s": span.start_s,
            "span_end_s": span.end_s,
            "duration_s": video.duration_s,
            "first_frame_s": video.first_frame_s,
            "has_audio": video.has_audio,
            "has_timestamps": video.has_timestamps,
        }
