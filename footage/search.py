"""A search on the wire: what is asked and what is answered."""

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from footage.errors import SettingsError
from footage.identity import check_name
from footage.index_records import ListName

DEFAULT_WORKSPACE = "default"


class Wire(BaseModel):
    """Base of what is on the wire: unknown fields are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SearchRequest(Wire):
    """What to look for, and where."""

    query: str = Field(description="What is said or seen, in a few words")
    limit: int = Field(default=10, ge=1, le=1000, description="At most this many hits")
    workspace: str = DEFAULT_WORKSPACE
    video_ids: list[str] = Field(default=[], description="Only in these videos; empty: in all")
    language: str | None = Field(default=None, description="Only where this language is spoken (ISO 639-1)")
    from_s: float | None = Field(default=None, ge=0, description="Only scenes that end after this time of their video")
    to_s: float | None = Field(default=None, gt=0, description="Only scenes that begin before this time")
    dataset: str | None = Field(default=None, description="Only in videos of this dataset")
    group_by_video: bool = Field(default=False, description="Only the best scene of each video")

    @field_validator("query")
    @classmethod
    def _not_empty(cls, query: str) -> str:
        if not query.strip():
            raise ValueError('it is empty: say what to look for, such as "red car"')
        return query

    @field_validator("workspace", "dataset")
    @classmethod
    def _is_a_name(cls, name: str | None, info: ValidationInfo) -> str | None:
        try:
            return name if name is None else check_name(info.field_name or "name", name)
        except SettingsError as error:
            raise ValueError(str(error).removesuffix(".")) from error

    @model_validator(mode="after")
    def _times_in_order(self) -> "SearchRequest":
        if self.from_s is not None and self.to_s is not None and self.to_s <= self.from_s:
            raise ValueError(f"to_s ({self.to_s}) must be after from_s ({self.from_s})")
        return self


class Why(Wire):
    """One reason for a hit: a list that holds it."""

    list: ListName
    rank: int = Field(ge=1, description="In that list, from 1")
    score: float = Field(description="In that list: a cosine, or a dot product of word weights for transcript_sparse")
    weight: float = Field(description="Of the list")
    contribution: float = Field(description="To the score of the hit; these add up to it")


class SearchHit(Wire):
    """A scene that answers the query."""

    video_id: str
    scene_id: str
    index: int = Field(description="Position of the scene in its video, from 0")
    source_uris: list[str] = Field(description="The files and objects that hold the video")
    start_s: float
    end_s: float
    score: float = Field(description="Of the rank fusion: comparable within one answer only")
    why: list[Why]
    transcript: str = Field(description="What is said in the scene")
    language: str = Field(description="Of the transcript; empty where nothing is said")
    highlights: list[tuple[int, int]] = Field(
        description="Words of the query in the transcript: [from, to) in Unicode code points"
    )
    thumbnail_key: str
    more_in_video: int | None = Field(description="Further scenes of this video that were found; null if not grouped")


class ListAsked(Wire):
    """A list that took part in the answer."""

    list: ListName
    weight: float
    found: int = Field(description="Scenes that it gave")
    toy: bool = Field(description="Made by a toy model, which only knows drawn scenes")


class SearchResponse(Wire):
    """Hits, best first."""

    query: str
    workspace: str
    hits: list[SearchHit]
    lists: list[ListAsked]
    took_ms: dict[str, float] = Field(description="Milliseconds by part: encode, index, fuse, read")
