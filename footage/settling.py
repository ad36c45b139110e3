"""Files that are still being written are left alone until they are whole."""

from collections.abc import Iterable, Iterator

from footage.local_sources import modified_at_s
from footage.records import Source
from footage.sources import is_remote


class Settling:
    """Holds files back that were written to just now, or between two looks. Remote sources appear whole."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._waiting: dict[str, str] = {}  # etags by URI, of the look before

    def settled(self, sources: Iterable[Source], now_s: float) -> Iterator[Source]:
        """Those of one look that can be taken; all others are compared at the next look.

        Args:
            sources: that are not accounted for.
            now_s: POSIX seconds.
        """
        before, self._waiting = self._waiting, {}
        for source in sources:
            if is_remote(source.uri) or self._is_settled(source, before.get(source.uri), now_s):
                yield source
            else:
                self._waiting[source.uri] = source.etag

    @property
    def waiting(self) -> int:
        """How many files were held back at the last look."""
        return len(self._waiting)

    def _is_settled(self, source: Source, etag_before: str | None, now_s: float) -> bool:
        if etag_before not in (None, source.etag):
            return False
        modified_s = modified_at_s(source)
        if modified_s is None or modified_s > now_s:  # gone just now, or of a machine whose clock is ahead
            return etag_before is not None
        return now_s - modified_s >= self._settle_s
