"""Which language is spoken in a video: settled once, so that all its spans are heard in the same one."""

from collections import OrderedDict
from typing import Any

import numpy as np

from actors.speech_sound import WINDOW_S, Samples, samples_of, speech_in
from footage.model_settings import SpeechSettings
from footage.records import AUDIO_RATE_HZ

WINDOW_SAMPLES = WINDOW_S * AUDIO_RATE_HZ
# Each window costs a pass of the encoder. A span of ten minutes takes twenty to transcribe: this adds a fifth at most.
MOST_WINDOWS = 4
# An actor works on few videos at a time; one that comes again later is detected again, with the same result.
REMEMBERED_VIDEOS = 256


class LanguageChoice:
    """The language that each video is heard in: the one of the settings; else English, if the model knows no other;
    else what Whisper detects.

    Args:
        model: a faster_whisper.WhisperModel.
        settings: `language` wins over detection; `vad` says whether silence is left out before it.
        remembered: for so many videos the language is kept, those before are forgotten.
    """

    def __init__(self, model: Any, settings: SpeechSettings, remembered: int = REMEMBERED_VIDEOS) -> None:
        self._model = model
        self._settings = settings
        self._fixed = settings.language or (None if model.model.is_multilingual else "en")
        self._remembered = remembered
        self._of_video: OrderedDict[str, str | None] = OrderedDict()

    def of_span(self, video_id: str, sample_s16: bytes | None, speech: Samples) -> str:
        """The language (ISO 639-1) of a span of a video.

        Args:
            video_id: of the video; its sample is heard once.
            sample_s16: sound from all over the video, the same for each of its spans (s16, 16 kHz, mono), or None for
                a video of one span, whose own sound is all there is.
            speech: the span's own, joined; not empty. It decides too where nobody speaks in the sample, since
                then speech is so rare that nothing better is known.
        """
        if self._fixed is not None:
            return self._fixed
        language = None if sample_s16 is None else self._of_sample(video_id, sample_s16)
        return language or self.detect(speech)

    def detect(self, speech: Samples) -> str:
        """The language most probable over windows of 30 s, evenly placed over speech that is not empty.

        Probabilities are summed over the windows, each weighted by its length. faster-whisper's own detection ends at
        the first window above 0.5, so that a foreign greeting would decide for the whole video.
        """
        votes: dict[str, float] = {}
        for window in windows_of(speech):
            _, _, probabilities = self._model.detect_language(audio=window)
            for language, probability in probabilities:
                votes[language] = votes.get(language, 0.0) + probability * len(window)
        return max(votes, key=lambda language: (votes[language], language))

    def _of_sample(self, video_id: str, sample_s16: bytes) -> str | None:
        if video_id not in self._of_video:
            speech = speech_in(samples_of(sample_s16), self._settings).samples
            self._of_video[video_id] = self.detect(speech) if len(speech) else None
            if len(self._of_video) > self._remembered:
                self._of_video.popitem(last=False)
        return self._of_video[video_id]


def windows_of(speech: Samples) -> list[Samples]:
    """Windows of 30 s that follow each other, the last one shorter; of longer speech four, from its start to its end.

    >>> [len(window) / AUDIO_RATE_HZ for window in windows_of(np.zeros(70 * AUDIO_RATE_HZ, np.float32))]
    [30.0, 30.0, 10.0]
    """
    if len(speech) <= MOST_WINDOWS * WINDOW_SAMPLES:
        starts = list(range(0, len(speech), WINDOW_SAMPLES))
    else:
        starts = [int(start) for start in np.linspace(0, len(speech) - WINDOW_SAMPLES, MOST_WINDOWS)]
    return [speech[start : start + WINDOW_SAMPLES] for start in starts]
