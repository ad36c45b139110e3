"""Reads each source once, learns what it is, claims it, and plans its spans."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import pyarrow as pa

from actors.decoder_process import DecoderProcess
from actors.source_files import PLANNING_PATIENCE_S, SourceFiles
from footage import identity
from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.claiming import Taken, take_claim
from footage.completion import spans_left
from footage.decoder_settings import DecoderSettings
from footage.errors import VideoError, code_of
from footage.kept_parts import check_kept
from footage.parts import Part
from footage.records import Span, Video
from footage.remote_access import USUAL_ACCESS, RemoteAccess
from footage.sidecar import Manifest, StoredSpan, StoredVideo
from footage.sources import source_name
from footage.span_plan import plan_spans
from footage.span_table import SPAN, source_of, table_of
from footage.timestamps import utc_now

SOURCE = pa.schema([SPAN.field(name) for name in SPAN.names[: SPAN.get_field_index("path") + 1]])


class SpanPlanner:
    """Turns sources into rows of spans that are still to be done."""

    RETURNS: ClassVar[pa.Schema] = SPAN

    def __init__(
        self,
        settings: DecoderSettings,
        catalog: Catalog,
        fingerprint: str,
        access: RemoteAccess = USUAL_ACCESS,
        process: DecoderProcess | None = None,
        only: Collection[Part] = (),
        components: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._fingerprint = fingerprint
        self._files = SourceFiles(access, PLANNING_PATIENCE_S)
        self._process = process or DecoderProcess(settings)
        self._only = only
        self._components = components or {}

    def __call__(self, sources: pa.Table) -> pa.Table:
        """The spans of a table of sources (schema SOURCE): at least one row for each of them.

        A source that cannot be used gives one row with a failure; one whose bytes are another source's gives one
        row marked `duplicate`, and one whose video another run works on a row marked `elsewhere`; of a video that was
        begun before, only spans without a record are given. Where `only` some parts are made anew, a video of which
        the rest cannot be kept is one that cannot be used.

        Raises:
            StoreError: the store of a source does not answer, or cannot be used.
        """
        rows = []
        for source in sources.to_pylist():
            planned = self._rows(source)
            self._keep_for_decoding(source, planned)
            rows += planned
        return table_of(rows, SPAN)

    def _keep_for_decoding(self, source: dict[str, Any], planned: list[dict[str, Any]]) -> None:
        """A copy of a remote source stays for the spans that were planned; without any it goes."""
        uri, etag = source["source_uri"], source["source_etag"]
        if spans := [row["span_index"] for row in planned if row["span_index"] is not None]:
            self._files.planned(uri, etag, source["run_id"], spans)
        else:
            self._files.discard(uri, etag, source["run_id"])

    def _rows(self, source: dict[str, Any]) -> list[dict[str, Any]]:
        flags = {"duplicate": False, "elsewhere": False, "stage_seconds": []}
        empty = {**source, **dict.fromkeys(SPAN.names[len(source) :]), **flags}
        sha = hashlib.sha256()
        try:
            uri, path_bytes = source["source_uri"], source["path"]
            etag, size_bytes = source["source_etag"], source["source_size_bytes"]
            read_at = utc_now()  # before: it may be replaced while it comes in
            with self._files.open(uri, path_bytes, etag, size_bytes, sha.update) as path:
                sha256 = sha.hexdigest()
                video_id = identity.video_id(source["workspace"], sha256)
                known = {**empty, "video_id": video_id, "read_at": read_at}
                manifest = self._catalog.manifest(video_id)
                done = manifest is not None and manifest.pipeline_fingerprint == self._fingerprint
                if self._only and not done:
                    check_kept(source_name(uri), manifest, self._components, self._only)
                video = None if done else self._process.probe(path)
        except VideoError as error:
            return [{**empty, "failure_code": code_of(error), "failure": str(error)}]
        if video is None:
            return [{**known, "duplicate": True}]
        claim, how = self._take(known, sha256, video, manifest)
        if how != "ours":
            return [{**known, how: True}]
        known["claim_generation"] = claim.generation
        return [self._row(known, video, span, len(claim.spans)) for span in self._spans_to_do(claim)]

    def _take(self, row: dict[str, Any], sha256: str, video: Video, older: Manifest | None) -> Taken:
        """Claim the video, for as long as the run's lease holds; `older` is what another pipeline made of it."""
        now = datetime.now(UTC)
        generation = 1 if older is None else older.claim_generation + 1
        wanted = Claim(
            video_id=row["video_id"],
            run_id=row["run_id"],
            generation=generation,
            resumes_from=generation,
            source=source_of(row),
            sha256=sha256,
            video=StoredVideo(**{name: getattr(video, name) for name in StoredVideo.model_fields}),
            spans=[
                StoredSpan(index=span.index, start_s=span.start_s, end_s=span.end_s)
                for span in plan_spans(video, self._settings.span_s)
            ],
            pipeline_fingerprint=self._fingerprint,
            claimed_at=row["read_at"],
        )
        return take_claim(self._catalog, wanted, now)

    def _spans_to_do(self, claim: Claim) -> Sequence[Span]:
        """The planned spans that are left, or the last one where only the manifest is missing."""
        left = spans_left(self._catalog, claim) or claim.spans[-1:]
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
