import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from actors.transcriber import Transcriber
from footage.model_settings import SpeechSettings
from footage.records import AUDIO_RATE_HZ
from footage.settings import Settings

CLIPS = Path(__file__).parents[2] / "samples"
NARRATED = [clip for clip in json.loads((CLIPS / "truth.json").read_text())["clips"] if clip["has_audio"]]


@pytest.fixture(scope="module")
def transcriber(offline: Settings) -> Transcriber:
    return Transcriber(offline.speech)


def audio_of(file: str) -> np.ndarray:
    from faster_whisper import decode_audio

    return decode_audio(str(CLIPS / "clips" / file), sampling_rate=AUDIO_RATE_HZ)


def s16(audio: np.ndarray) -> bytes:
    return (audio * 32767).clip(-32768, 32767).astype("<i2").tobytes()


def span(**values: Any) -> dict[str, Any]:
    scenes = {"scene_ids": [], "scene_start_s": [], "scene_end_s": []}
    sound = {"audio_s16": None, "audio_start_s": None, "language_audio_s16": None}
    return {"video_id": "video", "failure_code": None, **scenes, **sound, **values}


def table(*rows: dict[str, Any]) -> pa.Table:
    schema = pa.schema(
        [
            ("video_id", pa.string()),
            ("failure_code", pa.string()),
            ("scene_ids", pa.list_(pa.string())),
            ("scene_start_s", pa.list_(pa.float64())),
            ("scene_end_s", pa.list_(pa.float64())),
            ("audio_s16", pa.large_binary()),
            ("audio_start_s", pa.float64()),
            ("language_audio_s16", pa.large_binary()),
        ]
    )
    return pa.Table.from_pylist(list(rows), schema=schema)


def words_of(text: str) -> list[str]:
    return re.sub(r"[^a-z0-9' ]", " ", text.lower()).split()


def word_errors(expected: list[str], found: list[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(found) + 1))
    for position, word in enumerate(expected, 1):
        diagonal, row[0] = row[0], position
        for column, other in enumerate(found, 1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other))
    return row[-1]


def test_narrated_clips_are_understood_scene_by_scene(transcriber: Transcriber) -> None:
    errors = words = 0
    for clip in NARRATED:
        scenes = clip["scenes"]
        ids = [str(index) for index in range(len(scenes))]
        times = {name: [scene[name[6:]] for scene in scenes] for name in ("scene_start_s", "scene_end_s")}
        row = span(scene_ids=ids, audio_s16=s16(audio_of(clip["file"])), audio_start_s=0.0, **times)
        transcripts = transcriber(table(row)).column("transcripts").to_pylist()[0]
        for scene, transcript in zip(scenes, transcripts, strict=True):
            expected = words_of(scene["spoken"])
            words += len(expected)
            errors += word_errors(expected, words_of(transcript["text"]))
            assert transcript["language"] == ("en" if expected else "")
            spoken = [word for segment in transcript["segments"] for word in segment["words"]]
            assert "".join(word["text"] for word in spoken).strip() == transcript["text"]
            assert all(scene["start_s"] <= (word["start_s"] + word["end_s"]) / 2 < scene["end_s"] for word in spoken)
    assert words > 100
    assert errors / words <= 0.15


def test_the_same_audio_gives_the_same_words_at_its_own_time(transcriber: Transcriber) -> None:
    audio = audio_of("garage.mp4")
    plain, again, later = (transcriber.transcribe(s16(audio), start_s)[0] for start_s in (0.0, 0.0, 64.0))
    assert plain == again
    shifts = {
        round(b.start_s - a.start_s, 6)
        for x, y in zip(plain, later, strict=True)
        for a, b in zip(x.words, y.words, strict=True)
    }
    assert shifts == {64.0}


def test_what_is_no_speech_gives_no_words(transcriber: Transcriber) -> None:
    second = np.arange(AUDIO_RATE_HZ * 5, dtype=np.float32) / AUDIO_RATE_HZ
    noise = np.random.default_rng(0).normal(0, 0.05, AUDIO_RATE_HZ * 5)
    for audio in (np.zeros(0), np.zeros(1), np.zeros(AUDIO_RATE_HZ * 5), noise, 0.3 * np.sin(second * 2 * np.pi * 440)):
        assert transcriber.transcribe(s16(audio), 0.0) == ((), "")


def test_no_loop_is_left(transcriber: Transcriber) -> None:
    hurried = audio_of("garden_long_shot.mp4")[::3]  # three times too fast: tiny.en hears "you know, you know, ..."
    segments, _ = transcriber.transcribe(s16(hurried), 0.0)
    said = words_of(" ".join(segment.text for segment in segments))
    assert len(said) < 10


def test_hard_audio_gives_the_same_words_each_time(transcriber: Transcriber) -> None:
    # Speech backwards: so unlikely that sampling would set in, which makes up another text each time.
    backwards = s16(audio_of("garden_long_shot.mp4")[::-1][: 10 * AUDIO_RATE_HZ])
    first, *others = (transcriber.transcribe(backwards, 0.0) for _ in range(4))
    assert first[0]
    assert others == [first] * 3


def test_spans_without_sound_scenes_or_success(transcriber: Transcriber) -> None:
    silent = span(scene_ids=["a", "b"], scene_start_s=[0.0, 1.0], scene_end_s=[1.0, 2.0])
    failed = span(failure_code="undecodable_video", audio_s16=s16(audio_of("garage.mp4")), audio_start_s=0.0)
    spans = table(silent, failed, span(), span(scene_ids=None))
    result = transcriber(spans)
    nothing = {"text": "", "language": "", "segments": []}
    assert result.schema == pa.schema([*spans.schema, *Transcriber.ADDS])
    assert result.column("transcripts").to_pylist() == [[nothing, nothing], [], [], []]


def test_all_spans_of_a_video_are_heard_in_the_language_of_its_sample(whisper: Path) -> None:
    # Random weights: which language is chance, but these sounds by themselves are heard in different ones.
    settings = SpeechSettings(model=str(whisper), compute_type="float32", beam_size=1, min_logprob=-100)
    settings = settings.model_copy(update={"max_compression": 1e6, "no_speech_threshold": 1.0})
    transcriber = Transcriber(settings)
    garage, coast = (audio_of(file)[: 6 * AUDIO_RATE_HZ] for file in ("garage.mp4", "coast.mp4"))
    sounds = [s16(sound) for sound in (garage, coast, np.repeat(coast, 2), garage[::-1])]
    scene = {"scene_ids": ["a"], "scene_start_s": [0.0], "scene_end_s": [1e3], "audio_start_s": 0.0}

    def languages(**columns: Any) -> list[str]:
        rows = [span(audio_s16=sound, **scene, **columns) for sound in sounds]
        return [transcripts[0]["language"] for transcripts in transcriber(table(*rows))["transcripts"].to_pylist()]

    alone = languages()
    assert len(set(alone)) > 1
    assert languages(language_audio_s16=sounds[0]) == [alone[0]] * len(sounds)
    fixed = Transcriber(settings.model_copy(update={"language": "ko"}))
    assert fixed.transcribe(sounds[0], 0.0, "video", sounds[1])[1] == "ko"
