"""Speech recognition on the audio of a span."""

from typing import Any, ClassVar

import pyarrow as pa

from actors.language_choice import LanguageChoice
from actors.speech_recognition import SpeechRecognition
from actors.speech_sound import samples_of, speech_in
from actors.whisper_model import open_whisper
from actors.word_assignment import transcripts_of_scenes
from footage.model_settings import SpeechSettings
from footage.records import Scene, Segment, Transcript, Word

WORD = pa.struct(
    [("start_s", pa.float64()), ("end_s", pa.float64()), ("text", pa.string()), ("probability", pa.float64())]
)
SEGMENT = pa.struct(
    [("start_s", pa.float64()), ("end_s", pa.float64()), ("text", pa.string()), ("words", pa.list_(WORD))]
)
TRANSCRIPT = pa.struct([("text", pa.string()), ("language", pa.string()), ("segments", pa.list_(SEGMENT))])
READS = [
    *("video_id", "failure_code", "scene_ids", "scene_start_s", "scene_end_s"),
    *("audio_s16", "audio_start_s", "language_audio_s16"),
]


class Transcriber:
    """Whisper (faster-whisper) on whole spans, since it needs the context; its words are then given to scenes.

    All spans of a video are heard in one language (see LanguageChoice). The same audio gives the same words each time,
    so that a span that is done again after a lost worker changes nothing (see SpeechRecognition).

    Raises:
        ModelMissing: the model is not on this machine, or not whole.
        SettingsError: the model or this machine cannot do what the settings ask.
    """

    ADDS: ClassVar[pa.Schema] = pa.schema([pa.field("transcripts", pa.list_(TRANSCRIPT))])

    def __init__(self, settings: SpeechSettings) -> None:
        self._settings = settings
        model = open_whisper(settings)
        self._languages = LanguageChoice(model, settings)
        self._recognition = SpeechRecognition(model, settings)

    def __call__(self, spans: pa.Table) -> pa.Table:
        """Append `transcripts`, one per scene, in video time; none for spans that failed or have no scenes."""
        transcripts = [self._of_span(row) for row in spans.select(READS).to_pylist()]
        field = self.ADDS.field("transcripts")
        return spans.append_column(field, pa.array(transcripts, field.type))

    def transcribe(
        self, audio_s16: bytes, start_s: float, video_id: str = "", sample_s16: bytes | None = None
    ) -> tuple[tuple[Segment, ...], str]:
        """What is said, and in which language (ISO 639-1; empty where nothing is said).

        Args:
            audio_s16: mono, 16 kHz, signed 16 bit little-endian.
            start_s: video time of the first sample.
            video_id: of the video that `sample_s16` is from.
            sample_s16: sound from all over the video, by which its language is told; None: by `audio_s16`.
        """
        speech = speech_in(samples_of(audio_s16), self._settings)
        if not len(speech.samples):
            return (), ""
        language = self._languages.of_span(video_id, sample_s16, speech.samples)
        segments = tuple(_segment(heard, start_s) for heard in self._recognition.segments(speech, language))
        return segments, language if segments else ""

    def _of_span(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        if row["failure_code"] is not None or not row["scene_ids"]:
            return []
        times = zip(row["scene_ids"], row["scene_start_s"], row["scene_end_s"], strict=True)
        scenes = [Scene(scene_id, start_s, end_s) for scene_id, start_s, end_s in times]
        sound, start_s = row["audio_s16"] or b"", row["audio_start_s"] or 0.0
        segments, language = self.transcribe(sound, start_s, row["video_id"], row["language_audio_s16"])
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
