"""Which tags and languages occur in a workspace: what filters can be set to."""

from dataclasses import dataclass

from footage.index import VectorIndex, scan_pages
from footage.index_records import SceneFilter
from serve_apps.recent import Recent

_GOOD_FOR_S = 60.0
_OLD_FOR_S = 3600.0  # while one looks anew, the others get what there was
_MOST_SCENES = 10_000  # that are looked at: about 0.3 s of the embedded engine
_PAGE_SCENES = 1000


@dataclass(frozen=True, slots=True)
class Values:
    """What was found, in order of the alphabet."""

    tags: list[str]
    languages: list[str]


class Occurring:
    """Looks through an index, and remembers for a minute what it saw. Any number of threads may ask."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self._seen: Recent[Values] = Recent(_GOOD_FOR_S, old_for_s=_OLD_FOR_S)

    def in_workspace(self, workspace: str) -> Values:
        """The values of a workspace's scenes; of a part of them, in the index's own order, where there are many.

        Raises:
            IndexBusy: the index does not answer; IndexUnavailable where it is a server.
        """
        return self._seen.get(workspace, lambda: self._look(workspace))

    def _look(self, workspace: str) -> Values:
        tags: set[str] = set()
        languages: set[str] = set()
        looked_at = 0
        for page in scan_pages(self._index, SceneFilter(workspace), _PAGE_SCENES, with_vectors=False):
            for stored in page.points:
                tags.update(stored.point.tags)
                languages.add(stored.point.language)
            looked_at += len(page.points)
            if looked_at >= _MOST_SCENES:
                break
        return Values(sorted(tags), sorted(languages - {""}))
