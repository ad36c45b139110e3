"""Scenes of one length: where a video is divided when it is not divided at cuts.

The boundary k * piece_s depends on the video's end alone, and only the last one does: it falls away where less than
`min_piece_s` would follow. So a span that could own the last piece reads on until it knows.
"""

from dataclasses import dataclass

from footage.decoder_settings import DecoderSettings


@dataclass(frozen=True, slots=True)
class PieceRule:
    """The numbers of the rule; see DecoderSettings for their meaning."""

    piece_s: float
    min_piece_s: float
    warm_up_frames: int = 1  # before the first that counts: whether that one is on the grid hangs on the one before

    @classmethod
    def of(cls, settings: DecoderSettings) -> "PieceRule":
        """The rule that these settings ask for."""
        return cls(settings.segment_s, settings.min_segment_s)

    def judged_from_s(self, start_s: float) -> float:
        """Frames from here on decide every boundary at or after `start_s`."""
        return start_s

    def finder(self, first_frame_s: float, from_video_start: bool) -> "PieceFinder":
        """What takes the frames of one pass, from wherever it begins."""
        return PieceFinder(self)


@dataclass(slots=True)
class PieceFinder:
    """Takes frame times in order and gives the boundaries between pieces in order, as cuts.BoundaryFinder does.

    The multiple k * piece_s (k >= 1) is a boundary if the video goes on after it, for `min_piece_s` at least. Of a pass
    that begins in the middle the first frame gives all that lie before.
    """

    rule: PieceRule
    _next: int = 1  # number of the first multiple that is not decided

    def add(self, time_s: float, score: float) -> list[float]:
        """Takes the next frame (its time must rise; its score is not looked at) and gives what is certain now."""
        return self._until(time_s)  # the video ends after its last frame begins

    def finish(self, end_s: float) -> list[float]:
        """Takes the end of the video and gives the remaining boundaries. The finder is used up."""
        return [boundary_s for boundary_s in self._until(end_s) if boundary_s < end_s]

    @property
    def decided_until_s(self) -> float:
        """Every boundary before this time has been given."""
        return self._next * self.rule.piece_s

    def _until(self, end_s: float) -> list[float]:
        found = []
        while (boundary_s := self._next * self.rule.piece_s) + self.rule.min_piece_s <= end_s:
            found.append(boundary_s)
            self._next += 1
        return found
