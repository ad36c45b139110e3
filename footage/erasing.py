"""Removes all that is stored of one video, in an order in which a crash leaves something that gc finds.

While it goes on, this process holds the claim of the video, as a run does that indexes it: neither gets in the other's
way. Before anything is removed its sources are put in doubt, so that runs read them, and the manifest is given to no
pipeline. Span records go before the points that they stand for. So content which comes back after a crash is neither
taken for indexed nor for half indexed. The manifest, by which such a video is found, goes last but for marks and claim.
"""

from collections.abc import Set
from dataclasses import dataclass

from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.claiming import confirm_claim, release_claim, take_for_deletion
from footage.index import VectorIndex
from footage.shelf import MARKS
from footage.sidecar import Manifest, StoredVideo

REMOVED = "removed"  # a fingerprint that no pipeline has: the same content, should it come back, is indexed anew


@dataclass(frozen=True)
class Eraser:
    """Removes videos of a workspace for one run, each under its claim."""

    catalog: Catalog
    index: VectorIndex
    run_id: str
    lease_s: float  # how long a claim keeps others off if this process dies

    def erase(self, judged: Manifest, datasets: Set[str]) -> bool:
        """Remove a video. May be killed anywhere and called again.

        Args:
            judged: the manifest on which it was decided.
            datasets: the references that the decision knew of.

        Returns:
            False, having removed nothing (its sources may be read once more), if a live run works on the video, or a
            source or a dataset has joined it since it was judged.
        """
        claim = take_for_deletion(self.catalog, judged, self.run_id, self.lease_s)
        if claim is None:
            return False
        for source in judged.sources:
            self.catalog.sources.doubt(source.uri)
        sources, known = {source.uri for source in judged.sources}, {*judged.datasets, *datasets}

        def given_up(held: Manifest) -> Manifest:
            if {source.uri for source in held.sources} <= sources and {*held.datasets} <= known:
                return held.model_copy(
                    update={"pipeline_fingerprint": REMOVED, "sources": [], "datasets": [], "scenes": []}
                )
            return held

        left = self.catalog.change_manifest(judged.video_id, given_up)
        if left is not None and left.pipeline_fingerprint != REMOVED:
            release_claim(self.catalog, claim)
            return False
        for source in judged.sources:
            self.catalog.sources.forget(source.uri, judged.video_id)
        return self.clear(claim)

    def erase_leftovers(self, video_id: str) -> bool:
        """Remove what there is of a video without a manifest.

        Returns:
            False if a live run works on it, or has completed it.
        """
        claim = take_for_deletion(self.catalog, _stand_in(self.catalog, video_id), self.run_id, self.lease_s)
        if claim is None:
            return False
        if self.catalog.manifest(video_id) is not None:
            release_claim(self.catalog, claim)
            return False
        return self.clear(claim)

    def clear(self, claim: Claim) -> bool:
        """Remove everything of a video that has no manifest, or one that was given up; the claim last.

        Returns:
            False if the claim was lost on the way (this process slept past its time): its new owner knows what is left.
        """
        catalog, video_id = self.catalog, claim.video_id
        for index in sorted(catalog.span_indices(video_id)):
            catalog.delete_span(video_id, index)
        self.index.delete_video(catalog.workspace, video_id)
        confirmed = confirm_claim(catalog, claim, self.lease_s)
        if confirmed is None:
            return False
        for kind in ("sidecars", "thumbnails"):
            catalog.store.delete_all(catalog.store.list(f"{kind}/{catalog.workspace}/{video_id}/"))
        for dataset in catalog.datasets.of_video(video_id):
            catalog.datasets.remove(dataset, video_id)
        confirmed = confirm_claim(catalog, confirmed, self.lease_s)
        if confirmed is None:
            return False
        catalog.delete_manifest(video_id)
        for mark in MARKS:  # after the manifest: until then they tell the end of a run to do this
            catalog.pending.remove(mark, video_id)
        release_claim(catalog, confirmed)
        return True


def _stand_in(catalog: Catalog, video_id: str) -> Manifest:
    """A manifest of nothing, under which what is left of a video can be claimed."""
    nothing = StoredVideo(
        duration_s=0,
        first_frame_s=0,
        width_px=0,
        height_px=0,
        rotation_deg=0,
        frame_rate=0,
        video_codec="",
        has_audio=False,
        has_timestamps=False,
    )
    return Manifest(
        workspace=catalog.workspace,
        video_id=video_id,
        sha256="",
        video=nothing,
        sources=[],
        datasets=[],
        language="",
        span_count=0,
        scenes=[],
        pipeline_fingerprint=REMOVED,
        run_id="",
        committed_at="",
    )
