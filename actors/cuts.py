"""Where a video is divided into scenes: a local rule on frame scores, usable online with bounded memory.

Scene ids depend on these boundaries, so no decision may depend on where decoding began. PySceneDetect's stock detectors
carry state (their minimum length counts from the last accepted cut); here a cut depends only on frames within
`min_scene_s` and a few frames of it, and a mark only on the cuts of its own window. docs/decisions/0001-mark-windows.md
tells why the windows lie as they do.
"""

import math
from collections import deque
from dataclasses import dataclass, field

from footage.decoder_settings import DecoderSettings

WINDOW = 3  # frames on each side whose mean a cut must stand out from (best in PySceneDetect's own sweep)
ROUNDING_S = 1e-6  # times are ratios of integers as floats: two frames exactly min_scene_s apart count as such


@dataclass(frozen=True, slots=True)
class CutRule:
    """The numbers of the rule; see DecoderSettings for their meaning and source."""

    min_score: float
    ratio: float
    min_scene_s: float
    max_shot_s: float
    warm_up_frames: int = WINDOW + 1  # before the first that is judged: the very first score is void

    @classmethod
    def of(cls, settings: DecoderSettings) -> "CutRule":
        """The rule that these settings ask for."""
        return cls(settings.cut_score, settings.cut_ratio, settings.min_scene_s, settings.max_shot_s)

    def next_mark(self, time_s: float) -> int:
        """The number k >= 1 of the first mark k * max_shot_s at or after a time."""
        k = max(1, math.ceil(time_s / self.max_shot_s))
        # ceil() of a rounded quotient can be one too many or too few
        while k > 1 and (k - 1) * self.max_shot_s >= time_s:
            k -= 1
        while k * self.max_shot_s < time_s:
            k += 1
        return k

    def cuts_needed_from_s(self, start_s: float) -> float:
        """Cuts from here on must be known to decide every boundary at or after `start_s` (may be negative)."""
        window_start_s = (self.next_mark(start_s) - 1) * self.max_shot_s + self.min_scene_s
        return min(start_s, window_start_s)

    def judged_from_s(self, start_s: float) -> float:
        """Frames from here on decide every boundary at or after `start_s` (may be negative)."""
        return self.cuts_needed_from_s(start_s) - self.min_scene_s

    def finder(self, first_frame_s: float, from_video_start: bool) -> "BoundaryFinder":
        """What takes the frames of one pass."""
        return BoundaryFinder(self, first_frame_s, from_video_start)


@dataclass(slots=True)
class _Candidate:
    time_s: float
    score: float


@dataclass(slots=True)
class BoundaryFinder:
    """Takes frames in time order and gives the boundaries between scenes (cuts and marks) in time order.

    A cut is a frame that scores at least `min_score` and `ratio` times the mean of the WINDOW scores on each side, is
    at least `min_scene_s` after the video's first frame, and has no better candidate (higher score, then earlier) less
    than `min_scene_s` away. The mark k * max_shot_s (k >= 1) is a boundary unless a cut lies in
    (mark - max_shot_s + min_scene_s, mark + min_scene_s] or the video ends there or before.

    Started in the middle of a video, boundaries are right where all frames that they depend on were given:
    `CutRule.cuts_needed_from_s`, and before that `min_scene_s` and WINDOW + 1 frames (the first frame's score is void).
    """

    rule: CutRule
    first_frame_s: float  # of the video, not of what is given here
    from_video_start: bool = True  # False: the first frame given is somewhere in the middle
    _times_s: deque[float] = field(default_factory=lambda: deque(maxlen=2 * WINDOW + 1))
    _scores: deque[float] = field(default_factory=lambda: deque(maxlen=2 * WINDOW + 1))
    _candidates: deque[_Candidate] = field(default_factory=deque)  # the undecided ones and those near them
    _decided: int = 0  # how many of the candidates are decided
    _last_cut_s: float = -math.inf
    _mark: int = 1  # number of the first mark that is not decided

    def add(self, time_s: float, score: float) -> list[float]:
        """Takes the next frame (its time must rise) and gives the boundaries that are certain now, in seconds."""
        if not self._times_s and not self.from_video_start:
            self._mark = self.rule.next_mark(time_s)
        self._times_s.append(time_s)
        self._scores.append(score)
        if len(self._times_s) == 2 * WINDOW + 1:
            self._judge_middle()
            known_until_s = self._times_s[WINDOW + 1]
            found = self._decide_cuts(known_until_s)
            return found + self._marks_before(self._cuts_known_until_s(known_until_s))
        return []

    def finish(self, end_s: float) -> list[float]:
        """Takes the end of the video and gives the remaining boundaries. The finder is used up."""
        return self._decide_cuts(math.inf) + self._marks_before(end_s)

    @property
    def decided_until_s(self) -> float:
        """Every boundary before this time has been given."""
        known_s = self._cuts_known_until_s(self._times_s[WINDOW + 1] if len(self._times_s) > 2 * WINDOW else -math.inf)
        return min(known_s, self._mark * self.rule.max_shot_s)

    def _judge_middle(self) -> None:
        time_s, score = self._times_s[WINDOW], self._scores[WINDOW]
        mean = (sum(self._scores) - score) / (2 * WINDOW)
        if score >= self.rule.min_score and score >= self.rule.ratio * mean:
            self._candidates.append(_Candidate(time_s, score))

    def _cuts_known_until_s(self, judged_until_s: float) -> float:
        if self._decided < len(self._candidates):
            return self._candidates[self._decided].time_s
        return judged_until_s

    def _decide_cuts(self, judged_until_s: float) -> list[float]:
        """Decides the candidates that no later frame can outdo; every frame before `judged_until_s` is judged."""
        found: list[float] = []
        near_s = self.rule.min_scene_s - ROUNDING_S
        while self._decided < len(self._candidates):
            time_s = self._candidates[self._decided].time_s
            if judged_until_s < time_s + near_s:
                break  # a better one may still come
            while time_s - self._candidates[0].time_s >= near_s:
                self._candidates.popleft()
                self._decided -= 1
            if self._is_best(self._decided, near_s) and time_s - self.first_frame_s >= near_s:
                found += self._marks_before(time_s)
                found.append(time_s)
                self._last_cut_s = time_s
            self._decided += 1
        return found

    def _is_best(self, index: int, near_s: float) -> bool:
        mine = self._candidates[index]
        for position, other in enumerate(self._candidates):
            if abs(other.time_s - mine.time_s) >= near_s or position == index:
                continue
            if other.score > mine.score or (other.score == mine.score and position < index):
                return False
        return True

    def _marks_before(self, known_until_s: float) -> list[float]:
        """The marks whose window ends before a time, up to which all cuts are known and frames exist."""
        found = []
        while (mark_s := self._mark * self.rule.max_shot_s) + self.rule.min_scene_s < known_until_s:
            if self._last_cut_s <= mark_s - self.rule.max_shot_s + self.rule.min_scene_s:
                found.append(mark_s)
            self._mark += 1
        return found
