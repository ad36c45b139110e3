"""Which candidates become key frames."""

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from actors.even_places import even_places
from actors.frame_choice import Look, look_at, sharpest_places

Picture = npt.NDArray[np.uint8]


def look(picture: Picture) -> Look:
    frame = av.VideoFrame.from_ndarray(picture, "bgr24").reformat(format="yuv420p")
    return look_at(1.0, frame)


def board(size_px: int = 16) -> Picture:
    """A grey and white chess board of 192 x 128 pixels."""
    rows, columns = np.mgrid[:128, :192] // size_px
    grey = np.where((rows + columns) % 2, 220, 90).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def faded(picture: Picture, share: float) -> Picture:
    return (picture * share).astype(np.uint8)


def test_blur_and_fades_lower_the_sharpness():
    sharp = look(board()).sharpness
    blurred = [look(cv2.GaussianBlur(board(), (0, 0), sigma)).sharpness for sigma in (1, 2, 4)]
    dimmed = [look(faded(board(), share)).sharpness for share in (0.8, 0.5, 0.2)]
    for series in (blurred, dimmed):
        assert sharp > series[0] > series[1] > series[2] > 0
    moving = look(cv2.blur(board(), (12, 1))).sharpness
    assert moving < 0.8 * sharp  # edges along the movement stay


def test_sharpness_is_the_variance_of_the_laplacian():
    bowl = np.repeat((np.arange(192) / 12) ** 2, 3).reshape(1, 192, 3).repeat(128, axis=0).astype(np.uint8)
    for picture in (board(), bowl):  # the bowl's Laplacian is not 0 on average
        luma = av.VideoFrame.from_ndarray(picture, "bgr24").reformat(format="yuv420p").to_ndarray()[:128]
        assert look(picture).sharpness == pytest.approx(cv2.Laplacian(luma, cv2.CV_64F).var(), rel=1e-9)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (board(), True),
        (faded(board(), 0.3), True),
        (faded(board(), 0.06), False),  # 6 % of the way in from black
        (np.zeros_like(board()), False),
        (np.full_like(board(), 255), False),
        (np.full_like(board(), 128), False),
        ((255 - faded(255 - board(), 0.05)), False),  # all but white
    ],
)
def test_black_white_and_plain_frames_show_nothing(picture: Picture, expected: bool):
    assert look(picture).shows_something is expected


def looks(*sharpness: float | None, step_s: float = 0.5) -> list[Look]:
    """Candidates `step_s` apart from 0 on; None: one that shows nothing, and is sharper than any."""
    return [
        Look(number * step_s, 1e9 if value is None else value, value is not None)
        for number, value in enumerate(sharpness)
    ]


@pytest.mark.parametrize(
    ("sharpness", "wanted", "expected"),
    [
        ((5, 5, 5, 5, 5, 5), 3, [1, 3, 5]),  # all alike: nearest the middles at 0.5, 1.5 and 2.5 s
        ((1, 2, 3), 3, [0, 1, 2]),
        ((None, 2, 3), 3, [1, 2]),
        ((None, None), 3, [0, 1]),  # there is nothing else
        ((1, 1, 1, 9, 1, 1, 1, 1), 1, [3]),
        ((9, 1, 1, 6.4, 6.2, 1, 1, 9), 1, [3]),  # nearly as sharp is as good: nearer counts
        ((9, 1, 1, 6.2, 6.2, 1, 1, 9), 1, [7]),  # at 3.5 s, nearer to 2 s than 0 s
        ((1, None, None, None, None, None, None, 1), 1, [7]),
        ((1, 1, 9, 1, 1, 1, 1, 1, 1, 7, 1, 1), 2, [2, 9]),
        ((None, None, None, None, 1, 2, 3, 1), 2, [6]),  # nothing in the first half: one fewer
    ],
)
def test_the_sharpest_near_even_places(sharpness: tuple[float | None, ...], wanted: int, expected: list[int]):
    assert sharpest_places(looks(*sharpness), wanted, 0.0, len(sharpness) * 0.5) == expected


def test_each_part_of_a_scene_has_one():
    random = np.random.default_rng(7)
    for _ in range(200):
        count, wanted = int(random.integers(1, 40)), int(random.integers(1, 6))
        made = looks(*random.random(count).tolist())
        chosen = sharpest_places(made, wanted, 0.0, count * 0.5)
        assert len(chosen) == min(count, wanted)
        assert chosen == sorted(set(chosen))
        if count > wanted:  # one of each part
            assert [int(made[number].time_s * wanted / (count * 0.5)) for number in chosen] == list(range(wanted))


@pytest.mark.parametrize(("count", "wanted", "expected"), [(2, 3, [0, 1]), (12, 3, [2, 6, 10]), (10, 3, [1, 5, 8])])
def test_even_places(count: int, wanted: int, expected: list[int]):
    assert even_places(count, wanted) == expected
