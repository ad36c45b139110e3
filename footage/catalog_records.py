"""What is stored about who works on what, and what belongs to what: leases, claims, sources, datasets."""

from typing import Literal

from pydantic import Field

from footage.sidecar import Stored, StoredSource, StoredSpan, StoredVideo


class SourceRecord(Stored):
    """A source that needs no reading again; see SourceBook for its key."""

    schema_version: Literal[1] = 1
    source: StoredSource
    video_id: str
    pipeline_fingerprint: str
    recorded_at: str = Field(description="When the source was read; of two findings the later one counts")


class RunCounts(Stored):
    """How far an index run had come at a sign of life. A video counts as done when it can be searched."""

    videos_found: int = Field(description="Sources that it has to index; those indexed before are not among them")
    videos_done: int = Field(description="Of those: indexed, by this run or meanwhile by another")
    videos_skipped: int = Field(default=0, description="Indexed before: nothing is read")
    videos_quarantined: int
    scenes: int = Field(default=0, description="Found by this run")
    media_s: float = Field(description="Seconds of video indexed")
    bytes_done: int = Field(description="Of the sources, as far as their spans are indexed")
    bytes_total: int
    doing: str = Field(default="", description="What goes on now, in a few words")


class Lease(Stored):
    """A run that gives signs of life: `leases/{workspace}/{run_id}.json`. It holds the claims that name the run."""

    schema_version: Literal[1] = 1
    run_id: str
    workspace: str
    job: str = Field(default="", description="The job of a Ray cluster that it belongs to; empty if it was run by hand")
    dashboard_url: str = Field(default="", description="Its page on Ray's dashboard, where there is one")
    what: str = Field(description="The command, such as `footage index s3://archive`")
    source: str = Field(description="What it indexes, as it was given; empty if it indexes nothing")
    host: str
    machine: str = Field(default="", description="See dead_runs.this_machine: where `pid` counts")
    pid: int
    nonce: str = Field(description="Changes with each renewal, so that a write whose answer was lost is known again")
    started_at: str
    expires_at: str = Field(description="UTC, ISO 8601; renewed well before")
    counts: RunCounts | None = Field(default=None, description="None until sources are listed, or where none are")


class Claim(Stored):
    """Who works on a video, and what was planned: `claims/{workspace}/{video_id}.json`.

    It is alive while its own time has not passed, or while its run's lease has not. A dead one may be taken over, with
    the next generation; whoever still writes under the old one cannot commit.
    """

    schema_version: Literal[1] = 1
    video_id: str
    run_id: str = Field(description="The owner")
    generation: int = Field(default=1, ge=1)
    resumes_from: int = Field(
        default=1, ge=1, description="Spans of earlier generations do not count: others may have removed their points"
    )
    nonce: str = Field(default="", description="Of this taking; tells a write whose answer was lost from another's")
    expires_at: str = Field(default="", description="UTC, ISO 8601; empty has passed")
    purpose: Literal["index", "delete"] = "index"
    source: StoredSource
    sha256: str
    video: StoredVideo
    spans: list[StoredSpan]
    pipeline_fingerprint: str
    claimed_at: str = Field(description="When the source was read; of a deletion: when the video was taken")


class Reference(Stored):
    """A video in a dataset: `datasets/{workspace}/{dataset}/{video_id}`."""

    schema_version: Literal[1] = 1
    uris: list[str] = Field(
        default=[], description="Sources by which runs put it there; none: it was added by name and stays by itself"
    )
    by_name: bool = Field(default=False, description="Added by `footage datasets add`: stays whatever its sources do")
