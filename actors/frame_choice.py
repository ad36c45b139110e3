"""Which of a scene's candidates become its key frames: even places, or the sharpest frames near them."""

from collections.abc import Sequence
from dataclasses import dataclass

import av
import cv2
import numpy as np

# Luma as videos store it: 16 is black, 235 white.
# A mean below DARK is black or all but black: the level at which PySceneDetect's ThresholdDetector sees a fade (12 of
# 255), in these units and with the noise of a codec. Where luma hardly varies there is nothing to see: white, a flash,
# a plain colour between two pictures.
DARK = 16 + 12
MIN_SPREAD = 8.0
# This share of the greatest sharpness is as good: what a frame shows differs, and so does its detail. On made camera
# shots 0.7 and 0.85 left alike little blur, 0.5 left 15 % more, and so did the very sharpest of each part.
NEARLY = 0.7


@dataclass(frozen=True, slots=True)
class Look:
    """What the choice knows of a candidate."""

    time_s: float
    sharpness: float  # variance of the Laplacian
    shows_something: bool  # neither black nor plain


def look_at(time_s: float, small: av.VideoFrame) -> Look:
    """Measures a small yuv420p copy of a frame.

    Sharpness is the variance of the Laplacian (Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy,
    2000): blur takes away fine detail, a fade takes away contrast, and both lower it. Whether a frame was decoded with
    errors does not count: what a decoder says of that depends on where it began.
    """
    plane = small.planes[0]
    luma = np.ndarray((small.height, small.width), np.uint8, buffer=plane, strides=(plane.line_size, 1))
    mean, spread = (float(value[0, 0]) for value in cv2.meanStdDev(luma))
    detail = cv2.Laplacian(luma, cv2.CV_16S)
    # by two sums, which are exact: meanStdDev of 16 bits takes as long as all else here
    variance = cv2.norm(detail, cv2.NORM_L2SQR) / detail.size - cv2.mean(detail)[0] ** 2
    return Look(time_s, variance, mean >= DARK and spread >= MIN_SPREAD)


def sharpest_places(looks: Sequence[Look], wanted: int, start_s: float, end_s: float) -> list[int]:
    """Up to `wanted` numbers of candidates of the scene [start_s, end_s), in order.

    The scene is divided into `wanted` equal parts. Of each the candidate nearest its middle is taken that is nearly as
    sharp as its sharpest; of two as near the earlier. Candidates that show nothing count only in a scene where all do.
    """
    some = [number for number, look in enumerate(looks) if look.shows_something] or list(range(len(looks)))
    if len(some) <= wanted:
        return some
    part_s = (end_s - start_s) / wanted
    chosen = []
    for part in range(wanted):
        part_start_s = start_s + part * part_s
        inside = [number for number in some if part_start_s <= looks[number].time_s < part_start_s + part_s]
        least = NEARLY * max((looks[number].sharpness for number in inside), default=0.0)
        sharp = [number for number in inside if looks[number].sharpness >= least]
        middle_s = part_start_s + part_s / 2
        chosen += sorted(sharp, key=lambda number: abs(looks[number].time_s - middle_s))[:1]
    return chosen
