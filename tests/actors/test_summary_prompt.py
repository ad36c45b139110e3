from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.summary_prompt import (
    LEAST_CHARS,
    SceneText,
    clock,
    evenly,
    half_of,
    scene_line,
    scene_lines,
    summary_prompt,
)

WORDS = st.text("ab é가\n\t{}|", max_size=120)
TIMES = st.lists(st.floats(0, 40_000), max_size=120).map(sorted)


@st.composite
def videos(draw: st.DrawFn) -> list[SceneText]:
    return [SceneText(start_s, draw(WORDS), draw(WORDS)) for start_s in draw(TIMES)]


def test_a_line_says_when_what_is_seen_and_what_is_said() -> None:
    scenes = [
        SceneText(0.0, "A red ball\non grass. ", ""),
        SceneText(64.99, "  A dog.", " Catch it!\t Now. "),
        SceneText(70.0, " \n", ""),
        SceneText(3725.0, "", "Well done."),
    ]
    assert scene_lines(scenes, 12_000, 400) == [
        "[0:00] seen: A red ball on grass.",
        "[1:04] seen: A dog. | said: Catch it! Now.",
        "[1:02:05] said: Well done.",
    ]
    assert scene_lines([], 12_000, 400) == scene_lines([SceneText(1.0, "", "")], 12_000, 400) == []


def test_a_long_line_keeps_the_beginnings_of_both_parts() -> None:
    both = scene_line(SceneText(5.0, "one two three " * 20, "four five six " * 20), 58)
    assert both == "[0:05] seen: one two three one… | said: four five six…"
    brief = scene_line(SceneText(5.0, "one two three " * 20, "four"), 60)
    assert brief == "[0:05] seen: one two three one two three one… | said: four"
    assert scene_line(SceneText(5.0, "", "four five six " * 20), 40) == "[0:05] said: four five six four five…"


def test_two_long_scenes_share_what_room_there_is() -> None:
    scenes = [SceneText(60.0 * number, f"scene {number} " * 100, "") for number in range(3)]
    lines = scene_lines(scenes, 200, 600)
    assert [line[:21] for line in lines] == ["[0:00] seen: scene 0 ", "[2:00] seen: scene 2 "]
    assert 180 <= len("\n".join(lines)) <= 200


@given(videos(), st.integers(200, 2000), st.integers(40, 600))
def test_lines_fit_and_reach_from_the_first_scene_to_the_last(
    scenes: list[SceneText], max_input_chars: int, max_scene_chars: int
) -> None:
    lines = scene_lines(scenes, max_input_chars, max_scene_chars)
    told = [scene for scene in scenes if scene.caption.strip() or scene.transcript.strip()]

    assert len("\n".join(lines)) <= max_input_chars
    assert all(0 < len(line) <= max_scene_chars and "\n" not in line for line in lines)
    times = [f"[{clock(scene.start_s)}]" for scene in told]
    shown = [line.split(" ", 1)[0] for line in lines]
    assert (shown[:1], shown[-1:]) == (times[:1], times[-1:])
    assert [time for time in times if time in shown] == [time for time in times if time in set(shown)]
    if len("\n".join(scene_line(scene, max_scene_chars) for scene in told)) <= max_input_chars and len(told) > 2:
        assert len(lines) == len(told)


@given(TIMES, st.integers(2, 40))
def test_chosen_times_are_spread_evenly(times_s: list[float], count: int) -> None:
    chosen = evenly(times_s, count)

    assert chosen == sorted(set(chosen))
    assert len(chosen) <= max(2, count)
    if len(times_s) <= count:
        assert chosen == list(range(len(times_s)))
        return
    assert (chosen[0], chosen[-1]) == (0, len(times_s) - 1)
    # No stretch is passed over: whatever is left out has a chosen one within the length of a cell.
    cell_s = (times_s[-1] - times_s[0]) / count
    farthest_s = max(min(abs(time_s - times_s[position]) for position in chosen) for time_s in times_s)
    assert farthest_s <= cell_s * (1 + 1e-6)


@pytest.mark.parametrize("count", [2, 3, 20, 199, 200])
def test_of_equal_scenes_equally_many_are_chosen_in_each_part(count: int) -> None:
    times_s = [2.0 * number for number in range(10_000)]
    chosen = evenly(times_s, count)
    gaps = {after - before for before, after in pairwise(chosen)}

    assert len(chosen) == count
    assert max(gaps) - min(gaps) <= 10_000 / count  # of the outer cells it is not the middle that is chosen
    assert len({after - before for before, after in pairwise(chosen[1:-1])}) <= 2


def test_scenes_that_stand_alone_are_kept_while_others_crowd() -> None:
    crowd = [number / 10 for number in range(1000)]
    alone = [1000.0, 2000.0, 3000.0, 4000.0]
    chosen = evenly([*crowd, *alone], 50)

    assert chosen[-4:] == [1000, 1001, 1002, 1003]
    assert 40 <= len(chosen) <= 50
    in_crowd = chosen[:-4]
    assert max(after - before for before, after in pairwise(in_crowd)) <= 1000 / 40 * 1.6


def test_the_prompt_takes_the_lines_as_they_are() -> None:
    assert summary_prompt("Scenes:\n{scenes}\nGo. {x}", ["[0:00] seen: {a}", "b"]) == (
        "Scenes:\n[0:00] seen: {a}\nb\nGo. {x}"
    )


def test_half_of_the_lines_is_spread_over_the_whole_time() -> None:
    # A crowd in the first minute, then one scene an hour.
    times_s = [*range(60), 3600, 7200, 10_800]
    lines = scene_lines([SceneText(float(start_s), "A boat.", "") for start_s in times_s], 12_000, 400)
    half = half_of(lines)
    assert LEAST_CHARS <= len("\n".join(half)) <= len("\n".join(lines)) // 2
    assert half[0] == "[0:00] seen: A boat."
    assert half[-3:] == ["[1:00:00] seen: A boat.", "[2:00:00] seen: A boat.", "[3:00:00] seen: A boat."]
    assert half_of(["[0:00] seen: A boat."]) == half_of([]) == []


def test_half_of_two_long_lines_is_both_shorter() -> None:
    half = half_of(["[0:00] seen: " + "one two " * 100, "[1:00] seen: " + "six ten " * 100])
    assert [line[:20] for line in half] == ["[0:00] seen: one two", "[1:00] seen: six ten"]
    assert 780 <= len("\n".join(half)) <= 813
