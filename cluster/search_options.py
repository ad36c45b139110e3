"""What the options of `footage search` mean: weights, times, and scenes by their place in a video."""

from datetime import datetime
from pathlib import Path
from typing import get_args

from cluster.one_shot import find_video
from footage.catalog import Catalog
from footage.errors import NoSuchScene, SettingsError
from footage.identity import VIDEO_ID
from footage.search import Mode

_MODES = get_args(Mode)


def modes_of(given: list[str]) -> dict[str, float]:
    """Weights as they are typed: `spoken=0.5`.

    Raises:
        SettingsError: one is not so; says how.
    """
    modes: dict[str, float] = {}
    for one in given:
        name, _, number = one.partition("=")
        try:
            modes[name] = float(number)
        except ValueError:
            name = ""
        if name not in _MODES:
            raise SettingsError(
                f"--mode {one!r} is not {', '.join(_MODES[:-1])} or {_MODES[-1]} with a number, as in --mode seen=0.5."
            )
    return modes


def moment(given: str) -> datetime:
    """A date, which is its first moment on this machine's clock, or a date and time.

    Raises:
        SettingsError: it is neither.
    """
    try:
        return datetime.fromisoformat(given).astimezone()  # one without a time zone is of this machine's
    except (ValueError, OverflowError) as error:
        raise SettingsError(f"--since {given!r} is no date such as 2026-05-31 or 2026-05-31T18:00.") from error


def scene_named(catalog: Catalog, name: str) -> str:
    """The id of a scene: `name` itself, or of the scene that `VIDEO@TIME` names, such as `garage.mp4@0:07`.

    Raises:
        SettingsError: it is neither, or no video is called so.
        NoSuchScene: the video has no scene at that time.
    """
    if VIDEO_ID.fullmatch(name):  # ids of scenes look the same
        return name
    video, _, time = name.rpartition("@")
    seconds = _seconds(time)
    if not video or seconds is None:
        raise SettingsError(f"{name!r} is no scene: give its id, or a video and a time in it, such as garage.mp4@0:07.")
    for scene in find_video(catalog, video).scenes:
        if scene.start_s <= seconds < scene.end_s:
            return scene.scene_id
    raise NoSuchScene(f"{video} has no scene at {time}; `footage show {video}` lists its scenes.")


def picture_of(file: Path, most_mib: float) -> bytes:
    """What is in a file of at most `most_mib` MiB.

    Raises:
        SettingsError: it cannot be read, or is larger.
    """
    most_bytes = int(most_mib * 2**20)
    try:
        with file.open("rb") as opened:
            data = opened.read(most_bytes + 1)  # not by its size: a pipe or a device tells none
    except OSError as error:
        raise SettingsError(f"The picture {file} cannot be read: {error.strerror or error}.") from error
    if len(data) > most_bytes:
        raise SettingsError(
            f"The picture {file} is larger than the {most_mib:g} MiB of serve.max_image_mib: make it smaller."
        )
    return data


def _seconds(time: str) -> float | None:
    """Seconds of `12.5`, `0:12.5` or `1:00:12.5`; None if it is no time."""
    total = 0.0
    for part in time.split(":"):
        try:
            number = float(part)
        except ValueError:
            return None
        if not 0 <= number < float("inf"):
            return None
        total = 60 * total + number
    return total
