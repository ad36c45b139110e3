"""A search on the wire: what is asked and what is answered."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from footage.errors import SettingsError
from footage.identity import check_name
from footage.index_records import ListName

DEFAULT_WORKSPACE = "default"


def _not_empty(query: str) -> str:
    if not query.strip():
        raise ValueError('it is empty: say what to look for, such as "red car"')
    return query


def _is_a_name(name: str, info: ValidationInfo) -> str:
    try:
        return check_name(info.field_name or "name", name)
    except SettingsError as error:
        raise ValueError(str(error).removesuffix(".")) from error


Mode = Literal["spoken", "seen", "captioned"]  # what people call the lists of a kind
Sort = Literal["relevance", "date"]
MOST_FOUND = 1000  # scenes that one request can page through

Query = Annotated[str, AfterValidator(_not_empty)]
Name = Annotated[str, AfterValidator(_is_a_name)]


class Wire(BaseModel):
    """Base of what is on the wire: unknown fields are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SceneScope(Wire):
    """Which scenes count, and how they are to be shown: what every search for scenes has."""

    limit: int = Field(default=10, ge=1, le=MOST_FOUND, description="At most this many hits")
    offset: int = Field(default=0, ge=0, lt=MOST_FOUND, description="Leave out this many of the best: they were shown")
    workspace: Name = DEFAULT_WORKSPACE
    video_ids: list[str] = Field(default=[], description="Only in these videos; empty: in all")
    language: str | None = Field(default=None, description="Only where this language is spoken (ISO 639-1)")
    tags: list[str] = Field(default=[], description="Only scenes with all of these vision tags")
    lists: list[ListName] = Field(default=[], description="Only by these lists; empty: by all that have a weight")
    modes: dict[Mode, Annotated[float, Field(ge=0, le=100)]] = Field(
        default={},
        description="Multiply the weights of the lists of what is spoken, seen or captioned; 0 leaves them out",
    )
    from_s: float | None = Field(default=None, ge=0, description="Only scenes that end after this time of their video")
    to_s: float | None = Field(default=None, gt=0, description="Only scenes that begin before this time")
    min_duration_s: float | None = Field(default=None, ge=0, description="Only scenes that last at least so long")
    max_duration_s: float | None = Field(default=None, gt=0, description="Only scenes that last at most so long")
    indexed_since: AwareDatetime | None = Field(default=None, description="Only what was indexed at this time or later")
    dataset: Name | None = Field(default=None, description="Only in videos of this dataset")
    group_by_video: bool = Field(default=False, description="Only the best scene of each video")
    sort: Sort = Field(default="relevance", description="Best first, or, of what was found, the latest indexed first")
    diversity: float = Field(
        default=0,
        ge=0,
        le=1,
        description="0: by relevance alone; towards 1, what is unlike earlier hits comes up; not with sort=date",
    )
    min_relevance: float | None = Field(
        default=None, ge=0, le=1, description="Leave out hits less relevant than this; null: by the settings; 0: none"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_s is not None and self.to_s is not None and self.to_s <= self.from_s:
            raise ValueError(f"to_s ({self.to_s}) must be after from_s ({self.from_s})")
        if (
            self.min_duration_s is not None
            and self.max_duration_s is not None
            and self.max_duration_s < self.min_duration_s
        ):
            raise ValueError(
                f"max_duration_s ({self.max_duration_s}) must not be below min_duration_s ({self.min_duration_s})"
            )
        if self.offset + self.limit > MOST_FOUND:
            raise ValueError(f"offset and limit together must not be above {MOST_FOUND}")
        return self


class SearchRequest(SceneScope):
    """What to look for, and where: words, a picture (given beside the request), a scene's picture, or words and one."""

    query: Query | None = Field(default=None, description="What is said or seen, in a few words")
    scene_id: str | None = Field(default=None, description="What is looked for looks like this scene")


class SimilarRequest(SceneScope):
    """Which scene others are to be like, in what is said, seen and captioned."""

    scene_id: str


class Why(Wire):
    """One reason for a hit: a list that holds it."""

    list: ListName
    rank: int = Field(ge=1, description="In that list, from 1")
    score: float = Field(description="In that list: a cosine, or a dot product of word weights for transcript_sparse")
    weight: float = Field(description="Of the list")
    contribution: float = Field(description="To the score of the hit; these add up to it")


class SceneShown(Wire):
    """What is shown of a scene that answers the query."""

    video_id: str
    scene_id: str
    index: int = Field(description="Position of the scene in its video, from 0")
    source_uris: list[str] = Field(description="The files and objects that hold the video")
    start_s: float
    end_s: float
    indexed_at: str = Field(description="When the scene was indexed: UTC, ISO 8601")
    score: float = Field(description="Of the rank fusion: comparable within one answer only")
    relevance: float | None = Field(
        description="How sure it is that this answers the query, 0 to 1; null where the models were not calibrated"
    )
    why: list[Why]
    transcript: str = Field(description="What is said in the scene")
    language: str = Field(description="Of the transcript; empty where nothing is said")
    highlights: list[tuple[int, int]] = Field(
        description="Words of the query in the transcript: [from, to) in Unicode code points"
    )
    caption: str = Field(description="What a vision-language model says is seen; empty where there is none")
    caption_toy: bool = Field(description="The caption is a toy model's, which only knows drawn scenes")
    caption_highlights: list[tuple[int, int]] = Field(description="The same of the caption")
    tags: dict[str, float] = Field(description="What is seen, with its probability, most probable first")
    tags_toy: bool = Field(description="The tags are a toy model's")
    more_in_video: int | None = Field(description="Further scenes of this video that were found; null if not grouped")


class SearchHit(SceneShown):
    """The same with the places of its files in the store."""

    thumbnail_key: str
    sidecar_key: str


class ListAsked(Wire):
    """A list that took part in the answer."""

    list: ListName
    weight: float
    found: int = Field(description="Scenes that it gave")
    toy: bool = Field(description="Made by a toy model, which only knows drawn scenes")


class SearchResponse(Wire):
    """Hits, best first."""

    query: str | None
    workspace: str
    hits: list[SearchHit]
    next_offset: int | None = Field(description="Where the next page begins; null after the last one")
    left_out: int = Field(description="Scenes that were found and are less relevant than asked for")
    lists: list[ListAsked]
    took_ms: dict[str, float] = Field(description="Milliseconds by part: encode, index, fuse, read")
