import numpy as np
import pytest

from actors.speech_sound import Speech, pieces_of, samples_of, speech_in
from footage.model_settings import SpeechSettings
from footage.records import AUDIO_RATE_HZ
from tests.sounds import SAMPLES


def test_samples_are_fractions_of_the_full_scale() -> None:
    samples = samples_of(np.array([0, 16384, -32768, 32767], "<i2").tobytes())
    assert samples.dtype == np.float32
    assert samples.tolist() == [0.0, 0.5, -1.0, 32767 / 32768]


def test_speech_is_found_between_silences() -> None:
    from faster_whisper import decode_audio

    sound = decode_audio(str(SAMPLES / "clips" / "garage.mp4"), sampling_rate=AUDIO_RATE_HZ)
    speech = speech_in(sound, SpeechSettings())
    times = [(stretch["start"] / AUDIO_RATE_HZ, stretch["end"] / AUDIO_RATE_HZ) for stretch in speech.stretches]
    assert np.allclose(times, [(0.24, 5.6), (9.65, 14.0)], atol=0.1)  # two sentences, 0.4 s wider on both sides
    parts = [sound[stretch["start"] : stretch["end"]] for stretch in speech.stretches]
    assert np.array_equal(speech.samples, np.concatenate(parts))
    assert len(speech_in(sound, SpeechSettings(vad_min_silence_ms=5000)).stretches) == 1
    assert len(speech_in(sound, SpeechSettings(vad_threshold=0.999)).samples) < len(speech.samples)


@pytest.mark.parametrize("seconds", [0, 3])
def test_without_vad_all_sound_counts_as_speech(seconds: int) -> None:
    sound = np.zeros(seconds * AUDIO_RATE_HZ, np.float32)
    whole = [{"start": 0, "end": len(sound)}] if seconds else []
    assert speech_in(sound, SpeechSettings(vad=False)) == Speech(sound, whole)
    assert len(speech_in(sound, SpeechSettings()).samples) == 0


def test_long_speech_is_cut_for_batches() -> None:
    from faster_whisper import decode_audio

    sound = np.tile(decode_audio(str(SAMPLES / "clips" / "garage.mp4"), sampling_rate=AUDIO_RATE_HZ), 5)
    speech = speech_in(sound, SpeechSettings(batch_size=4, vad_min_silence_ms=10_000))
    pieces = pieces_of(speech)
    assert len(pieces) > 2
    assert all(0 < piece["end"] - piece["start"] <= 30 for piece in pieces)
    assert [piece["start"] for piece in pieces] == [0.0, *(piece["end"] for piece in pieces[:-1])]
    assert pieces[-1]["end"] == pytest.approx(len(speech.samples) / AUDIO_RATE_HZ)


def test_stretches_share_a_piece_while_they_fit() -> None:
    ends = [(0, 10), (15, 30), (40, 46), (50, 51)]
    stretches = [{"start": start * AUDIO_RATE_HZ, "end": end * AUDIO_RATE_HZ} for start, end in ends]
    assert pieces_of(Speech(np.zeros(0, np.float32), stretches)) == [
        {"start": 0.0, "end": 25.0},
        {"start": 25.0, "end": 32.0},
    ]
