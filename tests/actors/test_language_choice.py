"""The Whisper here has random weights: the language it names is chance, but another one for other sounds."""

from pathlib import Path

import numpy as np
import pytest

from actors.language_choice import LanguageChoice, windows_of
from actors.speech_sound import Samples, samples_of
from actors.whisper_model import open_whisper
from footage.model_settings import SpeechSettings
from footage.records import AUDIO_RATE_HZ
from footage.settings import Settings
from tests.sounds import s16

SECOND = AUDIO_RATE_HZ


@pytest.fixture(scope="module")
def settings(whisper: Path) -> SpeechSettings:
    return SpeechSettings(model=str(whisper), compute_type="float32", vad=False)


@pytest.fixture(scope="module")
def choice(settings: SpeechSettings) -> LanguageChoice:
    return LanguageChoice(open_whisper(settings), settings)


@pytest.fixture(scope="module")
def sounds(choice: LanguageChoice, clips: Path) -> dict[str, bytes]:
    """Three sounds of 30 s that the model hears in three languages, by these."""
    from faster_whisper import decode_audio

    found: dict[str, bytes] = {}
    for name in ("garage", "coast", "kitchen_office", "garden_long_shot", "window"):
        wave = decode_audio(str(clips / f"{name}.mp4"), sampling_rate=AUDIO_RATE_HZ)
        for change in (wave, wave[::-1], wave[::2], np.repeat(wave, 2)):
            sound = s16(np.resize(change, 30 * SECOND)).tobytes()
            found.setdefault(choice.detect(samples_of(sound)), sound)
    assert len(found) >= 3
    return dict(list(found.items())[:3])


def test_every_span_is_heard_in_the_language_of_the_sample(choice: LanguageChoice, sounds: dict[str, bytes]) -> None:
    (one, sample), *others = sounds.items()
    for other, span in others:
        assert other != one
        assert choice.of_span("video", sample, samples_of(span)) == one
        assert choice.of_span("video of one span", None, samples_of(span)) == other


def test_a_sample_is_heard_once(settings: SpeechSettings, sounds: dict[str, bytes]) -> None:
    choice = LanguageChoice(open_whisper(settings), settings, remembered=2)
    (one, sample), (other, later), _ = sounds.items()
    assert choice.of_span("video", sample, samples_of(later)) == one
    assert choice.of_span("video", later, samples_of(later)) == one
    for video in ("second", "third"):
        assert choice.of_span(video, later, samples_of(sample)) == other
    assert choice.of_span("video", later, samples_of(later)) == other


def test_a_sample_without_speech_leaves_it_to_the_span(settings: SpeechSettings, sounds: dict[str, bytes]) -> None:
    with_vad = settings.model_copy(update={"vad": True})
    choice = LanguageChoice(open_whisper(with_vad), with_vad)
    for language, sound in sounds.items():
        assert choice.of_span("video", bytes(60 * SECOND), samples_of(sound)) == language


def test_the_whole_length_decides_not_its_first_window(choice: LanguageChoice, sounds: dict[str, bytes]) -> None:
    (_, first), (other, rest), _ = sounds.items()
    assert choice.detect(samples_of(first + 5 * rest)) == other


def test_the_settings_decide_before_the_sound(settings: SpeechSettings, sounds: dict[str, bytes]) -> None:
    korean = settings.model_copy(update={"language": "ko"})
    choice = LanguageChoice(open_whisper(korean), korean)
    assert {choice.of_span("video", sound, samples_of(sound)) for sound in sounds.values()} == {"ko"}


def test_a_model_that_knows_english_only_is_not_asked(offline: Settings, sounds: dict[str, bytes]) -> None:
    unset = offline.speech.model_copy(update={"language": None})
    choice = LanguageChoice(open_whisper(unset), unset)
    assert {choice.of_span("video", sound, samples_of(sound)) for sound in sounds.values()} == {"en"}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.5, [(0, 0.5)]),
        (30, [(0, 30)]),
        (70, [(0, 30), (30, 30), (60, 10)]),
        (120, [(0, 30), (30, 30), (60, 30), (90, 30)]),
        (330, [(0, 30), (100, 30), (200, 30), (300, 30)]),
    ],
)
def test_windows_are_spread_over_the_speech(seconds: float, expected: list[tuple[float, float]]) -> None:
    speech: Samples = np.arange(round(seconds * SECOND), dtype=np.float32)
    assert [(window[0] / SECOND, len(window) / SECOND) for window in windows_of(speech)] == expected
