"""What a search looks for, as vectors: of words, of a picture, or of a scene that is indexed."""

from collections.abc import Collection, Iterable

from actors.asked_lists import OF_A_PICTURE, OF_WORDS
from actors.encoder import Encoder
from actors.found_scenes import SearchableIndex
from footage.errors import NoSuchScene, SettingsError
from footage.index_records import ListName, SceneFilter, VectorQuery
from footage.records import SceneVectors, SparseVector, Vector
from footage.search import SearchRequest


def possible_lists(request: SearchRequest, picture: bytes | None) -> list[ListName]:
    """The lists for which a request has something to look for.

    Raises:
        SettingsError: it has nothing, or two pictures.
    """
    if picture is not None and request.scene_id is not None:
        raise SettingsError("The search is not possible: give it a picture or a scene, not both.")
    words = OF_WORDS if request.query is not None else ()
    seen = OF_A_PICTURE if picture is not None or request.scene_id is not None else ()
    if not words and not seen:
        raise SettingsError("The search is not possible: say what to look for, in words or by a picture or a scene.")
    return [*words, *seen]


def request_queries(
    request: SearchRequest, picture: bytes | None, lists: Collection[ListName], encoder: Encoder, index: SearchableIndex
) -> list[VectorQuery]:
    """What to ask of each of `lists`, in their order. The sparse one is left out if it knows no word of the query.

    Raises:
        NoSuchScene: the scene that is searched by is not there.
        SettingsError: that scene has no picture.
        UnreadablePicture: the picture is none.
    """
    vectors: dict[ListName, Vector | SparseVector | None] = {}
    if "image" in lists:
        if picture is not None:
            vectors["image"] = encoder.encode_picture(picture)
        elif request.scene_id is not None:
            vectors["image"] = _picture_of(request.workspace, request.scene_id, index)
    if request.query is not None:
        vectors |= _of_words(request.query, lists, encoder)
    return _queries(lists, vectors)


def scene_vectors(workspace: str, scene_id: str, index: SearchableIndex) -> SceneVectors:
    """The vectors of a scene that can be found.

    Raises:
        NoSuchScene: there is none with this id.
    """
    points = index.points(SceneFilter(workspace, scene_ids=(scene_id,)))
    if not points:
        raise NoSuchScene(
            f"No scene {scene_id} can be found in this workspace: its video was deleted, or it is not indexed yet."
        )
    return points[-1].vectors  # two, while its video is indexed anew


def lists_of_scene(vectors: SceneVectors) -> list[ListName]:
    """The lists in which scenes can be like this one."""
    return [query.list_name for query in scene_queries((*OF_WORDS, *OF_A_PICTURE), vectors)]


def scene_queries(lists: Iterable[ListName], vectors: SceneVectors) -> list[VectorQuery]:
    """What to ask of each of `lists` for scenes like this one. Its picture is compared as a picture."""
    return _queries(
        lists,
        {
            "transcript": vectors.transcript,
            "transcript_sparse": vectors.transcript_sparse,
            "caption": vectors.caption,
            "image": vectors.visual,
        },
    )


def _picture_of(workspace: str, scene_id: str, index: SearchableIndex) -> Vector:
    visual = scene_vectors(workspace, scene_id, index).visual
    if visual is None:
        raise SettingsError(f"The search is not possible: scene {scene_id} has no picture to look for.")
    return visual


def _of_words(text: str, lists: Collection[ListName], encoder: Encoder) -> dict[ListName, Vector | SparseVector | None]:
    """What the models make of the words; a model of which no list is asked has no work."""
    seen = "visual" in lists
    said = any(name in lists for name in OF_WORDS if name != "visual")
    if seen and said:
        encoded = encoder.encode(text)
        return {**_said(encoded.transcript, encoded.transcript_sparse), "visual": encoded.visual}
    if seen:
        return {"visual": encoder.encode_seen(text)}
    return _said(*encoder.encode_words(text)) if said else {}


def _said(dense: Vector, sparse: SparseVector) -> dict[ListName, Vector | SparseVector | None]:
    return {
        "transcript": dense,
        "transcript_sparse": sparse,
        "caption": dense,  # captions are embedded by the same model
    }


def _queries(lists: Iterable[ListName], vectors: dict[ListName, Vector | SparseVector | None]) -> list[VectorQuery]:
    """Queries of the vectors that there are."""
    found = ((name, vectors.get(name)) for name in lists)
    return [
        VectorQuery(name, vector)
        for name, vector in found
        if vector is not None and not (isinstance(vector, SparseVector) and not vector.indices)
    ]
