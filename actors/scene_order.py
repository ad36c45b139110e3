"""What a search shows of what it found, and in which order: relevant, by video, by date, diverse."""

from actors.diversity import diverse_order, likeness
from actors.found_scenes import Found, FoundScenes
from footage.pipeline_settings import SearchSettings
from footage.search import SceneScope

DIVERSIFIED = 100  # of the best are ordered anew, whatever part of them is shown

Place = list[Found]  # what one hit can show: a scene, or the scenes of a video, best first


class SceneOrder:
    """The places of an answer, in one order for all of its pages.

    Attributes:
        places: in order; more() adds to their end.
        left_out: scenes that were found and are not relevant enough.
    """

    def __init__(self, scope: SceneScope, settings: SearchSettings, found: FoundScenes) -> None:
        """Ask the lists of `found` until there is enough to show what `scope` wants, and whether more follows."""
        self._scope, self._settings, self._found = scope, settings, found
        self._floor = settings.min_relevance if scope.min_relevance is None else scope.min_relevance
        self.places: list[Place] = []
        self.left_out = 0
        wanted = scope.offset + scope.limit
        if scope.diversity:
            wanted = max(wanted, DIVERSIFIED)
        found.ask()  # always from the shortest lists on: where it ends must not depend on what is shown
        self._take()
        while (scope.sort == "date" or len(self.places) <= wanted) and self._can_grow():
            found.ask()
            self._take()
        if scope.sort == "date":
            self.places.sort(key=lambda place: -place[0].hit.indexed_at)
        elif scope.diversity:
            self.places = self._diversified()

    def more(self) -> bool:
        """Look for further places; False if there are none."""
        if self._scope.sort == "date":  # it has all
            return False
        before = self.places
        while len(self.places) == len(before) and self._can_grow():
            self._found.ask()
            self._take()
        grown = len(self.places) > len(before)
        self.places = before + self.places[len(before) :]
        return grown

    def _take(self) -> None:
        """Make places of all that was found."""
        order = self._found.in_order()
        self._calibrated = any(one.relevance is not None for one in order)
        shown = [one for one in order if one.relevance is None or one.relevance >= self._floor]
        self.left_out = len(order) - len(shown)
        if self._dates_the_best:
            shown = shown[: self._settings.candidates]
        places: dict[str, Place] = {}
        for one in shown:
            name = one.hit.video_id if self._scope.group_by_video else one.hit.scene_id
            places.setdefault(name, []).append(one)
        self.places = list(places.values())

    @property
    def _dates_the_best(self) -> bool:
        """Where nothing says what is relevant, every scene is found: the best are then sorted by date."""
        return self._scope.sort == "date" and not (self._calibrated and self._floor)

    def _can_grow(self) -> bool:
        return not self._dates_the_best and self._found.can_hold_more(self._floor)

    def _diversified(self) -> list[Place]:
        best = self.places[:DIVERSIFIED]
        vectors = self._found.vectors([place[0].hit.scene_id for place in best])
        alike = likeness(vectors, self._found.vector_weights())
        order = diverse_order([place[0].fused.score for place in best], alike, self._scope.diversity)
        return [best[at] for at in order] + self.places[DIVERSIFIED:]
