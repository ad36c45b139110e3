"""Who works on a video: claims taken, confirmed, passed on and given back, by conditional writes only.

A claim is a lease with a number (generation) that rises with each owner. Time decides when a claim may be taken over;
whether a write counts, the number decides: who is about to make a video searchable confirms its claim first, which
fails if another has it, and neither a manifest nor points of a later generation give way to those of an earlier one.
"""

from datetime import UTC, datetime
from typing import Literal, NamedTuple

from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.leases import break_lease, is_alive, new_nonce
from footage.sidecar import Manifest, StoredSource
from footage.timestamps import stamp


class Taken(NamedTuple):
    """What came of trying to take a video."""

    claim: Claim  # the one that counts now: ours, or whose the video is
    how: Literal["ours", "elsewhere", "duplicate"]


def take_claim(catalog: Catalog, wanted: Claim, now: datetime) -> Taken:
    """Take a video to index it.

    Args:
        catalog: of the workspace.
        wanted: the claim to write; its generation is raised as far as needed.
        now: UTC.

    Returns:
        `ours`: it is this run's, and this source's; the claim that was there already, if the run takes it again.
        `elsewhere`: another run that lives works on it, be it to index or to delete it.
        `duplicate`: this run has it by another source with the same bytes, or the video was completed just now.
    """
    wanted = wanted.model_copy(update={"nonce": new_nonce()})
    while True:
        if catalog.claims.create(wanted):
            return _unless_done(catalog, wanted)
        held = catalog.claims.get(wanted.video_id)
        if held is None:  # given back since
            continue
        if held.run_id == wanted.run_id:
            return Taken(held, "ours" if held.source.uri == wanted.source.uri else "duplicate")
        if is_alive(catalog, held, now) or not break_lease(catalog, held.run_id, now):
            return Taken(held, "elsewhere")
        ours = _after(held, wanted)
        if catalog.claims.swap(held, ours):
            return _unless_done(catalog, ours)


def take_for_deletion(
    catalog: Catalog, manifest: Manifest, run_id: str, lease_s: float, now: datetime | None = None
) -> Claim | None:
    """Take a video to delete it.

    Args:
        catalog: of the workspace.
        manifest: of the video.
        run_id: of this process. A claim of the same run is taken over.
        lease_s: how long others keep off, where this process has no lease.
        now: UTC; None asks the clock.

    Returns:
        The claim, or None where another run that lives works on the video.
    """
    now = now or datetime.now(UTC)
    wanted = Claim(
        video_id=manifest.video_id,
        run_id=run_id,
        generation=manifest.claim_generation + 1,
        nonce=new_nonce(),
        expires_at=stamp(now, lease_s),
        purpose="delete",
        source=manifest.sources[0] if manifest.sources else StoredSource(uri="", etag="", size_bytes=0),
        sha256=manifest.sha256,
        video=manifest.video,
        spans=[],
        pipeline_fingerprint=manifest.pipeline_fingerprint,
        claimed_at=stamp(now),
    )
    while not catalog.claims.create(wanted):
        held = catalog.claims.get(manifest.video_id)
        if held is None:
            continue
        if held.run_id != run_id and (is_alive(catalog, held, now) or not break_lease(catalog, held.run_id, now)):
            return None
        ours = _after(held, wanted)
        if catalog.claims.swap(held, ours):
            return ours
    return wanted


def confirm_claim(catalog: Catalog, claim: Claim, lease_s: float, now: datetime | None = None) -> Claim | None:
    """The fence before what cannot be taken back: renew a claim for `lease_s` seconds; None if it is another's now."""
    until = stamp(now or datetime.now(UTC), lease_s)
    while True:
        confirmed = claim.model_copy(update={"nonce": new_nonce(), "expires_at": until})
        if catalog.claims.swap(claim, confirmed):
            return confirmed
        held = catalog.claims.get(claim.video_id)
        if held is None or (held.run_id, held.generation) != (claim.run_id, claim.generation):
            return None
        claim = held  # another writer of this run has confirmed it


def release_claim(catalog: Catalog, claim: Claim) -> bool:
    """Remove the claim of a video that is complete; False if it is another's by now, which then stays."""
    if not catalog.claims.holds(claim):
        return False
    catalog.claims.delete(claim.video_id)
    return True


def give_back(catalog: Catalog, claim: Claim) -> None:
    """Leave a video that is not complete to any run, at once; what was planned and how often it was taken is kept."""
    held = catalog.claims.get(claim.video_id)
    if held is not None and (held.run_id, held.generation) == (claim.run_id, claim.generation):
        catalog.claims.swap(held, held.model_copy(update={"run_id": "", "nonce": new_nonce(), "expires_at": ""}))


def _after(held: Claim, wanted: Claim) -> Claim:
    """The claim that takes over from a dead one. Spans of its owners count if they are of the same pipeline."""
    generation = max(held.generation + 1, wanted.generation)
    resumes = held.purpose == "index" and held.pipeline_fingerprint == wanted.pipeline_fingerprint
    resumes_from = max(held.resumes_from if resumes else generation, wanted.resumes_from)
    changes = {"generation": generation, "resumes_from": resumes_from, "nonce": new_nonce()}
    return wanted.model_copy(update=changes)


def _unless_done(catalog: Catalog, ours: Claim) -> Taken:
    """A claim just taken, unless the one before completed the video after we looked; generations rise past that."""
    manifest = catalog.manifest(ours.video_id)
    if manifest is not None and manifest.pipeline_fingerprint == ours.pipeline_fingerprint:
        release_claim(catalog, ours)
        return Taken(ours, "duplicate")
    if manifest is None or manifest.claim_generation < ours.generation:
        return Taken(ours, "ours")
    later = manifest.claim_generation + 1
    raised = ours.model_copy(update={"generation": later, "resumes_from": later, "nonce": new_nonce()})
    # False: so slow that it was taken over meanwhile
    return Taken(raised, "ours") if catalog.claims.swap(ours, raised) else Taken(ours, "elsewhere")
