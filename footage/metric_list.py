"""Every figure that footage gives to Prometheus: what records them, the dashboard, the alerts and their page use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Group = Literal["runs", "stages", "stores", "models", "search"]


@dataclass(frozen=True)
class Metric:
    """A family of series."""

    name: str  # without what Ray and Prometheus put around it; see `exported`
    kind: Literal["counter", "gauge", "histogram"]
    help: str  # says the unit
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()  # upper bounds, of a histogram
    group: Group = "runs"

    @property
    def exported(self) -> str:
        """Its name as Prometheus reads it from Ray: with a prefix, and counters with `_total`."""
        return f"ray_{self.name}{'_total' if self.kind == 'counter' else ''}"

    def ray_arguments(self) -> Mapping[str, Any]:
        """What the class of its kind in ray.util.metrics takes."""
        arguments = {"name": self.name, "description": self.help, "tag_keys": self.labels}
        return arguments | ({"boundaries": list(self.buckets)} if self.buckets else {})


VIDEOS = Metric(
    "footage_videos",
    "counter",
    "Videos by outcome: done, duplicate, elsewhere (indexed by another run), quarantined, skipped (indexed before)",
    ("workspace", "outcome"),
)
SCENES = Metric(
    "footage_scenes",
    "counter",
    "Scenes by outcome: done (their video can be searched), quarantined (written, but a part of their video failed)",
    ("workspace", "outcome"),
)
SPANS = Metric("footage_spans", "counter", "Spans of videos whose scenes are written", ("workspace",))
MEDIA_SECONDS = Metric("footage_media_seconds", "counter", "Seconds of media in those spans", ("workspace",))
RUN_LIVE = Metric("footage_run_live", "gauge", "1 for each run that goes on now, 0 when it has ended", ("workspace",))
LAST_PROGRESS = Metric(
    "footage_run_last_progress_timestamp_seconds",
    "gauge",
    "When a stage of the run last finished with a span, or the run began: seconds since 1970",
    ("workspace",),
)
VIDEOS_LEFT = Metric("footage_run_videos_left", "gauge", "Videos of the run without an outcome yet", ("workspace",))
CLAIMS = Metric("footage_run_claims", "gauge", "Videos that the run has claimed and not finished", ("workspace",))

STAGE_SECONDS = Metric(
    "footage_stage_seconds",
    "histogram",
    "Seconds that a stage worked on one span; Ray gives the sum only roughly, from the buckets",
    ("workspace", "stage"),
    (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000),
    "stages",
)
WORK_SECONDS = Metric(
    "footage_stage_work_seconds",
    "counter",
    "Seconds that the actors of a stage have worked, all together",
    ("workspace", "stage"),
    group="stages",
)
BATCH_ITEMS = Metric(
    "footage_batch_items",
    "counter",
    "Items (pictures, texts, questions) in the batches of a stage's model; 0 of stages without one",
    ("workspace", "stage"),
    group="stages",
)
BATCH_SLOTS = Metric(
    "footage_batch_slots",
    "counter",
    "Places that those batches had: items by places is how full they were",
    ("workspace", "stage"),
    group="stages",
)
QUEUE_ROWS = Metric(
    "footage_queue_rows",
    "gauge",
    "Rows (spans; in front of the first pool videos) that wait for a pool",
    ("workspace", "pool"),
    group="stages",
)
BUSY_ACTORS = Metric(
    "footage_pool_busy_actors", "gauge", "Actors of a pool that work on a span", ("workspace", "pool"), group="stages"
)
ACTORS = Metric(
    "footage_pool_actors", "gauge", "Actors of a pool that have loaded their models", ("pool",), group="stages"
)
POOL_GPUS = Metric(
    "footage_pool_gpus", "gauge", "GPUs that Ray keeps for those actors, in parts of a card", ("pool",), group="stages"
)
WORKER_DEATHS = Metric(
    "footage_worker_deaths",
    "counter",
    "Workers that died while they worked on a span",
    ("workspace", "stage"),
    group="stages",
)

STORE_RETRIES = Metric(
    "footage_store_retries",
    "counter",
    "Requests to object stores that had to be sent again; stage `driver` is the run itself",
    ("workspace", "stage"),
    group="stores",
)
BYTES_READ = Metric(
    "footage_read_bytes",
    "counter",
    "Bytes read from object stores and by HTTP; stage `driver` is the run itself",
    ("workspace", "stage"),
    group="stores",
)

MODEL_MEMORY = Metric(
    "footage_model_memory_bytes",
    "gauge",
    "Bytes by which the memory of one worker grew when it loaded a stage's model: of the card (device cuda), or of the"
    " process (device cpu)",
    ("stage", "device"),
    group="models",
)

HTTP_REQUESTS = Metric(
    "footage_http_requests", "counter", "Requests answered", ("route", "method", "status"), group="search"
)
HTTP_SECONDS = Metric(
    "footage_http_request_seconds",
    "histogram",
    "Seconds from a request to the end of its answer",
    ("route", "method"),
    (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10),
    "search",
)
UNDER_WAY = Metric("footage_http_requests_under_way", "gauge", "Requests in hand", group="search")
SEARCH_PARTS = Metric(
    "footage_search_part_seconds",
    "histogram",
    "Seconds of searches by part: encode, index, fuse, read",
    ("part",),
    (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
    "search",
)
HITS = Metric(
    "footage_search_hits",
    "histogram",
    "Hits of a page",
    buckets=(0.5, 1, 5, 10, 20, 50, 100),  # 0.5: pages without any; Ray takes no bound of 0
    group="search",
)

METRICS = (
    VIDEOS,
    SCENES,
    SPANS,
    MEDIA_SECONDS,
    RUN_LIVE,
    LAST_PROGRESS,
    VIDEOS_LEFT,
    CLAIMS,
    STAGE_SECONDS,
    WORK_SECONDS,
    BATCH_ITEMS,
    BATCH_SLOTS,
    QUEUE_ROWS,
    BUSY_ACTORS,
    ACTORS,
    POOL_GPUS,
    WORKER_DEATHS,
    STORE_RETRIES,
    BYTES_READ,
    MODEL_MEMORY,
    HTTP_REQUESTS,
    HTTP_SECONDS,
    UNDER_WAY,
    SEARCH_PARTS,
    HITS,
)
