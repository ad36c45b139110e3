"""Settings of the run and of searches."""

from typing import Annotated

from pydantic import Field

from footage.relevance_settings import RelevanceSettings
from footage.setting_section import Section
from footage.web_address import WebAddress

# A plain value of a node's label: no `!`, no `in(…)`; Ray Data, which counts the room of labelled nodes, knows neither.
NodeLabel = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$")]


class PipelineSettings(Section):
    """How the stages run on Ray."""

    fuse: bool = True
    """Run the model stages in one actor: one torch process per node, half the memory. False: a pool for each."""
    decoders: int = Field(default=2, ge=1)
    """Decoder actors that a run starts with; on a machine without cards it never has more."""
    decoders_per_card: int = Field(default=8, ge=1)
    """Up to so many decoders for each card, while spans wait to be decoded. A core decodes several times as fast as a
    video plays; a card goes through it tens of times as fast."""
    model_actors: int = Field(default=1, ge=1)
    """Actors of each model pool. On a CPU one fused actor keeps a core busy with speech; a second one takes about
    0.8 GiB more."""
    decoder_num_cpus: float = Field(default=0.1, gt=0)
    """CPU share of a decoder on one machine. A pool that waits for a whole CPU on two cores never starts."""
    model_num_cpus: float = Field(default=0.1, gt=0)
    """CPU share of a model actor on one machine. On a cluster one with a share of a card asks for that alone."""
    worker_num_cpus: float = Field(default=1, gt=0)
    """CPU share, on a cluster, of actors that compute on a CPU: decoders, and models without a card. They run one
    thread each, and with less Ray would put more of them on a machine than it has cores."""
    model_memory_mib: int = Field(default=0, ge=0)
    """Memory that Ray sets aside for each model actor, so that it puts no more of them on a machine than that holds;
    0: none. What they take stands in the report of a run (`peak_pss_by_process_mib`)."""
    max_cpus: float | None = Field(default=None, gt=0)
    """Most CPUs that one run takes of a cluster; null: all. On a cluster that grows by itself, also how far it grows
    for a run, where Ray does not say it."""
    max_gpus: int | None = Field(default=None, ge=0)
    """The same for cards."""
    node_labels: dict[str, NodeLabel] = Field(default={})
    """Runs stay on the nodes of a cluster that have these labels; empty: on all. Ray Data counts the room of labelled
    nodes rightly if the label is called `ray-subcluster`."""
    spans_per_card: int = Field(default=4, ge=1)
    """A run takes one card for so many spans at most: for fewer, loading the models takes longer than the work."""
    grow_wait_s: float = Field(default=300, ge=0)
    """How long a run waits until a cluster that grows has all the cards it asked for, before it begins with those that
    came. Those that come later are used too."""
    speech_num_gpus: float = Field(default=0, ge=0)
    """GPU share of a Transcriber."""
    text_num_gpus: float = Field(default=0, ge=0)
    """GPU share of a TextEmbedder."""
    frames_num_gpus: float = Field(default=0, ge=0)
    """GPU share of a FrameEmbedder."""
    captions_num_gpus: float = Field(default=0, ge=0)
    """GPU share of a Captioner. The four shares add up to one card."""
    summaries_num_gpus: float = Field(default=0, ge=0)
    """GPU share of a Summarizer, which runs when the other stages are done."""
    retries: int = Field(default=2, ge=0)
    """How often a span is tried again after its worker died."""
    max_lost_spans: int = Field(default=100, ge=0)
    """A run ends when more spans than this were lost to dead workers or to errors that are not the videos'."""
    block_mib: int = Field(default=8, ge=1)
    """Ray Data's target block size. Small blocks stream."""
    object_store_mib: int = Field(default=512, ge=100)
    """Shared memory of a Ray that this program starts itself."""
    dashboard_url: WebAddress = ""
    """Address by which people reach Ray's dashboard, such as https://ray.example.org, for the link on our page; empty:
    the one that Ray has within its cluster."""
    watchdog_base_s: float = Field(default=120, gt=0)
    """Seconds a stage may take for a span on top of its share per media second."""
    watchdog_per_media_s: float = Field(default=20, gt=0)
    """Seconds per second of media; past the limit the actor ends itself and the span is tried again."""
    watchdog_start_s: float = Field(default=900, gt=0)
    """Seconds an actor may take to load its models."""
    lease_s: float = Field(default=60, ge=2)
    """How long other runs keep off the videos of a run that gives no sign of life; it gives one three times as often.
    Clocks of the machines must agree to a third of it."""
    max_attempts: int = Field(default=5, ge=1)
    """Runs that may fail on a source before `footage retry` leaves it out, unless it is named."""
    tranche_sources: int = Field(default=5000, ge=1)
    """Sources that are streamed at once; a larger run is several such streams, so that memory does not follow it."""


class SearchSettings(Section):
    """How the lists of a search are fused."""

    rrf_k: float = Field(default=60, gt=0)
    """Constant of reciprocal-rank fusion (Cormack, Clarke and Buettcher 2009 use 60)."""
    transcript_weight: float = Field(default=1.0, ge=0)
    """Weight of the list of scenes whose words mean something similar."""
    transcript_sparse_weight: float = Field(default=1.0, ge=0)
    """Weight of the list of scenes with the same words."""
    visual_weight: float = Field(default=1.0, ge=0)
    """Weight of the list of scenes that look like what the words of the query say."""
    image_weight: float = Field(default=1.0, ge=0)
    """Weight of the list of scenes that look like the picture, or the scene, that is searched by."""
    caption_weight: float = Field(default=1.0, ge=0)
    """Weight of the list of scenes whose caption means something similar."""
    transcript_floor: float = Field(default=-1.0, ge=-1, le=1)
    """Scenes whose words are less similar to the query (cosine) are not in the list of meaning. A dense list ranks
    every scene, related or not, and fusion sees ranks only. The value belongs to the text model; -1 means none."""
    caption_floor: float = Field(default=-1.0, ge=-1, le=1)
    """The same for captions."""
    min_relevance: float = Field(default=0.5, ge=0, le=1)
    """Hits whose calibrated relevance is lower are left out, unless the search asks for another floor; 0 means none.
    Where no list of a search has a calibration, nothing is left out."""
    relevance: RelevanceSettings = RelevanceSettings()
    """The calibration."""
    candidates: int = Field(default=100, ge=1)
    """Length of each list before fusion."""
    index_wait_s: float = Field(default=3, ge=0)
    """How long a search waits for the embedded index before it says who holds it."""
