"""Settings of the search service."""

from pydantic import Field

from footage.pipeline_settings import NodeLabel
from footage.setting_section import Section
from footage.web_address import WebAddress


class ServeSettings(Section):
    """How the search service answers, and what it permits."""

    replicas: int = Field(default=1, ge=1)
    """Least number of processes that answer HTTP."""
    max_replicas: int = Field(default=1, ge=1)
    """Most of them; between the two their number follows the requests under way."""
    encoder_replicas: int = Field(default=1, ge=1)
    """Least number of processes of each query encoder."""
    max_encoder_replicas: int = Field(default=1, ge=1)
    """Most of them."""
    encoder_batch: int = Field(default=16, ge=1)
    """Queries that are encoded together, if they come at the same time."""
    encoder_batch_wait_ms: float = Field(default=0, ge=0)
    """How long a query waits for others to be encoded with. 0: those that are waiting when the encoder is free."""
    num_cpus: float = Field(default=0.1, gt=0)
    """CPU share of each process, as Ray counts them."""
    node_labels: dict[str, NodeLabel] = Field(default={})
    """The service stays on the nodes of a cluster that have these labels; empty: on any. Runs that stay on other nodes
    (`pipeline.node_labels`) take nothing away from it."""
    requests_under_way: int = Field(default=64, ge=1)
    """Requests that one process has in hand at once; more wait, and past `requests_waiting` they get a 503."""
    searches_at_once: int = Field(default=16, ge=1)
    """Searches that one process works at; others wait their turn. Enough to fill the encoders' batches: with more, all
    of them take longer, and some much longer."""
    requests_waiting: int = Field(default=200, ge=1)
    """Requests that may wait for a process."""
    answer_within_s: float = Field(default=10, gt=0)
    """How long an encoder or the index may take before the client gets a 503."""
    url_lifetime_s: int = Field(default=900, gt=0, le=604_800)
    """How long the addresses of thumbnails, videos and sidecars in an answer are good for."""
    key_cache_s: float = Field(default=5, ge=0)
    """How long a key that was checked counts without looking again: a revoked one may work so long."""
    requests_per_minute: int = Field(default=600, ge=1)
    """Requests of one key in a minute, unless the key has a limit of its own. Each process counts for itself."""
    max_body_mib: float = Field(default=10, gt=0)
    """Largest body of a request."""
    max_image_mib: float = Field(default=8, gt=0)
    """Largest picture that is searched by."""
    max_image_mpx: float = Field(default=40, gt=0)
    """Most pixels (millions) of a picture that is searched by; they are counted before it is decoded."""
    cors_origins: tuple[str, ...] = ()
    """Origins of other pages that may call the service from a browser; empty: none."""
    public_url: WebAddress = ""
    """Address by which people reach the service and its page, such as https://footage.example.org. Jobs on a cluster
    carry it, so that Ray's dashboard leads back; empty: they do not."""
    thread_count: int = Field(default=32, ge=1)
    """Threads of a process that read the store, if it is a bucket."""
