"""What is stored as JSON: the sidecar of a scene, the manifest of a video, and the records around them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from footage.records import Source


class Stored(BaseModel):
    """Base of everything stored: unknown fields are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StoredWord(Stored):
    """A spoken word in video time (seconds)."""

    start_s: float
    end_s: float
    text: str
    probability: float


class StoredSegment(Stored):
    """A run of words in video time (seconds)."""

    start_s: float
    end_s: float
    text: str
    words: list[StoredWord] = []


class StoredTranscript(Stored):
    """What is said in a scene."""

    text: str
    language: str
    segments: list[StoredSegment] = []


class StoredEmbedding(Stored):
    """Which model made a vector, and whether there is one; the numbers are in the vector index."""

    model: str
    dimensions: int
    has_embedding: bool
    toy: bool = Field(default=False, description="Made by a toy model, which only knows drawn scenes")


class StoredEmbeddings(Stored):
    """The vectors of a scene. `vision` also says which model gave the tags."""

    text: StoredEmbedding
    vision: StoredEmbedding
    caption: StoredEmbedding


class StoredCaption(Stored):
    """What a vision-language model says is seen in a scene."""

    text: str
    model: str
    toy: bool = Field(default=False, description="Made by a toy model, which only knows drawn scenes")


class StoredDescription(Stored):
    """What a language model says of a whole video."""

    text: str = Field(description="Empty where there is nothing to tell: neither captions nor speech")
    model: str
    toy: bool = Field(default=False, description="Made by a toy model, which only knows drawn scenes")
    embedding: StoredEmbedding
    fingerprint: str = Field(description="Of what changes a description: model, prompt, the pipeline of its scenes")
    described_at: str


class SidecarMetadata(Stored):
    """How a sidecar came to be."""

    pipeline_fingerprint: str
    processed_at: str = Field(description="UTC, ISO 8601")
    stage_seconds: dict[str, float] = Field(
        default={}, description="Wall seconds that each stage spent on the scene's span"
    )


class Sidecar(Stored):
    """One scene: `sidecars/{workspace}/{video_id}/{scene_id}.json`."""

    schema_version: Literal[1] = 1
    workspace: str
    video_id: str
    scene_id: str
    index: int = Field(ge=0, description="Position of the scene in its video, from 0")
    start_s: float = Field(ge=0)
    end_s: float = Field(gt=0)
    transcript: StoredTranscript
    caption: StoredCaption | None = Field(default=None, description="None where there is no captioner or no picture")
    vision_tags: dict[str, float] = Field(
        default={}, description="What is seen, with its probability, most probable first"
    )
    embeddings: StoredEmbeddings
    thumbnail_key: str
    source_uris: list[str]
    metadata: SidecarMetadata


class StoredSource(Stored):
    """One file or object with the bytes of a video."""

    uri: str
    etag: str
    size_bytes: int
    deleted_at: str | None = Field(default=None, description="When footage deleted the original, where asked to")


def stored_source(source: Source) -> StoredSource:
    """A listed source, as records have it."""
    return StoredSource(uri=source.uri, etag=source.etag, size_bytes=source.size_bytes)


class StoredScene(Stored):
    """A scene as its manifest and its span record list it."""

    scene_id: str
    start_s: float
    end_s: float


class StoredVideo(Stored):
    """What the probe said of a video; see records.Video."""

    duration_s: float
    first_frame_s: float
    width_px: int
    height_px: int
    rotation_deg: int
    frame_rate: float
    video_codec: str
    has_audio: bool
    has_timestamps: bool


class StoredSpan(Stored):
    """A planned span, [start_s, end_s) of video time."""

    index: int
    start_s: float
    end_s: float


class SpanRecord(Stored):
    """A committed span: `videos/{workspace}/{video_id}/spans/{index}.json`."""

    schema_version: Literal[1] = 1
    video_id: str
    span: StoredSpan
    scenes: list[StoredScene]
    language: str = Field(description="The most spoken one; empty where nothing is said")
    words_by_language: dict[str, int] = Field(description="How many words are said in each language")
    frames_decoded: int
    frames_damaged: int
    pipeline_fingerprint: str
    claim_generation: int = Field(default=1, ge=1, description="Of the claim under which it was written")
    run_id: str
    committed_at: str
    stage_seconds: dict[str, float]


class Manifest(Stored):
    """One finished video: `videos/{workspace}/{video_id}/manifest.json`. It is there: every scene is searchable."""

    schema_version: Literal[1] = 1
    workspace: str
    video_id: str
    sha256: str
    video: StoredVideo
    sources: list[StoredSource]
    datasets: list[str]
    language: str = Field(description="The most spoken one; empty where nothing is said")
    span_count: int
    scenes: list[StoredScene] = Field(description="In time order: the position is the scene's index")
    description: StoredDescription | None = None
    pipeline_fingerprint: str
    components: dict[str, str] = Field(
        default={}, description="Of the pipeline fingerprint's parts (speech, frames, ...), a hash each"
    )
    claim_generation: int = Field(default=1, ge=1, description="Of the claim under which it was written")
    run_id: str
    committed_at: str

    @property
    def told(self) -> StoredDescription | None:
        """The description as users see it: one without text, of a video with nothing to tell, is none."""
        return self.description if self.description is not None and self.description.text else None

    def with_source(self, source: StoredSource, dataset: str | None) -> "Manifest":
        """The manifest with a source and a dataset among its own; sources are in order of their URI."""
        sources = {held.uri: held for held in self.sources} | {source.uri: source}
        datasets = {*self.datasets, *([dataset] if dataset is not None else [])}
        return self.model_copy(
            update={"sources": [sources[uri] for uri in sorted(sources)], "datasets": sorted(datasets)}
        )

    def has_source(self, source: StoredSource) -> bool:
        """Whether this source, in this state, is among its own."""
        return any((held.uri, held.etag) == (source.uri, source.etag) for held in self.sources)

    def without_source(self, uri: str) -> "Manifest":
        """The manifest without a source: what is under that URI is now another video."""
        return self.model_copy(update={"sources": [held for held in self.sources if held.uri != uri]})

    def placed(self, sidecar: Sidecar) -> Sidecar | None:
        """A sidecar with the place and the times that its scene has in this manifest; None if it has no such scene.

        While another pipeline indexes the video anew, its sidecars lie there already, with places within their span.
        """
        for index, scene in enumerate(self.scenes):
            if scene.scene_id == sidecar.scene_id:
                return self.placed_at(index, sidecar)
        return None

    def placed_at(self, index: int, sidecar: Sidecar) -> Sidecar:
        """The same of a scene whose index in this manifest is known."""
        scene = self.scenes[index]
        return sidecar.model_copy(update={"index": index, "start_s": scene.start_s, "end_s": scene.end_s})


class QuarantineRecord(Stored):
    """A source, or one span of it, that could not be indexed: `quarantine/{workspace}/{id}.json`."""

    schema_version: Literal[1] = 1
    quarantine_id: str
    workspace: str
    source: StoredSource
    video_id: str | None = None
    span_index: int | None = None
    dataset: str | None = Field(default=None, description="That the run adds videos to; a retry does so too")
    code: str = Field(description="The kind of failure; see footage.errors")
    reason: str = Field(description="A sentence for the user")
    next_step: str = Field(default="", description="What to do about it, a sentence for the user")
    attempts: int = Field(ge=1, description="Runs that tried and failed")
    pipeline_fingerprint: str
    first_failed_at: str
    last_failed_at: str
    run_id: str
