"""Speech and music for tests, as mono s16 samples at media.SOUND_RATE_HZ."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.media import SOUND_RATE_HZ

SAMPLES = Path(__file__).parents[1] / "samples"
KOREAN = Path(__file__).parent / "fixtures" / "korean_speech.ogg"
Samples = npt.NDArray[np.int16]
Wave = npt.NDArray[np.float64]


def clip_sound(name: str) -> Samples:
    """The English narration of a sample clip."""
    return sound_of(SAMPLES / "clips" / name)


def spoken_in(name: str) -> str:
    """What is said in a sample clip."""
    clips = json.loads((SAMPLES / "truth.json").read_text())["clips"]
    return next(str(clip["spoken"]) for clip in clips if clip["file"] == name)


def sound_of(path: Path) -> Samples:
    """The sound of a file."""
    from faster_whisper import decode_audio

    return s16(decode_audio(str(path), sampling_rate=SOUND_RATE_HZ))


def s16(wave: npt.NDArray[np.floating]) -> Samples:
    """Samples of a wave in [-1, 1]."""
    return (wave * 32767).clip(-32768, 32767).astype(np.int16)


def music(seconds: float) -> Samples:
    """A band: chords of strings, an arpeggio of a piano, and drums."""
    piano = [60, 64, 67, 72, 67, 64, 57, 60, 64, 69, 64, 60, 53, 57, 60, 65, 60, 57, 55, 59, 62, 67, 62, 59]
    strings = [(60, 64, 67), (57, 60, 64), (53, 57, 60), (55, 59, 62)]
    arpeggio = _loop(np.concatenate([_note(pitch, 0.25, decay=3) for pitch in piano]), seconds)
    bars = np.concatenate([sum(_note(pitch, 1.5, decay=0) for pitch in chord) for chord in strings])
    band = 0.5 * arpeggio + 0.2 * _loop(bars, seconds) + 0.5 * _loop(_drums(), seconds)
    return s16(0.6 * band / np.abs(band).max())


def noise(seconds: float) -> Samples:
    """White noise, as loud as speech."""
    return s16(np.random.default_rng(0).normal(0, 0.1, round(seconds * SOUND_RATE_HZ)))


def _time(seconds: float) -> Wave:
    return np.arange(round(seconds * SOUND_RATE_HZ)) / SOUND_RATE_HZ


def _note(pitch: int, seconds: float, decay: float) -> Wave:
    """A tone (MIDI pitch) with overtones, which swells in 20 ms and fades in the last 50."""
    at = _time(seconds)
    frequency_hz = 440 * 2 ** ((pitch - 69) / 12)
    tone = sum(np.sin(2 * np.pi * frequency_hz * partial * at) / partial**1.5 for partial in range(1, 6))
    return tone * np.minimum(1, np.minimum(at / 0.02, (seconds - at) / 0.05)) * np.exp(-decay * at / seconds)


def _drums() -> Wave:
    """A bar of 1 s: bass drum, hi-hat, snare, hi-hat."""
    at = _time(0.25)
    hiss = np.random.default_rng(0).normal(0, 1, len(at))
    bass = np.sin(2 * np.pi * (50 + 80 * np.exp(-30 * at)) * at) * np.exp(-12 * at)
    hat = 0.2 * hiss * np.exp(-60 * at)
    return np.concatenate([bass, hat, 0.5 * hiss * np.exp(-20 * at), hat])


def _loop(wave: Wave, seconds: float) -> Wave:
    return np.resize(wave, round(seconds * SOUND_RATE_HZ))
