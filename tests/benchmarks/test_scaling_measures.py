import pytest

from benchmarks.scaling_measures import makespan_s, steady
from benchmarks.timed_models import Note


def _span(actor: int, begun_at: float, index: int) -> list[Note]:
    """A span of 6 s in an actor of two stages, of which the second waits half a second for the first."""
    times = (("Transcriber", begun_at, begun_at + 2.0), ("TextEmbedder", begun_at + 2.5, begun_at + 6.0))
    return [Note("span", "models", stage, "node", actor, begin, end, "film.mp4", index) for stage, begin, end in times]


def test_what_is_done_while_all_have_work() -> None:
    # One begins at 0 and again at 6 and 12, the other at 4 and 10: both have work from 4 to 16.
    notes = [
        note for actor, at in ((1, 0.0), (1, 6.0), (1, 12.0), (2, 4.0), (2, 10.0)) for note in _span(actor, at, int(at))
    ]

    found = steady(notes)

    assert (found.actors, found.seconds) == (2, 12.0)
    assert found.spans == pytest.approx(2 / 6 + 1 + 4 / 6 + 2)
    assert found.efficiency(6.0) == pytest.approx(1.0)
    assert found.busy_s == pytest.approx(24.0 - 4 * 0.5)
    assert found.busy_share == pytest.approx(22 / 24)
    assert makespan_s(notes) == 18.0


def test_decoders_are_no_cards() -> None:
    decoded = Note("span", "VideoDecoder", "VideoDecoder", "node", 3, 0.0, 1.0, "film.mp4", 0)

    assert steady([decoded, *_span(1, 0.0, 0)]).actors == 1
