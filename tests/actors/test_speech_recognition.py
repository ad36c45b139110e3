import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.speech_recognition import SpeechRecognition, in_smaller_batches, is_said
from actors.speech_sound import Samples, speech_in
from actors.whisper_model import open_whisper
from footage.errors import SettingsError
from footage.model_settings import SpeechSettings
from footage.records import AUDIO_RATE_HZ
from footage.settings import Settings
from tests.sounds import KOREAN, SAMPLES, spoken_in

Said = list[tuple[str, float, float]]


def wave_of(path: Path) -> Samples:
    from faster_whisper import decode_audio

    return decode_audio(str(path), sampling_rate=AUDIO_RATE_HZ)


@pytest.fixture(scope="module")
def garage() -> Samples:
    return wave_of(SAMPLES / "clips" / "garage.mp4")


@pytest.fixture(scope="module")
def korean() -> Samples:
    return wave_of(KOREAN)


def hear(settings: SpeechSettings, sound: Samples, language: str = "en", **changes: Any) -> Said:
    changed = settings.model_copy(update=changes)
    segments = SpeechRecognition(open_whisper(changed), changed).segments(speech_in(sound, changed), language)
    return [(word.word, word.start, word.end) for segment in segments for word in segment.words]


def text_of(said: Said) -> str:
    return re.sub(r"[^a-z ]", "", "".join(word for word, _, _ in said).lower()).strip()


def test_batches_give_what_one_piece_after_the_other_gives(offline: Settings) -> None:
    names = ["garage.mp4", "garden_long_shot.mp4"]
    sound = np.concatenate([wave_of(SAMPLES / "clips" / name) for name in names])  # 45 s of speech: two pieces
    single, batched = (hear(offline.speech, sound, batch_size=size) for size in (1, 4))
    assert text_of(single) == re.sub(r"[^a-z ]", "", " ".join(spoken_in(name) for name in names).lower())
    assert text_of(batched) == text_of(single)
    off_s = [(abs(a[1] - b[1]), abs(a[2] - b[2])) for a, b in zip(single, batched, strict=True)]
    assert np.median(off_s) <= 0.04
    assert np.max(off_s) < 0.6


def test_batches_need_pauses_to_cut_at(whisper: Path) -> None:
    settings = SpeechSettings(model=str(whisper), vad=False, batch_size=4)
    with pytest.raises(SettingsError, match=r"batch_size is 4, but speech.vad, .* is off"):
        SpeechRecognition(open_whisper(settings), settings)


def test_a_loop_does_not_take_what_is_said_beside_it(offline: Settings, garage: Samples, korean: Samples) -> None:
    # Korean, which this model does not know, sends it into a loop that goes on through the English after it.
    said = hear(offline.speech, np.concatenate([korean, garage]))
    alone = hear(offline.speech, garage)
    assert text_of(said).endswith(text_of(alone))
    shift_s = len(korean) / AUDIO_RATE_HZ
    off_s = [abs(a[1] - b[1] - shift_s) for a, b in zip(said[-len(alone) :], alone, strict=True)]
    assert np.median(off_s) <= 0.1
    assert max(off_s) < 0.8  # the first word, which Whisper lets begin in the pause before


def test_a_text_that_stays_a_loop_is_left_out(offline: Settings, korean: Samples) -> None:
    assert hear(offline.speech, korean) == []
    assert len(hear(offline.speech, korean, max_compression=100)) > 10


def test_without_vad_silence_is_heard_as_words(offline: Settings) -> None:
    silence = np.zeros(5 * AUDIO_RATE_HZ, np.float32)
    guards_off = {"no_speech_threshold": 1.0}
    assert hear(offline.speech, silence, **guards_off) == []
    assert hear(offline.speech, silence, vad=False) == []  # Whisper's own doubt is enough here
    assert text_of(hear(offline.speech, silence, vad=False, **guards_off)) == "you"


def test_settings_reach_the_decoder(whisper: Path, garage: Samples) -> None:
    # Random weights: what is said is chance, but it changes with whatever the decoder is given.
    settings = SpeechSettings(
        model=str(whisper), compute_type="float32", beam_size=1, max_compression=1e6, min_logprob=-100
    )
    sound = garage[: 4 * AUDIO_RATE_HZ]
    plain = hear(settings, sound)
    assert hear(settings, sound) == plain
    assert hear(settings, sound, "ko") != plain
    for name, value in {"beam_size": 3, "repetition_penalty": 1.5, "no_repeat_ngram_size": 1, "batch_size": 2}.items():
        assert hear(settings, sound, **{name: value}) != plain


def segment(no_speech_prob: float, avg_logprob: float, *probabilities: float) -> Any:
    from faster_whisper.transcribe import Segment, Word

    words = [Word(start=0.0, end=0.5, word=" a", probability=probability) for probability in probabilities]
    return Segment(
        id=1,
        seek=0,
        start=0.0,
        end=1.0,
        text=" a",
        tokens=[],
        avg_logprob=avg_logprob,
        compression_ratio=1.0,
        no_speech_prob=no_speech_prob,
        words=words,
        temperature=0.0,
    )


def test_what_was_never_said_is_told_by_doubt_and_improbable_words() -> None:
    settings = SpeechSettings(no_speech_threshold=0.6, min_logprob=-1.0)
    assert is_said(segment(0.5, -2.0, 0.1), settings)
    assert not is_said(segment(0.5, -0.1), settings)
    assert is_said(segment(0.7, -0.5, 0.9, 0.5), settings)
    assert not is_said(segment(0.7, -0.5, 0.9, 0.2), settings)
    assert not is_said(segment(0.7, -1.5, 0.9), settings)
    assert is_said(segment(0.5, -2.0, 0.7), settings, doubtful=True)
    assert not is_said(segment(0.5, -0.1, 0.5), settings, doubtful=True)
    assert is_said(replace(segment(0.7, -1.5, 0.1)), SpeechSettings(no_speech_threshold=1.0))


def test_batches_are_halved_until_they_fit_and_stay_so(caplog: pytest.LogCaptureFixture) -> None:
    def fits_two(size: int) -> str:
        if size > 2:
            raise RuntimeError("CUDA failed with error out of memory")
        return f"{size} at once"

    with caplog.at_level(logging.WARNING):
        assert in_smaller_batches(fits_two, 16) == ("2 at once", 2)
    assert [record.getMessage() for record in caplog.records] == [
        f"The GPU has no memory for {size} pieces of sound at once: {size // 2} from now on." for size in (16, 8, 4)
    ]
    caplog.clear()
    assert in_smaller_batches(fits_two, 2) == ("2 at once", 2)
    assert caplog.records == []


@pytest.mark.parametrize("reason", ["CUDA failed with error out of memory", "invalid device ordinal"])
def test_what_smaller_batches_cannot_mend_is_raised(reason: str) -> None:
    tried: list[int] = []

    def fail(size: int) -> None:
        tried.append(size)
        raise RuntimeError(reason)

    with pytest.raises(RuntimeError, match=reason):
        in_smaller_batches(fail, 4)
    assert tried == ([4, 2, 1] if "memory" in reason else [4])
