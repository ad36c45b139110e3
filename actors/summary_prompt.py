"""What a language model reads of a video: a line for each scene, and of a long video for scenes chosen evenly."""

from collections.abc import Sequence
from dataclasses import dataclass

from actors.caption_prompt import shortened

_SEEN, _SAID, _BETWEEN = "seen: ", "said: ", " | "
LEAST_CHARS = 200  # of all lines: the least that SummarySettings.max_input_chars can be set to
_FINEST = 2**20  # cells for each scene asked for: times that no such grid tells apart count as one


@dataclass(frozen=True, slots=True)
class SceneText:
    """What is known in words of one scene, which starts at `start_s` seconds of video time."""

    start_s: float
    caption: str  # empty where there is none
    transcript: str  # empty where nothing is said


def summary_prompt(template: str, lines: Sequence[str]) -> str:
    """SummarySettings.prompt with the lines of the scenes in place of `{scenes}`; other braces stay as they are."""
    return template.replace("{scenes}", "\n".join(lines))


def scene_lines(scenes: Sequence[SceneText], max_input_chars: int, max_scene_chars: int) -> list[str]:
    """Lines of scenes in order of time, such as `[1:05] seen: A red ball. | said: Catch it!`.

    If they do not fit, scenes are left out evenly over the whole length of the video; the first and the last scene
    of which there is something to tell are always among them.

    Args:
        scenes: of one video, in order of time.
        max_input_chars: all lines together with the line breaks between them.
        max_scene_chars: one line; what is longer is cut off at a word.
    """
    longest = min(max_scene_chars, (max_input_chars - 1) // 2)  # so that the first and the last always fit
    told = [(scene.start_s, line) for scene in scenes if (line := scene_line(scene, longest))]
    return _that_fit([start_s for start_s, _ in told], [line for _, line in told], max_input_chars)


def half_of(lines: Sequence[str]) -> list[str]:
    """Lines of scene_lines() that take at most half of their characters, chosen as these are.

    They are one at least, and two of several; what is longer than half of the room is cut off at a word. None are left
    where half of the lines is less than LEAST_CHARS: too little to tell of a video.
    """
    most_chars = len("\n".join(lines)) // 2
    if most_chars < LEAST_CHARS:
        return []
    brief = [shortened(line, (most_chars - 1) // 2) for line in lines]
    return _that_fit([_start_s(line) for line in lines], brief, most_chars)


def scene_line(scene: SceneText, max_chars: int) -> str:
    """The line of one scene; empty if nothing is known of it. A part that is empty is left out.

    A line that is too long keeps the beginnings of both parts; neither takes more than half while the other needs it.
    """
    seen, said = " ".join(scene.caption.split()), " ".join(scene.transcript.split())
    if not seen and not said:
        return ""
    time = f"[{clock(scene.start_s)}] "
    parts = [_SEEN, _SAID] if seen and said else [_SEEN if seen else _SAID]
    room = max_chars - len(time) - len(_BETWEEN.join(parts))
    if seen and said:
        seen = shortened(seen, max(room // 2, room - len(said)))
        said = shortened(said, room - len(seen))
        return f"{time}{_SEEN}{seen}{_BETWEEN}{_SAID}{said}"
    return f"{time}{parts[0]}{shortened(seen or said, room)}"


def clock(seconds: float) -> str:
    """A time as a player shows it: `m:ss`, beyond an hour `h:mm:ss`; parts of a second are left out."""
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _start_s(line: str) -> int:
    """Whole seconds: what clock() wrote at the beginning of a line."""
    seconds = 0
    for part in line[1 : line.index("]")].split(":"):
        seconds = 60 * seconds + int(part)
    return seconds


def _that_fit(times_s: Sequence[float], lines: Sequence[str], most_chars: int) -> list[str]:
    """As many of the lines, evenly over their times, as fit; any two must."""
    count = len(lines)
    while True:
        chosen = [lines[position] for position in evenly(times_s, count)]
        chars = len("\n".join(chosen))
        if chars <= most_chars:
            return chosen
        # Fewer by as much as they are too long, and by one at least.
        count = max(2, min(len(chosen) - 1, len(chosen) * most_chars // chars))


def evenly(times_s: Sequence[float], count: int) -> list[int]:
    """Positions of at most `count` of these times, ascending, spread evenly over the time from first to last.

    They are those of the finest grid of equal cells of which at most `count` hold a time: one of each such cell, the
    one nearest to its middle, but of the outer cells the first and the last. So where times lie far apart none is
    left out while others crowd elsewhere, and every time has a chosen one within the length of a cell.

    Args:
        times_s: ascending.
        count: at least 2, unless there are no more times than that.
    """
    if len(times_s) <= count:
        return list(range(len(times_s)))
    fits, too_many = count, 2 * count
    while len(_occupied(times_s, too_many)) <= count:
        if too_many >= count * _FINEST:
            break
        fits, too_many = too_many, 2 * too_many
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if len(_occupied(times_s, middle)) <= count:
            fits = middle
        else:
            too_many = middle
    cells = _occupied(times_s, fits)
    length_s = (times_s[-1] - times_s[0]) / fits
    chosen = {0, len(times_s) - 1}
    for cell, positions in cells.items():
        if 0 < cell < fits - 1:
            middle_s = times_s[0] + (cell + 0.5) * length_s
            chosen.add(min(positions, key=lambda position: abs(times_s[position] - middle_s)))
    return sorted(chosen)


def _occupied(times_s: Sequence[float], cells: int) -> dict[int, list[int]]:
    """The cells of a grid from the first to the last time that hold times, with the positions of these."""
    first_s, length_s = times_s[0], times_s[-1] - times_s[0]
    held: dict[int, list[int]] = {}
    for position, time_s in enumerate(times_s):
        cell = min(cells - 1, int((time_s - first_s) / length_s * cells)) if length_s else 0
        held.setdefault(cell, []).append(position)
    return held
