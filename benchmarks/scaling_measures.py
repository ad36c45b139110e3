"""What the notes of timed stand-ins say about a run: how much was done, how busy the cards were, how long it took."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.timed_models import Note

DECODER = "VideoDecoder"


@dataclass(frozen=True)
class Worked:
    """A span in a model actor, from its first stage to its last."""

    actor: int  # process id
    begun_at: float
    ended_at: float


@dataclass(frozen=True)
class Steady:
    """The time in which all model actors have work: from the last one's first span to the first one's last.

    Before it actors still start, which on this machine share two cores, and after it there is too little left for all.
    """

    actors: int
    seconds: float
    spans: float  # that were done in it; parts of spans count as such
    busy_s: float  # in stages, of all actors together

    @property
    def busy_share(self) -> float:
        """Of the actors' time, what they spent in their stages."""
        return self.busy_s / (self.actors * self.seconds)

    def efficiency(self, span_s: float) -> float:
        """Spans for each second, by what so many actors would do that never wait and take so long for a span."""
        return self.spans * span_s / (self.actors * self.seconds)


def worked(notes: Sequence[Note]) -> list[Worked]:
    """The spans of all model actors; one that a dead actor left unfinished counts as far as it got."""
    stages: dict[tuple[int, str, int], list[Note]] = defaultdict(list)
    for note in notes:
        if note.what == "span" and note.stage != DECODER:
            stages[note.pid, note.source, note.span_index].append(note)
    return [
        Worked(actor, min(note.begun_at for note in of_span), max(note.ended_at for note in of_span))
        for (actor, _, _), of_span in stages.items()
    ]


def steady(notes: Sequence[Note]) -> Steady:
    """What was done while all model actors had work."""
    spans: dict[int, list[Worked]] = defaultdict(list)
    for span in worked(notes):
        spans[span.actor].append(span)
    begin = max(min(span.begun_at for span in of_actor) for of_actor in spans.values())
    end = min(max(span.ended_at for span in of_actor) for of_actor in spans.values())
    done = sum(
        _overlap(span.begun_at, span.ended_at, begin, end) / (span.ended_at - span.begun_at)
        for of_actor in spans.values()
        for span in of_actor
    )
    busy_s = sum(
        _overlap(note.begun_at, note.ended_at, begin, end)
        for note in notes
        if note.what == "span" and note.stage != DECODER
    )
    return Steady(len(spans), end - begin, done, busy_s)


def makespan_s(notes: Sequence[Note]) -> float:
    """From the first span that a model actor takes in hand to the end of the last one."""
    spans = worked(notes)
    return max(span.ended_at for span in spans) - min(span.begun_at for span in spans)


def _overlap(begun_at: float, ended_at: float, begin: float, end: float) -> float:
    return max(0.0, min(ended_at, end) - max(begun_at, begin))
