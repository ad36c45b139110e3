"""After the stream has ended: every source is indexed, in quarantine, or put there now. Nothing vanishes."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.claiming import give_back, release_claim
from footage.completion import spans_left
from footage.errors import WorkerLost
from footage.parts import Part
from footage.quarantine import quarantine_record
from footage.records import Source
from footage.sidecar import QuarantineRecord, stored_source
from pipelines.ledger import LedgerState, LostTask
from pipelines.run_sources import is_indexed

STAGE_FAILED = "stage_failed"  # a stage raised what is not a VideoError: a bug, or an outage of something it needs


@dataclass(frozen=True)
class Run:
    """What names a run, and the sets that its videos join."""

    run_id: str
    workspace: str
    dataset: str | None
    fingerprint: str
    components: Mapping[str, str] = field(default_factory=dict)  # of the fingerprint: a hash for each part
    datasets: Mapping[str, str | None] = field(default_factory=dict)  # by source URI, where it is not `dataset`
    only: tuple[Part, ...] = ()  # make only these parts anew; empty makes all

    def dataset_of(self, uri: str) -> str | None:
        """The set that the video of a source joins."""
        return self.datasets.get(uri, self.dataset)


class Found(NamedTuple):
    """What a source was seen to hold."""

    video_id: str
    read_at: str


@dataclass
class Outcomes:
    """What the stream reported, by source URI."""

    done: set[str] = field(default_factory=set)  # the video's manifest is written
    failed: set[str] = field(default_factory=set)  # a quarantine record is written
    joined: set[str] = field(default_factory=set)  # added to a complete video with the same bytes
    duplicate_of: dict[str, Found] = field(default_factory=dict)  # the same bytes as another's in this run
    elsewhere: dict[str, Found] = field(default_factory=dict)  # another run works on the video


@dataclass(frozen=True)
class Settled:
    """The end of every source of a run, by URI."""

    done: set[str]
    duplicate: set[str]
    quarantined: set[str]
    elsewhere: dict[str, Found]


def settle(run: Run, sources: Sequence[Source], outcomes: Outcomes, catalog: Catalog, ledger: LedgerState) -> Settled:
    """Give every source that the stream said nothing about, or left half, its place.

    Args:
        run: names the run.
        sources: all that the run set out to do.
        outcomes: what the stream reported.
        catalog: where quarantine records go.
        ledger: says in which stage a lost span was lost.
    """
    own = [claim for claim in catalog.claims.all() if claim.run_id == run.run_id]
    claims = {claim.source.uri: claim for claim in own}
    before = list(catalog.quarantine())
    noted = {(record.source.uri, record.span_index) for record in before if record.run_id == run.run_id}
    put: set[str] = set()  # ids of records of this run, over older ones or not
    ended = outcomes.done | outcomes.joined
    elsewhere = {uri: found for uri, found in outcomes.elsewhere.items() if uri not in ended}
    settled = Settled(set(outcomes.done), outcomes.joined - outcomes.done, set(), elsewhere)
    reported = ended | outcomes.duplicate_of.keys() | elsewhere.keys()
    for source in sources:
        if source.uri in reported:
            continue
        if is_indexed(catalog, run.fingerprint, source):
            settled.done.add(source.uri)  # its last writer died after the last write
            continue
        for record in _missing(run, source, claims.get(source.uri), noted, catalog, ledger):
            put.add(catalog.put_quarantine(record).quarantine_id)
        settled.quarantined.add(source.uri)
    left = {found.video_id for found in elsewhere.values()}  # to another run, by one that had the bytes first
    for source in sources:
        twin = outcomes.duplicate_of.get(source.uri)
        if twin is None or source.uri in ended:
            continue
        if twin.video_id in left:
            settled.elsewhere[source.uri] = twin
        else:
            failed = _settle_duplicate(run, source, twin, catalog)
            (settled.duplicate if failed is None else settled.quarantined).add(source.uri)
            if failed is not None:
                put.add(failed.quarantine_id)
    for claim in own:
        manifest = catalog.manifest(claim.video_id)
        if manifest is not None and manifest.pipeline_fingerprint == claim.pipeline_fingerprint:
            release_claim(catalog, claim)
        else:
            give_back(catalog, claim)  # the plan stays, for whoever takes it over
    worked_on = {source.uri for source in sources} - settled.elsewhere.keys()
    for record in before:
        if record.source.uri in worked_on and record.run_id != run.run_id and record.quarantine_id not in put:
            catalog.delete_quarantine_record(record.quarantine_id)  # of a try that this run has superseded
    return settled


def _missing(
    run: Run,
    source: Source,
    claim: Claim | None,
    noted: Set[tuple[str, int | None]],
    catalog: Catalog,
    ledger: LedgerState,
) -> Iterator[QuarantineRecord]:
    """Records for what was planned of a source and is neither committed nor in quarantine: at least one in all."""
    if (source.uri, None) in noted:
        return
    if claim is None:
        yield _record(run, source, None, None, *_explain(ledger.unfinished.get((source.uri, -1))))
        return
    # Where all spans are written and the video is not complete, that was up to the last span.
    for span in spans_left(catalog, claim) or claim.spans[-1:]:
        if (source.uri, span.index) not in noted:
            code, reason = _explain(ledger.unfinished.get((source.uri, span.index)))
            reason = f"Span {span.index} ({span.start_s:g} to {span.end_s:g} s): {reason}"
            yield _record(run, source, claim.video_id, span.index, code, reason)


def join_video(run: Run, source: Source, found: Found, catalog: Catalog) -> bool:
    """Add a source to the video that has its bytes, and the video to this run's dataset.

    Returns:
        False if the video is not searchable. True also if another run has read the source since, and found it changed.
    """
    manifest = catalog.add_source(
        found.video_id, stored_source(source), run.dataset_of(source.uri), run.fingerprint, found.read_at
    )
    if manifest is not None:
        catalog.delete_quarantine(source.uri, manifest.span_count)
        return True
    records = catalog.sources.of(source.uri)
    return any(held.video_id != found.video_id and held.recorded_at > found.read_at for held in records)


def _settle_duplicate(run: Run, source: Source, twin: Found, catalog: Catalog) -> QuarantineRecord | None:
    """Add the source to the video that has its bytes; if that one failed, so has this: the record says so."""
    if join_video(run, source, twin, catalog):
        return None
    claim = catalog.claims.get(twin.video_id)
    first = claim.source.uri if claim else "another source"
    reason = f"It has the same bytes as {first}, which could not be indexed; see that one."
    record = _record(run, source, twin.video_id, None, "duplicate_failed", reason)
    catalog.put_quarantine(record)
    return record


def _explain(lost: LostTask | None) -> tuple[str, str]:
    """Code and reason of a loss."""
    if lost is None:
        return WorkerLost.code, "The run ended before it was reached; run `footage retry`."
    if lost.error:
        return STAGE_FAILED, f"{lost.stage} raised {lost.error}"
    times = "once" if lost.attempts == 1 else f"{lost.attempts} times"
    return (
        WorkerLost.code,
        f"The worker was lost in {lost.stage}, which tried it {times}: it died, or its watchdog ended it."
        " The log of the run has what it printed last.",
    )


def _record(
    run: Run, source: Source, video_id: str | None, span_index: int | None, code: str, reason: str
) -> QuarantineRecord:
    return quarantine_record(
        run.run_id,
        run.workspace,
        stored_source(source),
        video_id,
        span_index,
        code,
        reason,
        run.fingerprint,
        run.dataset_of(source.uri),
    )
