"""Which frames become the pictures of a scene."""

import av
import cv2
import numpy as np
import pytest

from actors.key_frames import KeyFrames, fit
from footage.decoder_settings import DecoderSettings

EVENLY = DecoderSettings(key_frame_choice="even", key_frame_interval_s=0.5)
GREY_STEP = 4  # between frames: JPEG at quality 85 tells them apart


def frame(number: int) -> av.VideoFrame:
    """A plain frame whose grey tells its number."""
    return av.VideoFrame.from_ndarray(np.full((32, 64, 3), number * GREY_STEP, np.uint8), "rgb24")


def numbers_of(jpegs: tuple[bytes, ...]) -> list[int]:
    greys = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).mean() for jpeg in jpegs]
    return [round(grey / GREY_STEP) for grey in greys]


def offered(times_s: list[float], settings: DecoderSettings, starts: tuple[int, ...] = ()) -> KeyFrames:
    pictures = KeyFrames(settings, None)
    for number, time_s in enumerate(times_s):
        pictures.offer(time_s, frame(number), may_start_scene=number in starts)
    return pictures


HALF_SECONDS = [number / 2 for number in range(40)]


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [(0.0, 1.0, [0, 1]), (0.0, 1.5, [0, 1, 2]), (0.0, 6.0, [2, 6, 10]), (5.0, 10.0, [11, 15, 18])],
)
def test_candidates_are_taken_evenly(start_s: float, end_s: float, expected: list[int]):
    pictures = offered(HALF_SECONDS, EVENLY).take(start_s, end_s)
    assert numbers_of(pictures.key_frames) == expected
    assert numbers_of((pictures.thumbnail,)) == [expected[len(expected) // 2]]


def test_candidates_are_the_first_frames_on_the_grid():
    times_s = [0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 2.4]
    settings = EVENLY.model_copy(update={"key_frames_per_scene": 16})
    assert numbers_of(offered(times_s, settings).take(0.0, 9.0).key_frames) == [0, 2, 5, 6]


def test_blurred_faded_and_flashing_frames_are_passed_over():
    rows, columns = np.mgrid[:64, :64] // 8
    board = np.repeat(np.where((rows + columns) % 2, 220, 60).astype(np.uint8)[..., None], 3, axis=2)
    blurred, faded = cv2.GaussianBlur(board, (0, 0), 5), (board * 0.1).astype(np.uint8)
    black, white = np.zeros_like(board), np.full_like(board, 255)
    shown = [black, faded, board, blurred, board, white, blurred, blurred, board, blurred, faded, black]

    def contrasts(settings: DecoderSettings) -> list[bool]:
        pictures = KeyFrames(settings, None)
        for number, picture in enumerate(shown):
            pictures.offer(number / 4, av.VideoFrame.from_ndarray(picture, "bgr24"), may_start_scene=False)
        taken = pictures.take(0.0, len(shown) / 4).key_frames
        return [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE).std() > 60 for jpeg in taken]

    assert contrasts(DecoderSettings(key_frame_choice="sharpest")) == [True] * 3
    assert not all(contrasts(DecoderSettings(key_frame_choice="even")))


def test_without_a_candidate_the_first_frame_is_taken():
    times_s = [0.0, 0.1, 0.2, 0.3, 0.4]
    pictures = offered(times_s, EVENLY, starts=(1, 3))
    assert numbers_of(pictures.take(0.1, 0.3).key_frames) == [1]
    assert numbers_of(pictures.take(0.3, 0.5).key_frames) == [3]


def test_without_a_frame_the_one_before_is_taken():
    times_s = [0.0, 0.1, 40.0]
    pictures = offered(times_s, DecoderSettings(max_shot_s=15))
    assert numbers_of(pictures.take(0.0, 15.0).key_frames) == [0]
    assert numbers_of(pictures.take(15.0, 30.0).key_frames) == [1]
    assert numbers_of(pictures.take(30.0, 40.0).key_frames) == [1]


def test_by_a_fixed_length_the_frame_that_is_seen_at_a_boundary_stays():
    settings = DecoderSettings(segmentation="fixed", segment_s=5, min_segment_s=1)
    pictures = offered([0.0, 0.1, 0.2, 14.0], settings)
    assert [numbers_of(pictures.take(start_s, start_s + 5).key_frames) for start_s in (0.0, 5.0, 10.0)] == [
        [0],
        [2],
        [3],
    ]


def test_what_was_taken_is_forgotten():
    pictures = offered(HALF_SECONDS, EVENLY)
    pictures.take(0.0, 15.0)
    assert [held.time_s for held in pictures._held] == HALF_SECONDS[30:]


def test_sizes_are_even_and_never_enlarged():
    assert fit(1920, 1080, 768) == (768, 432)
    assert fit(1080, 1920, 768) == (432, 768)
    assert fit(641, 361, 768) == (640, 360)
    assert fit(10_000, 10, 768) == (768, 2)


def test_frames_that_started_no_scene_are_forgotten_once_that_is_certain():
    times_s = [number / 10 for number in range(20)]  # on the grid: 0, 0.5, 1 and 1.5 s
    pictures = offered(times_s, EVENLY, starts=tuple(range(20)))
    pictures.settle(0.9, scene_start_s=0.7)
    assert [held.time_s for held in pictures._held] == [0.0, 0.5, 0.7, *times_s[9:]]
    pictures.settle(9.0, scene_start_s=0.7)
    assert [held.time_s for held in pictures._held] == [0.0, 0.5, 0.7, 1.0, 1.5]


def test_the_frame_that_is_seen_at_a_mark_stays():
    times_s = [0.0, 0.1, 0.2, 40.0]
    pictures = offered(times_s, DecoderSettings(max_shot_s=15), starts=(1, 2, 3))
    pictures.settle(41.0, scene_start_s=None)
    assert [held.time_s for held in pictures._held] == [0.0, 0.2, 40.0]
    assert numbers_of(pictures.take(15.0, 30.0).key_frames) == [2]
