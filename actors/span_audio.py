"""The sound of a span: 16 kHz mono, placed by its time stamps."""

from collections.abc import Callable
from dataclasses import dataclass, field

import av

from footage.records import AUDIO_RATE_HZ

SAMPLE_BYTES = 2
# Within a run samples follow each other by count, which is exact; a stamp further off than this starts a new run.
# Containers round stamps to 1 ms at worst, recorders jitter by some: less than this moves no word noticeably.
JITTER_S = 0.010


@dataclass(slots=True)
class _Run:
    """Samples that follow each other without a gap."""

    first_sample: int  # position on the 16 kHz grid of video time
    samples: bytearray = field(default_factory=bytearray)

    @property
    def end_sample(self) -> int:
        return self.first_sample + len(self.samples) // SAMPLE_BYTES


class SpanAudio:
    """Collects decoded sound from `from_s` (video time, seconds) on; silence is made only at the end, where it is cut.

    Args:
        from_s: sound that ends before this is forgotten.
        seconds_of: a frame's video time from its own stamp, or None: then frames follow each other without a gap.
    """

    def __init__(self, from_s: float, seconds_of: Callable[[av.AudioFrame], float | None]) -> None:
        self._from_s = from_s
        self._seconds_of = seconds_of
        self._runs: list[_Run] = []
        self._resampler: av.AudioResampler | None = None
        self._format: tuple[object, ...] = ()
        self.next_s = 0.0  # where the next frame should begin

    def add(self, frame: av.AudioFrame) -> None:
        """Takes the next decoded frame."""
        stamp_s = self._seconds_of(frame)
        start_s = self.next_s if stamp_s is None else stamp_s
        end_s = start_s + frame.samples / frame.sample_rate
        if end_s < self._from_s:
            self.next_s = end_s
            return
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or abs(start_s - self.next_s) > JITTER_S or shape != self._format:
            self.finish()
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=AUDIO_RATE_HZ)
            self._format = shape
            self._runs.append(_Run(round(start_s * AUDIO_RATE_HZ)))
            self.next_s = start_s
        frame.pts = None  # placed already; the resampler would refuse a stamp that jumps
        self._append(self._resampler.resample(frame))
        self.next_s += frame.samples / frame.sample_rate

    def finish(self) -> None:
        """Takes what the resampler still holds."""
        if self._resampler is not None:
            self._append(self._resampler.resample(None))
            self._resampler = None

    def forget_before(self, time_s: float) -> None:
        """Forgets runs that end before a time."""
        first = time_s * AUDIO_RATE_HZ
        self._runs = [run for run in self._runs if run.end_sample >= first or run is self._runs[-1]]

    def cut(self, start_s: float, end_s: float) -> tuple[bytes, float]:
        """The samples of [start_s, end_s) (s16 little-endian) and the time of the first; no bytes if there is no sound.

        Gaps between runs are silence, where runs overlap the earlier one counts, and what lies before the first and
        after the last sound is left out. The collector is used up.
        """
        self.finish()
        start, end = round(start_s * AUDIO_RATE_HZ), round(end_s * AUDIO_RATE_HZ)
        self._runs = [run for run in self._runs if run.end_sample > start and run.first_sample < end and run.samples]
        if not self._runs:
            return b"", 0.0
        start = max(start, min(run.first_sample for run in self._runs))
        end = min(end, max(run.end_sample for run in self._runs))
        sound = bytearray((end - start) * SAMPLE_BYTES)
        filled = start
        for run in sorted(self._runs, key=lambda run: run.first_sample):
            first, last = max(filled, run.first_sample), min(end, run.end_sample)
            if first < last:
                part = memoryview(run.samples)[
                    (first - run.first_sample) * SAMPLE_BYTES : (last - run.first_sample) * SAMPLE_BYTES
                ]
                sound[(first - start) * SAMPLE_BYTES : (last - start) * SAMPLE_BYTES] = part
                filled = last
        self._runs = []
        return bytes(sound), start / AUDIO_RATE_HZ

    def _append(self, parts: list[av.AudioFrame]) -> None:
        for part in parts:
            # the plane may be padded; s16 mono is its first bytes, little-endian on every machine footage runs on
            self._runs[-1].samples += memoryview(part.planes[0])[: part.samples * SAMPLE_BYTES]
