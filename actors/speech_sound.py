"""Sound as Whisper takes it, and what of it is speech."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from footage.model_settings import SpeechSettings
from footage.records import AUDIO_RATE_HZ

Samples = npt.NDArray[np.float32]  # 16 kHz mono, in [-1, 1)
WINDOW_S = 30  # what Whisper hears at once


@dataclass(frozen=True)
class Speech:
    """The stretches of a sound in which somebody speaks, joined."""

    samples: Samples
    stretches: Sequence[dict[str, int]]  # `start` and `end`, in samples of the whole sound


def samples_of(audio_s16: bytes) -> Samples:
    """Samples in [-1, 1) of signed 16 bit little-endian ones."""
    return np.frombuffer(audio_s16, "<i2").astype(np.float32) / np.float32(32768)


def speech_in(sound: Samples, settings: SpeechSettings) -> Speech:
    """What Silero VAD (https://github.com/snakers4/silero-vad) takes for speech; without VAD all of the sound.

    It is what keeps music out: of 18 minutes of recorded music it took nothing, of made music not a tone.
    """
    if not settings.vad:
        return Speech(sound, [{"start": 0, "end": len(sound)}] if len(sound) else [])
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(threshold=settings.vad_threshold, min_silence_duration_ms=settings.vad_min_silence_ms)
    if settings.batch_size > 1:
        options.max_speech_duration_s = WINDOW_S  # longer speech is cut at its last short pause
    stretches = get_speech_timestamps(sound, options) if len(sound) else []
    parts = [sound[stretch["start"] : stretch["end"]] for stretch in stretches]
    return Speech(np.concatenate(parts) if parts else sound[:0], stretches)


def pieces_of(speech: Speech) -> list[dict[str, float]]:
    """Pieces of at most 30 s, cut where stretches meet: `start` and `end` in seconds of the joined samples.

    >>> pieces_of(Speech(np.zeros(0), [{"start": 0, "end": 16000 * 20}, {"start": 400000, "end": 400000 + 16000 * 15}]))
    [{'start': 0.0, 'end': 20.0}, {'start': 20.0, 'end': 35.0}]
    """
    pieces: list[dict[str, float]] = []
    at = 0.0
    for stretch in speech.stretches:
        end = at + (stretch["end"] - stretch["start"]) / AUDIO_RATE_HZ
        if pieces and end - pieces[-1]["start"] <= WINDOW_S:
            pieces[-1]["end"] = end
        else:
            pieces.append({"start": at, "end": end})
        at = end
    return pieces
