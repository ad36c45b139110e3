"""What is stored about a run."""

from typing import Literal

from pydantic import Field

from footage.sidecar import QuarantineRecord, Stored


class RunReport(Stored):
    """What one run did: `runs/{run_id}.json`. It is written when the run begins, and again when it has ended.

    One that says `running` and has no live lease was killed.
    """

    schema_version: Literal[1] = 1
    run_id: str
    job: str = Field(default="", description="The job of a Ray cluster that it belongs to; empty if it was run by hand")
    workspace: str
    dataset: str | None
    source: str
    profile: str
    pipeline_fingerprint: str
    state: Literal["running", "finished", "interrupted", "failed"]
    error: str = Field(default="", description="Why it failed, a sentence for the user")
    started_at: str
    finished_at: str = Field(description="Empty while it is running")
    wall_s: float
    videos_found: int
    videos_done: int
    videos_skipped: int = Field(description="Already indexed: nothing was read")
    videos_left_out: int = Field(default=0, description="Not indexed before, where only a part was to be made anew")
    videos_duplicate: int = Field(description="Same bytes as another source")
    videos_quarantined: int = Field(description="Sources in quarantine after this run")
    videos_elsewhere: int = Field(default=0, description="Indexed meanwhile by another run")
    videos_remaining: int = Field(default=0, description="Not reached: the run was stopped")
    spans_done: int
    scenes_done: int
    media_s: float = Field(description="Seconds of video indexed by this run")
    media_hours_per_hour: float
    quarantined: list[QuarantineRecord] = Field(default=[])
    videos_described: int = Field(default=0, description="Descriptions that this run wrote")
    descriptions: str = Field(default="", description="Why there are none, or fewer than videos; empty if all is well")
    batch_fill: dict[str, float] = Field(
        default={}, description="Share of the places in a stage's model batches that were taken, 0 to 1"
    )
    pool_busy_share: dict[str, float] = Field(
        default={},
        description="Seconds that the actors of a pool worked, by the seconds in which they could have: from the"
        " pool's first readiness to the last outcome, times its actors",
    )
    stage_seconds: dict[str, float] = Field(default={})
    stage_calls: dict[str, int] = Field(default={}, description="Spans (or sources) that each stage took in hand")
    store_retries: int = Field(default=0, description="Requests to object stores that had to be sent again")
    bytes_read: int = Field(default=0, description="From object stores and by http(s)")
    originals_deleted: int = Field(default=0, description="Sources deleted after they were indexed, where asked to")
    worker_deaths: dict[str, int] = Field(default={}, description="Per stage")
    pool_ready_s: dict[str, float] = Field(
        default={}, description="Seconds from the start of the run to the first ready actor of each pool"
    )
    last_outcome_s: float = Field(
        default=0.0, description="Seconds from the start of the run to the last span that came out of the pipeline"
    )
    peak_pss_mib: float = Field(description="Proportional set size of the whole process tree at its highest, MiB")
    peak_pss_by_process_mib: dict[str, float] = Field(default={})
