"""Hears speech with Whisper: the same sound always gives the same words."""

import logging
from collections.abc import Callable
from itertools import groupby
from typing import Any, TypeVar

import numpy as np

from actors.speech_sound import WINDOW_S, Samples, Speech, pieces_of
from footage.errors import SettingsError
from footage.model_settings import SpeechSettings
from footage.records import AUDIO_RATE_HZ

LOG = logging.getLogger(__name__)
T = TypeVar("T")

FRAMES_PER_S = 100  # in which faster-whisper counts where a window begins
# Where a text loops its window is decoded again without any three tokens twice. Measured with tiny.en on English before
# and after Korean, which it does not know, in the same windows: of 14 English sentences 7 are right if loops are only
# left out, 13 if they are decoded again; with five tokens instead of three 12, and more of what it makes of Korean.
SECOND_NGRAM = 3
# Below this mean probability of its words a doubtful text is a hallucination. Measured with tiny.en: of sung vowels,
# which VAD lets through in part, 3 texts are left in 80 pieces, 12 by the paper's rule alone ("Thank you." has a mean
# log probability far above min_logprob). Of 160 texts of recorded telephone prompts none is lost, nor of 131 of prompts
# in music that is 10 or 3 dB softer, and at 3 dB louder 2 of 46, both made up.
LEAST_MEAN_PROBABILITY = 0.6


class SpeechRecognition:
    """Whisper's segments of a stretch of speech, without those that were never said.

    Decoding is at temperature 0 only. The usual fallback to higher temperatures samples at random: on hard audio three
    runs gave three texts, also with CTranslate2's seed set before each. What the fallback is there to mend, loops
    (`max_compression`), is mended by decoding the window once more without repetitions, and else left out.

    Args:
        model: a faster_whisper.WhisperModel.
        settings: all but where the model runs.

    Raises:
        SettingsError: batches are asked for, but not the VAD that cuts speech into the pieces of a batch.
    """

    def __init__(self, model: Any, settings: SpeechSettings) -> None:
        if settings.batch_size > 1 and not settings.vad:
            raise SettingsError(
                f"speech.batch_size is {settings.batch_size}, but speech.vad, which finds the pauses to cut at, is"
                f" off; turn it on, or set batch_size to 1."
            )
        self._model = model
        self._settings = settings
        self._batch_size = settings.batch_size

    def segments(self, speech: Speech, language: str) -> list[Any]:
        """What is said: faster_whisper.transcribe.Segment with words, whose times count from the sound's first sample.

        Args:
            speech: as speech_in() finds it.
            language: of it (ISO 639-1).
        """
        if not len(speech.samples):
            return []
        from faster_whisper.transcribe import restore_speech_timestamps

        if self._settings.batch_size == 1:
            heard = self._heard(speech.samples, language, self._settings.no_repeat_ngram_size)
        else:
            heard, self._batch_size = in_smaller_batches(
                lambda size: self._heard_in_batches(speech, language, size), self._batch_size
            )
        said = self._without_hallucinations(heard, speech.samples, language)
        return list(restore_speech_timestamps(said, speech.stretches, AUDIO_RATE_HZ))

    def _heard(self, samples: Samples, language: str, no_repeat_ngram_size: int) -> list[Any]:
        return list(self._model.transcribe(samples, **self._options(language, no_repeat_ngram_size))[0])

    def _heard_in_batches(self, speech: Speech, language: str, size: int) -> list[Any]:
        from faster_whisper import BatchedInferencePipeline

        # Made for each call: it carries where speech ended last, also out of a call that failed.
        pipeline = BatchedInferencePipeline(self._model)
        options = self._options(language, self._settings.no_repeat_ngram_size)
        pieces = pieces_of(speech)
        return list(pipeline.transcribe(speech.samples, batch_size=size, clip_timestamps=pieces, **options)[0])

    def _options(self, language: str, no_repeat_ngram_size: int) -> dict[str, Any]:
        settings = self._settings
        return {
            "language": language,
            "beam_size": settings.beam_size,
            "temperature": 0.0,
            "vad_filter": False,  # done before, and once for all uses
            "word_timestamps": True,
            # A window that went wrong would lead the next ones into the same loop, for the rest of the span.
            "condition_on_previous_text": False,
            "no_speech_threshold": settings.no_speech_threshold,
            "log_prob_threshold": settings.min_logprob,
            "repetition_penalty": settings.repetition_penalty,
            "no_repeat_ngram_size": no_repeat_ngram_size,
        }

    def _without_hallucinations(self, heard: list[Any], samples: Samples, language: str) -> list[Any]:
        """The segments that count as said; windows that loop are heard once more."""
        windows = [(seek, list(segments)) for seek, segments in groupby(heard, key=lambda segment: segment.seek)]
        ends = [*(seek for seek, _ in windows), len(samples) * FRAMES_PER_S // AUDIO_RATE_HZ][1:]
        said = []
        for (seek, segments), end in zip(windows, ends, strict=True):
            loops = any(self._loops(segment) for segment in segments)
            if loops:
                segments = self._heard_again(samples, seek, min(end, seek + WINDOW_S * FRAMES_PER_S), language)
            said += [segment for segment in segments if is_said(segment, self._settings, doubtful=loops)]
        return said

    def _heard_again(self, samples: Samples, seek: int, end: int, language: str) -> list[Any]:
        """A window decoded without repetitions; nothing if that was done in the first place."""
        if 0 < self._settings.no_repeat_ngram_size <= SECOND_NGRAM:
            return []
        window = samples[seek * AUDIO_RATE_HZ // FRAMES_PER_S : end * AUDIO_RATE_HZ // FRAMES_PER_S]
        segments = self._heard(window, language, SECOND_NGRAM)
        for word in (word for segment in segments for word in segment.words or ()):
            word.start += seek / FRAMES_PER_S
            word.end += seek / FRAMES_PER_S
        return [segment for segment in segments if not self._loops(segment)]

    def _loops(self, segment: Any) -> bool:
        return bool(segment.compression_ratio > self._settings.max_compression)


def is_said(segment: Any, settings: SpeechSettings, doubtful: bool = False) -> bool:
    """Whether a segment has words, and is not made up: a doubtful one needs probable words.

    One that Whisper itself takes for no speech (`no_speech_threshold`) is doubtful, and silence if it is decoded with
    little confidence (`min_logprob`), which faster-whisper does not look at in batches.
    """
    if not segment.words:
        return False
    if segment.no_speech_prob > settings.no_speech_threshold:
        if segment.avg_logprob < settings.min_logprob:
            return False
        doubtful = True
    return not doubtful or float(np.mean([word.probability for word in segment.words])) >= LEAST_MEAN_PROBABILITY


def in_smaller_batches(run: Callable[[int], T], size: int) -> tuple[T, int]:
    """What `run(size)` gives, and the size: halved, and said so, for as long as a GPU has no memory for it.

    Raises:
        RuntimeError: of any other kind, or out of memory with a batch of one.
    """
    while True:
        try:
            return run(size), size
        except RuntimeError as error:
            # CTranslate2 has no type of its own for it, and says "out of memory", or what cuBLAS does.
            if size == 1 or not any(sign in str(error) for sign in ("out of memory", "ALLOC_FAILED")):
                raise
            LOG.warning("The GPU has no memory for %d pieces of sound at once: %d from now on.", size, size // 2)
            size //= 2
