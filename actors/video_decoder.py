"""Decodes spans of videos into scenes with key frames, and sound: the first stage of the pipeline."""

import logging
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from actors.decoder_limits import media_read_s
from actors.decoder_process import DecoderProcess
from actors.source_files import SourceFiles
from footage.decoder_settings import DecoderSettings
from footage.errors import VideoError, code_of
from footage.identity import scene_id
from footage.records import DecodedScene, DecodedSpan, Scene, Span
from footage.remote_access import USUAL_ACCESS, RemoteAccess
from footage.span_table import replace_column

LOG = logging.getLogger(__name__)


class VideoDecoder:
    """Turns spans into scenes by one decoding pass each, in a process of its own (see DecoderProcess).

    Called with a table of footage.span_table.SPAN rows it appends the columns of ADDS. A span that cannot be decoded
    gets `failure_code` and `failure`, and so does one whose file is no longer the one that was planned; rows that
    failed before, and duplicates, get no scenes. With `wants_language_sample` each span of a video that has several,
    and sound, also carries sound from all over the video (see language_sample). Without `wants_sound` none carries any.
    """

    ADDS: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("scene_ids", pa.list_(pa.string())),
            pa.field("scene_start_s", pa.list_(pa.float64())),
            pa.field("scene_end_s", pa.list_(pa.float64())),
            pa.field("key_frames", pa.list_(pa.list_(pa.binary()))),
            pa.field("thumbnails", pa.list_(pa.binary())),
            pa.field("audio_s16", pa.large_binary()),
            pa.field("audio_start_s", pa.float64()),
            pa.field("frames_decoded", pa.int64()),
            pa.field("frames_damaged", pa.int64()),
            pa.field("language_audio_s16", pa.large_binary()),
        ]
    )

    def __init__(
        self,
        settings: DecoderSettings,
        wants_language_sample: bool = False,
        access: RemoteAccess = USUAL_ACCESS,
        wants_sound: bool = True,
    ) -> None:
        self._settings = settings
        self._wants_sound = wants_sound
        self._wants_language_sample = wants_language_sample
        self._files = SourceFiles(access)
        self._process = DecoderProcess(settings)

    @property
    def pid(self) -> int | None:
        """The process id of the decoder process; None between its death and the next span."""
        return self._process.pid

    def close(self) -> None:
        """Ends the decoder process."""
        self._process.close()

    def decode(
        self,
        path: Path,
        video_id: str,
        span: Span,
        *,
        is_last: bool,
        first_frame_s: float,
        has_audio: bool,
        has_timestamps: bool,
        sampled_s: float | None = None,
    ) -> DecodedSpan:
        """The scenes that start in a span, with pictures, and their sound with 1 s before and after.

        Args:
            path: the video file.
            video_id: the video's id; scene ids are made from it.
            span: the time range in video time (seconds). A span may own no scene: the one before goes on through it.
            is_last: whether it is the last span: it reads on to the end of the file.
            first_frame_s: from the probe, like the two that follow.
            has_audio: whether there is sound to decode.
            has_timestamps: False makes frames count; such a video must be one span.
            sampled_s: the length of the video, to take a language sample over it; None: none is taken.

        Raises:
            VideoError: the span cannot be decoded.
        """
        request = {
            "start_s": span.start_s,
            "end_s": span.end_s,
            "is_last": is_last,
            "first_frame_s": first_frame_s,
            "has_audio": has_audio,
            "has_timestamps": has_timestamps,
            "sampled_s": sampled_s,
        }
        header, blobs = self._process.decode(path, request, media_read_s(self._settings, span.end_s - span.start_s))
        if header["sound_damaged"]:
            LOG.warning("%s: %d packets of sound are damaged and left out", path.name, header["sound_damaged"])
        if header["sound_track"] and span.index == 0:
            LOG.info("%s: the sound is %s", path.name, header["sound_track"])
        parts = iter(blobs)
        language_audio_s16, audio_s16 = next(parts), next(parts)
        scenes = []
        for start_s, end_s, key_frame_count in header["scenes"]:
            key_frames = tuple(next(parts) for _ in range(key_frame_count))
            scene = Scene(scene_id(video_id, start_s), start_s, end_s)
            scenes.append(DecodedScene(scene, key_frames, thumbnail=next(parts)))
        return DecodedSpan(
            tuple(scenes),
            audio_s16,
            header["audio_start_s"],
            header["frames_decoded"],
            header["frames_damaged"],
            language_audio_s16 or None,
        )

    def __call__(self, spans: pa.Table) -> pa.Table:
        """Decodes each row's span; see the class.

        Raises:
            StoreError: the store of a source does not answer, or cannot be used.
        """
        codes, reasons = spans["failure_code"].to_pylist(), spans["failure"].to_pylist()
        decoded: list[DecodedSpan | None] = []
        for position, row in enumerate(spans.to_pylist()):
            result = None
            if row["failure_code"] is None and not (row["duplicate"] or row["elsewhere"]):
                try:
                    result = self._decode_row(row)
                except VideoError as error:
                    codes[position], reasons[position] = code_of(error), str(error)
                self._files.decoded(row["source_uri"], row["source_etag"], row["run_id"], row["span_index"])
            decoded.append(result)
        spans = replace_column(replace_column(spans, "failure_code", codes), "failure", reasons)
        columns = [_columns_of(result) for result in decoded]
        for field in self.ADDS:
            spans = spans.append_column(field, pa.array([column[field.name] for column in columns], field.type))
        return spans

    def _decode_row(self, row: dict[str, Any]) -> DecodedSpan:
        has_audio = row["has_audio"] and self._wants_sound
        is_sampled = self._wants_language_sample and row["span_count"] > 1 and has_audio
        source = row["source_uri"], row["path"], row["source_etag"], row["source_size_bytes"]
        with self._files.open(*source) as path:
            return self.decode(
                path,
                row["video_id"],
                Span(row["span_index"], row["span_start_s"], row["span_end_s"]),
                is_last=row["span_index"] == row["span_count"] - 1,
                first_frame_s=row["first_frame_s"],
                has_audio=has_audio,
                has_timestamps=row["has_timestamps"],
                sampled_s=row["duration_s"] if is_sampled else None,
            )


def _columns_of(span: DecodedSpan | None) -> dict[str, Any]:
    """The values of one row's added columns: empty lists and nulls where nothing was decoded."""
    scenes = () if span is None else span.scenes
    return {
        "scene_ids": [decoded.scene.scene_id for decoded in scenes],
        "scene_start_s": [decoded.scene.start_s for decoded in scenes],
        "scene_end_s": [decoded.scene.end_s for decoded in scenes],
        "key_frames": [list(decoded.key_frames) for decoded in scenes],
        "thumbnails": [decoded.thumbnail for decoded in scenes],
        "audio_s16": None if span is None else span.audio_s16,
        "audio_start_s": None if span is None else span.audio_start_s,
        "frames_decoded": None if span is None else span.frames_decoded,
        "frames_damaged": None if span is None else span.frames_damaged,
        "language_audio_s16": None if span is None else span.language_audio_s16,
    }
