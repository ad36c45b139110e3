"""Speech recognition on the audio of a span."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from actors.word_assignment import transcripts_of_scenes
from footage.errors import ModelMissing
from footage.models import resolve_model
from footage.records import Scene, Segment, Transcript, Word
from footage.settings import SpeechSettings

WORD = pa.struct(
    [("start_s", pa.float64()), ("end_s", pa.float64()), ("text", pa.string()), ("probability", pa.float64())]
)
SEGMENT = pa.struct(
    [("start_s", pa.float64()), ("end_s", pa.float64()), ("text", pa.string()), ("words", pa.list_(WORD))]
)
# A text that zlib shrinks further than this is a loop ("you know, you know, ..."), by which Whisper itself refuses a
# decoding: Radford et al. 2022, section 4.5. Here speech measured 1.1 to 1.5, what was made of noise 3 to 30.
MOST_COMPRESSION = 2.4

TRANSCRIPT = pa.struct([("text", pa.string()), ("language", pa.string()), ("segments", pa.list_(SEGMENT))])


class Transcriber:
    """Whisper (faster-whisper) on whole spans, since it needs the context; its words are then given to scenes.

    The same audio gives the same words each time, so that a span that is done again after a lost worker changes
    nothing: decoding is at temperature 0 only. The usual fallback to higher temperatures samples at random: on hard
    audio three runs gave three texts, also with CTranslate2's seed set before each. What the fallback is there to mend,
    loops, is left out instead.

    Raises:
        ModelMissing: the model is not on this machine, or lacks its tokenizer.
    """

    ADDS: ClassVar[pa.Schema] = pa.schema([pa.field("transcripts", pa.list_(TRANSCRIPT))])

    def __init__(self, settings: SpeechSettings) -> None:
        folder = resolve_model(settings)
        if not (folder / "tokenizer.json").is_file():
            # faster-whisper would fetch one from the hub.
            raise ModelMissing(
                f"The speech model {settings.model} in {folder} has no tokenizer.json; take a model converted with it "
                f"(ct2-transformers-converter --copy_files tokenizer.json), or use `--profile offline`."
            )
        from faster_whisper import WhisperModel

        self._settings = settings
        self._model: Any = WhisperModel(
            str(folder),
            device=settings.device,
            compute_type=settings.compute_type,
            cpu_threads=settings.cpu_threads,
            num_workers=1,
            local_files_only=True,
        )

    def __call__(self, spans: pa.Table) -> pa.Table:
        """Append `transcripts`, one per scene, in video time; none for spans that failed or have no scenes."""
        columns = ["failure_code", "audio_s16", "audio_start_s", "scene_ids", "scene_start_s", "scene_end_s"]
        transcripts = [self._of_span(row) for row in spans.select(columns).to_pylist()]
        field = self.ADDS.field("transcripts")
        return spans.append_column(field, pa.array(transcripts, field.type))

    def transcribe(self, audio_s16: bytes, start_s: float) -> tuple[tuple[Segment, ...], str]:
        """What is said, and in which language (ISO 639-1; empty where nothing is said).

        Args:
            audio_s16: mono, 16 kHz, signed 16 bit little-endian.
            start_s: video time of the first sample.
        """
        if not audio_s16:
            return (), ""
        audio = np.frombuffer(audio_s16, "<i2").astype(np.float32) / 32768
        heard, info = self._model.transcribe(
            audio,
            language=self._settings.language,
            beam_size=self._settings.beam_size,
            temperature=0.0,
            # Without the filter silence becomes words (tiny.en hears " You").
            vad_filter=True,
            word_timestamps=True,
            # A window that went wrong would lead the next ones into the same loop, for the rest of the span.
            condition_on_previous_text=False,
        )
        segments = tuple(
            _segment(segment, start_s)
            for segment in heard
            if segment.words and segment.compression_ratio <= MOST_COMPRESSION
        )
        return segments, info.language if segments else ""

    def _of_span(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        if row["failure_code"] is not None or not row["scene_ids"]:
            return []
        times = zip(row["scene_ids"], row["scene_start_s"], row["scene_end_s"], strict=True)
        scenes = [Scene(scene_id, start_s, end_s) for scene_id, start_s, end_s in times]
        segments, language = self.transcribe(row["audio_s16"] or b"", row["audio_start_s"] or 0.0)
        transcripts = transcripts_of_scenes(segments, language, scenes)
        return [_stored(transcripts[scene.scene_id]) for scene in scenes]


def _segment(heard: Any, start_s: float) -> Segment:
    words = tuple(
        Word(start_s + float(word.start), start_s + float(word.end), word.word, float(word.probability))
        for word in heard.words
    )
    return Segment(words[0].start_s, words[-1].end_s, heard.text.strip(), words)


def _stored(transcript: Transcript) -> dict[str, Any]:
    """A transcript as TRANSCRIPT has it."""
    segments = [
        {
            "start_s": segment.start_s,
            "end_s": segment.end_s,
            "text": segment.text,
            "words": [
                {"start_s": word.start_s, "end_s": word.end_s, "text": word.text, "probability": word.probability}
                for word in segment.words
            ],
        }
        for segment in transcript.segments
    ]
    return {"text": transcript.text, "language": transcript.language, "segments": segments}
