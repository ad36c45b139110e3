from actors.word_assignment import SILENCE, transcripts_of_scenes
from footage.records import Scene, Segment, Transcript, Word


def said(*words: tuple[float, float, str]) -> Segment:
    spoken = tuple(Word(start_s, end_s, text, 0.5) for start_s, end_s, text in words)
    return Segment(spoken[0].start_s, spoken[-1].end_s, "".join(word.text for word in spoken).strip(), spoken)


def test_a_segment_that_a_cut_goes_through_becomes_one_in_each_scene() -> None:
    segment = said((1.0, 1.5, " Red"), (1.75, 2.5, " car"), (2.5, 3.0, " stops."))
    scenes = [Scene("a", 0.0, 2.0), Scene("b", 2.0, 4.0)]
    first, second = said((1.0, 1.5, " Red")), said((1.75, 2.5, " car"), (2.5, 3.0, " stops."))
    assert transcripts_of_scenes([segment], "en", scenes) == {
        "a": Transcript("Red", "en", (first,)),
        "b": Transcript("car stops.", "en", (second,)),
    }


def test_a_middle_on_the_cut_belongs_to_the_later_scene() -> None:
    scenes = [Scene("a", 0.0, 2.0), Scene("b", 2.0, 4.0)]
    transcripts = transcripts_of_scenes([said((1.5, 2.5, " here"))], "en", scenes)
    assert transcripts == {"a": SILENCE, "b": Transcript("here", "en", (said((1.5, 2.5, " here")),))}


def test_words_outside_the_scenes_are_left_to_the_neighbours() -> None:
    segment = said((9.0, 9.5, " before"), (9.75, 10.25, " in"), (20.0, 20.5, " after"))
    assert transcripts_of_scenes([segment], "en", [Scene("a", 10.0, 20.0)]) == {
        "a": Transcript("in", "en", (said((9.75, 10.25, " in")),))
    }


def test_segments_of_one_scene_are_joined_as_whisper_writes_them() -> None:
    segments = [said((0.0, 1.0, " One.")), said((1.0, 2.0, " Two,"), (2.0, 2.5, " three."))]
    assert transcripts_of_scenes(segments, "en", [Scene("a", 0.0, 3.0)]) == {
        "a": Transcript("One. Two, three.", "en", tuple(segments))
    }
    without_spaces = [said((0.0, 1.0, "今日"), (1.0, 2.0, "は"))]
    assert transcripts_of_scenes(without_spaces, "ja", [Scene("a", 0.0, 3.0)])["a"].text == "今日は"


def test_silence() -> None:
    assert transcripts_of_scenes([], "", [Scene("a", 0.0, 1.0)]) == {"a": SILENCE}
    assert transcripts_of_scenes([], "", []) == {}
