"""The pictures of scenes: small copies of some frames while decoding, JPEG for those that are chosen."""

from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np

from actors.even_places import even_places
from actors.frame_choice import Look, look_at, sharpest_places
from actors.frame_score import Pixels, pixels_of
from footage.decoder_settings import DecoderSettings

MAX_PER_SEGMENT = 240  # candidates of a scene of fixed length, which may be hours: 120 MB of copies of 768 x 432
GRID_ROUNDING = 1e-6  # a frame this share of a grid step before a grid point is on it: times are rounded


@dataclass(frozen=True, slots=True)
class ScenePictures:
    """JPEG pictures of one scene, key frames in time order."""

    key_frames: tuple[bytes, ...]
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class _Held:
    time_s: float
    small: av.VideoFrame  # yuv420p, not rotated: half the bytes of RGB
    rotation_deg: int  # counter-clockwise
    on_grid: bool  # a candidate; others are held for scenes that turn out to have none
    look: Look | None  # of candidates, where the choice needs it


def quarter_turns(frame: av.VideoFrame) -> int:
    """How often to turn a frame by 90 degrees counter-clockwise to show it as its display matrix says, 0 to 3."""
    return int(round(frame.rotation / 90) % 4)


def shown_size(frame: av.VideoFrame, sample_aspect: Fraction | None) -> tuple[int, int]:
    """Width and height as shown, with square pixels, before any rotation."""
    aspect = sample_aspect or Fraction(1)
    return max(1, round(frame.width * aspect)), frame.height


def fit(width_px: int, height_px: int, longer_px: int) -> tuple[int, int]:
    """The size scaled down, if need be, to this longer side; both even, as 4:2:0 colour wants it."""
    scale = min(1.0, longer_px / max(width_px, height_px))
    return max(2, round(width_px * scale / 2) * 2), max(2, round(height_px * scale / 2) * 2)


class KeyFrames:
    """Holds small copies of the frames that scenes may need and gives each scene its pictures.

    Candidates lie on a grid of video time: the first frame at or after each multiple of `key_frame_interval_s`. So
    they do not depend on where decoding began. The number held is bounded by the longest scene, not by the video;
    frames that may start a scene are held only until `settle` tells whether they did (in a strobe every frame may).
    """

    def __init__(self, settings: DecoderSettings, sample_aspect: Fraction | None) -> None:
        self._settings = settings
        self._interval_s, self._mark_s = settings.key_frame_interval_s, settings.max_shot_s
        if settings.segmentation == "fixed":
            self._interval_s = max(self._interval_s, settings.segment_s / MAX_PER_SEGMENT)
            self._mark_s = settings.segment_s
        self._sample_aspect = sample_aspect
        self._scaler = av.video.reformatter.VideoReformatter()
        self._painter = av.video.reformatter.VideoReformatter()
        self._held: deque[_Held] = deque()
        self._undecided_s: deque[float] = deque()  # times of frames held only because they may start a scene
        self._last: tuple[float, av.VideoFrame] | None = None

    def offer(self, time_s: float, frame: av.VideoFrame, may_start_scene: bool) -> None:
        """Takes the next decoded frame; a copy is held if it is a candidate or may be the first of a scene."""
        on_grid = self._last is None or self._grid(time_s) > self._grid(self._last[0])
        if self._last is not None and self._marks(time_s) > self._marks(self._last[0]):
            self.hold_last()  # it is what is seen at the mark, should no frame follow before the scene ends
            self._hold(time_s, frame, on_grid)
        elif on_grid or may_start_scene:
            self._hold(time_s, frame, on_grid)
            if not on_grid:
                self._undecided_s.append(time_s)
        self._last = (time_s, frame)

    def hold_last(self) -> None:
        """Holds the frame offered last, for a scene that has none of its own."""
        if self._last is None:
            return
        if self._undecided_s and self._undecided_s[-1] == self._last[0]:
            self._undecided_s.pop()  # it is held already, and is to stay
        if not self._held or self._held[-1].time_s < self._last[0]:
            self._hold(*self._last, on_grid=False)

    def settle(self, decided_until_s: float, scene_start_s: float | None) -> None:
        """Forgets frames that were held because a scene might start with them, and none did.

        Args:
            decided_until_s: where scenes start is known before this time.
            scene_start_s: where the latest scene starts; None while none has.
        """
        outdone_s = set()
        while self._undecided_s and self._undecided_s[0] < decided_until_s:
            outdone_s.add(self._undecided_s.popleft())
        outdone_s.discard(scene_start_s)
        if outdone_s:
            self._held = deque(held for held in self._held if held.time_s not in outdone_s)

    def drop_before(self, time_s: float) -> None:
        """Forgets what lies before a time, but for the last frame there: it may still be seen then."""
        while len(self._held) > 1 and self._held[1].time_s <= time_s:
            self._held.popleft()

    def take(self, start_s: float, end_s: float) -> ScenePictures:
        """The pictures of the scene [start_s, end_s); forgets what lies before its end.

        Up to `key_frames_per_scene` candidates, as `key_frame_choice` says (see frame_choice). Without a candidate: the
        scene's first frame; without any frame: the one that is seen at its start.
        """
        inside = [held for held in self._held if start_s <= held.time_s < end_s]
        chosen = self._choose([held for held in inside if held.on_grid], start_s, end_s) or inside[:1]
        if not chosen:
            before = [held for held in self._held if held.time_s < start_s]
            chosen = before[-1:] or [self._held[0]]
        pictures = [self._paint(held) for held in chosen]
        middle = pictures[len(pictures) // 2]
        width, height = fit(middle.shape[1], middle.shape[0], self._settings.thumbnail_px)
        thumbnail = cv2.resize(middle, (width, height), interpolation=cv2.INTER_AREA)
        self.drop_before(end_s)
        return ScenePictures(tuple(self._jpeg(picture) for picture in pictures), self._jpeg(thumbnail))

    def _choose(self, candidates: list[_Held], start_s: float, end_s: float) -> list[_Held]:
        wanted = self._settings.key_frames_per_scene
        looks = [held.look for held in candidates if held.look is not None]
        places = sharpest_places(looks, wanted, start_s, end_s) if looks else even_places(len(candidates), wanted)
        return [candidates[place] for place in places]

    def _hold(self, time_s: float, frame: av.VideoFrame, on_grid: bool) -> None:
        width, height = fit(*shown_size(frame, self._sample_aspect), self._settings.key_frame_max_px)
        small = self._scaler.reformat(
            frame, width=width, height=height, format="yuv420p", interpolation="BILINEAR", threads=1
        )
        is_seen = on_grid and self._settings.key_frame_choice == "sharpest"
        look = look_at(time_s, small) if is_seen else None
        self._held.append(_Held(time_s, small, 90 * quarter_turns(frame), on_grid, look))

    def _paint(self, held: _Held) -> Pixels:
        picture = pixels_of(self._painter.reformat(held.small, format="bgr24", interpolation="BILINEAR", threads=1))
        return np.ascontiguousarray(np.rot90(picture, held.rotation_deg // 90))

    def _jpeg(self, picture: Pixels) -> bytes:
        written, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, self._settings.jpeg_quality])
        if not written:
            raise RuntimeError(f"OpenCV wrote no JPEG of {picture.shape}")
        return bytes(data)

    def _grid(self, time_s: float) -> int:
        return int(time_s / self._interval_s + GRID_ROUNDING)

    def _marks(self, time_s: float) -> int:
        return int(time_s / self._mark_s)
