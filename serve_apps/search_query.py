"""The parameters of searches, as they stand in a URL or a form."""

from typing import Annotated, Any, Literal, TypeVar, get_args

from fastapi import UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from footage.identity import NAME, VIDEO_ID
from footage.list_names import By, lists_of
from footage.search import MOST_FOUND, Mode, Name, SearchRequest, SimilarRequest, Sort

UUID = f"^{VIDEO_ID.pattern}$"
MOST_CHARS = 2000  # of a query: the encoders read some hundred words
_MODE = rf"({'|'.join(get_args(Mode))}):\d{{1,3}}(\.\d{{1,6}})?"
_BY = f"({'|'.join(By)})"

Id = Annotated[str, Field(pattern=UUID)]
Dataset = Annotated[
    Name, Field(json_schema_extra={"pattern": f"^{NAME.pattern}$"})
]  # its own sentence says what is wrong
Tag = Annotated[str, Field(min_length=1, max_length=60)]
Cursor = Annotated[str | None, Field(description="`next_cursor` of the page before", max_length=4000)]


class Parameters(BaseModel):
    """Base: a parameter that a route does not have is refused, and named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoParameters(Parameters):
    """Of a route that has none."""


class _What(Parameters):
    q: str | None = Field(default=None, max_length=MOST_CHARS, description="What is said or seen, in a few words")
    scene: Id | None = Field(default=None, description="What is looked for looks like this scene (its id)")


class SceneQuery(Parameters):
    """Which scenes count, and how they are shown."""

    limit: int = Field(default=20, ge=1, le=100, description="At most this many scenes in a page")
    cursor: Cursor = None
    dataset: Dataset | None = Field(default=None, description="Only in videos of this dataset")
    video: list[Id] = Field(default=[], max_length=1000, description="Only in these videos; may be repeated")
    language: str | None = Field(
        default=None, pattern="^[a-z]{2,3}$", description="Only where this language is spoken (ISO 639)"
    )
    tag: list[Tag] = Field(
        default=[], max_length=50, description="Only scenes with this vision tag; repeated: with all of them"
    )
    from_s: FiniteFloat | None = Field(default=None, ge=0, description="Only scenes that end after this video time")
    to_s: FiniteFloat | None = Field(default=None, gt=0, description="Only scenes that begin before this video time")
    min_duration_s: FiniteFloat | None = Field(default=None, ge=0, description="Only scenes that last at least so long")
    max_duration_s: FiniteFloat | None = Field(default=None, gt=0, description="Only scenes that last at most so long")
    indexed_since: AwareDatetime | None = Field(
        default=None, description="Only what was indexed at this time or later (ISO 8601 with a time zone)"
    )
    sort: Sort = Field(default="relevance", description="Best first, or, of what was found, the latest indexed first")
    group: Literal["scene", "video"] = Field(default="scene", description="`video`: only the best scene of each video")
    diversity: FiniteFloat = Field(
        default=0, ge=0, le=1, description="0: by relevance alone; towards 1, what is unlike earlier hits comes up"
    )
    modes: str | None = Field(
        default=None,
        pattern=rf"^{_MODE}(,{_MODE})*$",
        max_length=100,
        description="Factors for what is spoken, seen and captioned, such as `spoken:1,seen:0.5`; 0 leaves out",
    )
    by: str | None = Field(
        default=None,
        pattern=rf"^{_BY}(,{_BY})*$",
        max_length=100,
        description="Only by these, with commas between: transcript, words, picture, caption",
    )
    min_relevance: FiniteFloat | None = Field(
        default=None, ge=0, le=1, description="Leave out what is less relevant than this; 0: leave out nothing"
    )

    def scope(self, workspace: str, offset: int) -> dict[str, Any]:
        """The fields of footage.search.SceneScope."""
        same = (
            *("dataset", "language", "from_s", "to_s", "min_duration_s", "max_duration_s", "indexed_since"),
            *("sort", "diversity", "min_relevance"),
        )
        return {name: getattr(self, name) for name in same} | {
            "limit": min(self.limit, MOST_FOUND - offset),
            "offset": offset,
            "workspace": workspace,
            "video_ids": self.video,
            "tags": self.tag,
            "lists": lists_of(By(by) for by in (self.by or "").split(",") if by),
            "modes": self._factors(),
            "group_by_video": self.group == "video",
        }

    def _factors(self) -> dict[str, float]:
        pairs = (part.split(":") for part in (self.modes or "").split(",") if part)
        return {mode: float(factor) for mode, factor in pairs}

    def fingerprint(self) -> dict[str, Any]:
        """What has to stay the same from page to page."""
        return self.model_dump(mode="json", exclude={"limit", "cursor"})

    def similar(self, scene_id: str, workspace: str, offset: int) -> SimilarRequest:
        """The request for scenes like one.

        Raises:
            RequestValidationError: parameters contradict each other.
        """
        return _checked(SimilarRequest, {**self.scope(workspace, offset), "scene_id": scene_id})


class SearchQuery(SceneQuery, _What):
    """What to look for, and where."""

    def request(self, workspace: str, offset: int) -> SearchRequest:
        """The search that is asked for.

        Raises:
            RequestValidationError: parameters contradict each other.
        """
        query = self.q if self.q and self.q.strip() else None  # a form sends fields that were left empty
        return _checked(SearchRequest, {**self.scope(workspace, offset), "query": query, "scene_id": self.scene})


class SearchForm(SearchQuery):
    """The same as a form, with a picture."""

    image: UploadFile | None = Field(default=None, description="A picture (JPEG, PNG, WebP): what looks like it")

    def fingerprint(self) -> dict[str, Any]:
        """See SceneQuery; the picture is not among it."""
        return self.model_dump(mode="json", exclude={"limit", "cursor", "image"})


_Checked = TypeVar("_Checked", SearchRequest, SimilarRequest)


def _checked(kind: type[_Checked], fields: dict[str, Any]) -> _Checked:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error
