"""What the HTTP API answers with. Times are seconds of video time unless their name says otherwise."""

from typing import Literal

from pydantic import Field

from footage.api_keys import Role
from footage.search import ListAsked, SceneShown, Wire

VideoState = Literal["indexed", "running", "quarantined"]


class Problem(Wire):
    """An error: RFC 9457, `application/problem+json`."""

    type: str = Field(description="A page of docs/api.md that explains this kind of error")
    title: str
    status: int
    detail: str = Field(description="A sentence that names what is wrong and what to do")
    instance: str = Field(default="", description="Of this request; the service's log has it too")


class SceneHit(SceneShown):
    """A scene that answers a search. Offsets of highlights are in Unicode code points, [from, to)."""

    name: str = Field(description="File name of the video")
    thumbnail_url: str = Field(description="A JPEG; good for a limited time, like the other addresses")
    play_url: str = Field(description="The video, from the scene's start to its end (a media fragment)")
    sidecar_url: str = Field(description="All that is stored of the scene, as JSON")


class SearchAnswer(Wire):
    """A page of scenes, best first."""

    query: str | None
    hits: list[SceneHit]
    next_cursor: str | None = Field(description="For the next page: ask the same with `cursor`; null after the last")
    left_out: int = Field(description="Scenes that were found and are less relevant than asked for")
    lists: list[ListAsked]
    took_ms: dict[str, float]


class VideoItem(Wire):
    """A video of the library. What is not known of it yet, as it is running or quarantined, is null or empty."""

    video_id: str | None
    name: str
    state: VideoState
    source_uris: list[str]
    duration_s: float | None = None
    scene_count: int | None = None
    language: str = ""
    datasets: list[str] = Field(default=[])
    description: str = ""
    description_toy: bool = False
    score: float | None = Field(default=None, description="Of a search by description: the cosine")
    indexed_at: str | None = None
    thumbnail_url: str | None = None
    play_url: str | None = None
    problem_code: str | None = Field(default=None, description="Of a quarantined one; docs/when-something-fails.md")
    problem: str | None = Field(default=None, description="Why it is in quarantine, a sentence")
    next_step: str | None = Field(default=None, description="What to do about it, a sentence")
    attempts: int | None = None


class VideoPage(Wire):
    """A part of the library."""

    videos: list[VideoItem]
    next_cursor: str | None


class SceneOfVideo(Wire):
    """A scene on the time line of its video."""

    scene_id: str
    index: int
    start_s: float
    end_s: float
    thumbnail_url: str


class SceneDetail(SceneOfVideo):
    """A scene with what is said and seen in it."""

    video_id: str
    transcript: str
    language: str
    segments: list["SpokenSegment"]
    caption: str
    caption_toy: bool
    tags: dict[str, float]
    tags_toy: bool
    play_url: str
    sidecar_url: str


class SpokenSegment(Wire):
    """Words said in one breath."""

    start_s: float
    end_s: float
    text: str


class ScenePage(Wire):
    """A part of a video's scenes, in time order."""

    scenes: list[SceneDetail]
    next_cursor: str | None


class VideoDetail(VideoItem):
    """A video with its time line."""

    width_px: int
    height_px: int
    frame_rate: float
    video_codec: str
    has_audio: bool
    scenes: list[SceneOfVideo]
    subtitles_vtt_url: str
    subtitles_srt_url: str


class RunningJob(Wire):
    """A run that gives signs of life now."""

    run_id: str
    what: str = Field(description="The command")
    source: str
    started_at: str
    videos_found: int | None = Field(description="Null until they are counted, or where the run does not say")
    videos_done: int | None
    videos_quarantined: int | None
    media_s: float | None = Field(description="Seconds of video indexed")
    progress: float | None = Field(description="0 to 1, by bytes")
    dashboard_url: str | None = Field(
        default=None,
        description="Its page on Ray's dashboard; null where there is none, and for all but administrators",
    )


class JobList(Wire):
    """The runs of the workspace."""

    jobs: list[RunningJob]


class DatasetItem(Wire):
    """A named set of videos."""

    name: str
    video_count: int


class DatasetList(Wire):
    """The datasets of the workspace."""

    datasets: list[DatasetItem]


class TagList(Wire):
    """The vision tags that occur."""

    tags: list[str]


class LanguageList(Wire):
    """The languages that occur."""

    languages: list[str] = Field(description="ISO 639-1, where there is such a code")


class Changed(Wire):
    """What a change did."""

    done: bool = Field(description="Whether anything was changed")
    detail: str = Field(description="A sentence")


class Me(Wire):
    """Who asks, and what they may do."""

    workspace: str
    role: Role
    key_id: str | None = Field(description="Null in the open mode")
    expires_at: str | None
    requests_per_minute: int | None = Field(description="Null: no limit")
    toy_lists: list[str] = Field(description="Lists that a toy model made, which only knows drawn scenes")
    max_image_mib: float


class Health(Wire):
    """Whether searches can be answered."""

    state: Literal["ok", "degraded"]
    index: str = Field(description="ok, or a sentence")
    encoders: str = Field(description="ok, or a sentence")
    store: str = Field(description="ok, or a sentence")
    version: str
