"""How much two neighbouring frames differ: PySceneDetect's frame score, without its detectors.

ContentDetector's `content_val` with default weights is the mean absolute difference of hue, saturation and value over
all pixels (https://www.scenedetect.com/docs/, ContentDetector). Read through its StatsManager it also pays for an edge
map that has weight 0; the same number is one OpenCV norm. PySceneDetect itself is not needed to run: a test holds the
scores equal to its.
"""

import av
import cv2
import numpy as np
import numpy.typing as npt

MAX_ASPECT = 4  # an absurdly tall frame is squeezed to this, so that its small copy is small

Pixels = npt.NDArray[np.uint8]


def small_size(width_px: int, height_px: int, analysis_width_px: int) -> tuple[int, int]:
    """Width and height at which a frame of this size is scored; frames are never enlarged."""
    width = min(width_px, analysis_width_px)
    height = round(height_px * width / width_px)
    return width, max(2, min(height, MAX_ASPECT * analysis_width_px) // 2 * 2)


def pixels_of(frame: av.VideoFrame) -> Pixels:
    """The pixels of a bgr24 frame as an array (height, width, 3) over the frame's own memory."""
    plane = frame.planes[0]
    shape, strides = (frame.height, frame.width, 3), (plane.line_size, 3, 1)
    return np.ndarray(shape, np.uint8, buffer=plane, strides=strides)


class FrameScorer:
    """Scores each frame against the one given before it."""

    def __init__(self, analysis_width_px: int) -> None:
        self._width_px = analysis_width_px
        self._scaler = av.video.reformatter.VideoReformatter()
        self._last: Pixels | None = None
        self._spare: Pixels | None = None

    def score(self, frame: av.VideoFrame) -> float:
        """The `content_val` of a decoded frame, 0 to 255; 0 for the first one and after a change of frame size."""
        width, height = small_size(frame.width, frame.height, self._width_px)
        # FAST_BILINEAR gave the same cuts as AREA at a third of the cost; one thread: actors are many
        small = self._scaler.reformat(
            frame, width=width, height=height, format="bgr24", interpolation="FAST_BILINEAR", threads=1
        )
        hsv = cv2.cvtColor(pixels_of(small), cv2.COLOR_BGR2HSV, dst=self._spare)
        last, self._spare, self._last = self._last, self._last, hsv
        if last is None or last.shape != hsv.shape:
            return 0.0
        return float(cv2.norm(hsv, last, cv2.NORM_L1) / hsv.size)
