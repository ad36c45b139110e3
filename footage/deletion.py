"""Deletion with references checked: of videos, of a source, of a dataset.

What happens to a video follows from two questions: is one of its sources there still, and does a dataset refer to it?
`judge` is the answer; everything else here finds out, and says so.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Literal, NamedTuple

from footage.catalog import Catalog
from footage.dataset_changes import leave_dataset, leave_source
from footage.erasing import Eraser
from footage.index import VectorIndex
from footage.sidecar import Manifest
from footage.source_scope import lies_in, source_address

IsPresent = Callable[[str], bool]  # of a source's URI; raises StoreUnavailable where it cannot be told
Action = Literal["keep", "delete"]


class Verdict(NamedTuple):
    """What is to happen to a video, and why."""

    action: Action
    why: str  # a sentence for the user


@dataclass(frozen=True, slots=True)
class Decision:
    """What happened to a video, or is to happen."""

    video_id: str
    name: str  # a source of it, or its id if it has none
    action: Action
    why: str


def judge(present: Collection[str], referenced: Collection[str], force: bool = False) -> Verdict:
    """The four cases: only what is neither there nor referred to goes, unless it is forced.

    Args:
        present: URIs under which the video is there still; one is enough to know.
        referenced: datasets that refer to it and count.
        force: take it all the same.
    """
    source = f"its source {min(present)} is there" if present else "its source is gone"
    if len(referenced) > 1:
        reference = f"datasets {', '.join(sorted(referenced))} refer to it"
    else:
        reference = f"dataset {min(referenced)} refers to it" if referenced else "no dataset refers to it"
    if force and (present or referenced):
        return Verdict("delete", f"Forced, though {_both(present, referenced, source, reference)}.")
    action: Action = "keep" if present or referenced else "delete"
    joined = "and" if bool(present) == bool(referenced) else "but"
    return Verdict(action, f"{source[0].upper()}{source[1:]}, {joined} {reference}.")


def _both(present: Collection[str], referenced: Collection[str], source: str, reference: str) -> str:
    return " and ".join(part for part, true in ((source, present), (reference, referenced)) if true)


def present_source(manifest: Manifest, is_present: IsPresent, without: Set[str] = frozenset()) -> list[str]:
    """The first source of a video that is there still, or none.

    One that footage itself deleted after indexing counts as there: its video was to stay.

    Args:
        manifest: of the video.
        is_present: asked of one source after another.
        without: URIs that do not count.

    Raises:
        StoreUnavailable: it cannot be told.
    """
    for source in manifest.sources:
        if source.uri not in without and (source.deleted_at is not None or is_present(source.uri)):
            return [source.uri]
    return []


@dataclass(frozen=True)
class Deleter:
    """Deletes what may go, and says what it kept and why. With `dry_run` it only says what it would do.

    Each method is a generator: what it yields has happened. It may be broken off anywhere and called again.
    """

    catalog: Catalog
    index: VectorIndex
    is_present: IsPresent
    run_id: str  # of the lease under which this process works
    lease_s: float
    force: bool = False
    dry_run: bool = False

    def videos(self, video_ids: Iterable[str]) -> Iterator[Decision]:
        """Delete videos. Forced, also those that are there or that datasets refer to."""
        for video_id in video_ids:
            manifest = self.catalog.manifest(video_id)
            if manifest is None:
                continue
            referenced = self.catalog.datasets.of_video(manifest.video_id)
            present = present_source(manifest, self.is_present)
            yield self._act(manifest, judge(present, referenced, self.force), referenced)

    def source(self, address: str) -> Iterator[Decision]:
        """Delete the videos of a source: a file, a folder, an object, a prefix or a URL.

        Forced, it counts as gone though it is there. A video that is also elsewhere stays and only loses this source.
        """
        for manifest in videos_of_source(self.catalog, address):
            named = {source.uri for source in manifest.sources if lies_in(source.uri, address)}
            elsewhere = present_source(manifest, self.is_present, without=named)
            if elsewhere:
                yield self._leave_source(manifest, named, elsewhere[0])
                continue
            referenced = self.catalog.datasets.of_video(manifest.video_id)
            present = present_source(manifest, self.is_present)
            yield self._act(manifest, judge(present, referenced, self.force), referenced)

    def dataset(self, name: str) -> Iterator[Decision]:
        """Delete a dataset, and of its videos those that no other dataset refers to and that are gone, or forced.

        A video that another dataset refers to stays in any case.
        """
        for video_id in self.catalog.datasets.videos(name):
            manifest = self.catalog.manifest(video_id)
            if manifest is None:  # removed in another way: the reference leads nowhere
                if not self.dry_run:
                    self.catalog.datasets.remove(name, video_id)
                continue
            others = [other for other in self.catalog.datasets.of_video(video_id) if other != name]
            present = present_source(manifest, self.is_present)
            verdict = judge(present, others, self.force and not others)
            decision = self._act(manifest, verdict, [name])
            if decision.action == "keep" and not self.dry_run:
                leave_dataset(self.catalog, name, video_id)
            yield decision

    def _act(self, manifest: Manifest, verdict: Verdict, referenced: Iterable[str]) -> Decision:
        if verdict.action == "delete" and not self.dry_run:
            eraser = Eraser(self.catalog, self.index, self.run_id, self.lease_s)
            if not eraser.erase(manifest, {*referenced}):
                verdict = Verdict("keep", "A run works on it, or has just found it again. Try again later.")
        return Decision(manifest.video_id, name_of(manifest), *verdict)

    def _leave_source(self, manifest: Manifest, named: Set[str], elsewhere: str) -> Decision:
        """Forget those of a video's sources that are gone, or all that are named; it has another."""
        for source in manifest.sources:
            if self.dry_run or source.uri not in named:
                continue
            if self.force or (source.deleted_at is None and not self.is_present(source.uri)):
                leave_source(self.catalog, manifest.video_id, source.uri)
        return Decision(manifest.video_id, name_of(manifest), "keep", f"Its bytes are also at {elsewhere}.")


def videos_of_source(catalog: Catalog, address: str) -> Iterator[Manifest]:
    """The videos that have a source at or below an address.

    One file's are known by its record; else all manifests are read.
    """

    def has_it(manifest: Manifest) -> bool:
        return any(lies_in(source.uri, address) for source in manifest.sources)

    known = sorted(catalog.sources.videos_of(source_address(address)))
    found = [manifest for id_ in known if (manifest := catalog.manifest(id_)) is not None and has_it(manifest)]
    return iter(found) if found else filter(has_it, catalog.manifests())


def name_of(manifest: Manifest) -> str:
    """What users know a video by: its first source, or its id if it has none."""
    return manifest.sources[0].uri if manifest.sources else manifest.video_id
