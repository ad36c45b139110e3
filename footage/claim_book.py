"""Who works on which video: `claims/{workspace}/{video_id}.json`."""

from collections.abc import Iterator

from footage.catalog_records import Claim
from footage.identity import VIDEO_ID
from footage.record_store import all_records, create_record, get_record, record_name, swap_record
from footage.storage import ObjectStore


class ClaimBook:
    """The claims of a workspace. They are taken and passed on by conditional writes; claiming.py has the rules."""

    def __init__(self, store: ObjectStore, workspace: str) -> None:
        self._store = store
        self._folder = f"claims/{workspace}/"

    def get(self, video_id: str) -> Claim | None:
        """Who works on a video, and how it was planned."""
        return get_record(self._store, self._key(video_id), Claim)

    def create(self, claim: Claim) -> bool:
        """Take a video that nobody has; False if somebody has it."""
        return create_record(self._store, self._key(claim.video_id), claim)

    def swap(self, old: Claim, new: Claim) -> bool:
        """Replace a claim if what is stored is exactly `old`; of several callers at most one gets True."""
        return swap_record(self._store, self._key(old.video_id), old, new)

    def delete(self, video_id: str) -> None:
        """Give a video free, whoever has it."""
        self._store.delete(self._key(video_id))

    def holds(self, claim: Claim) -> bool:
        """Whether a video is still claimed as it was: by the same run, and not taken over in between."""
        held = self.get(claim.video_id)
        return held is not None and (held.run_id, held.generation) == (claim.run_id, claim.generation)

    def ids(self, after: str = "") -> Iterator[str]:
        """The ids of the videos that are claimed, in order; of later ones than `after`."""
        keys = self._store.list(self._folder, self._key(after) if after else "")
        return (name for key in keys if VIDEO_ID.fullmatch(name := record_name(key)))

    def all(self) -> Iterator[Claim]:
        """All claims, by video id."""
        return all_records(self._store, self._folder, Claim)

    def _key(self, video_id: str) -> str:
        return f"{self._folder}{video_id}.json"
