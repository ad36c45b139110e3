"""A search for whole videos on the wire: what is asked and what is answered."""

from pydantic import Field

from footage.search import DEFAULT_WORKSPACE, Name, Query, Wire


class VideoSearchRequest(Wire):
    """What videos are to be about."""

    query: Query = Field(description="What the video is about, in a few words")
    limit: int = Field(default=100, ge=1, le=1000, description="At most this many videos")
    workspace: Name = DEFAULT_WORKSPACE


class FoundVideo(Wire):
    """A video whose description answers the query."""

    video_id: str
    score: float = Field(description="Cosine of the query and the description")
    source_uris: list[str] = Field(description="The files and objects that hold the video")
    duration_s: float
    language: str = Field(description="The most spoken one; empty where nothing is said")
    scene_count: int
    description: str
    description_toy: bool = Field(description="The description is a toy model's, which only knows drawn scenes")


class VideoSearchResponse(Wire):
    """Videos, best first. Those without a description are not among them."""

    query: str
    workspace: str
    videos: list[FoundVideo]
