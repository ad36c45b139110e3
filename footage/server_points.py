"""Points between footage and qdrant-client, and the requests that both collections have in common."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from footage.identity import point_id
from footage.index_payload import HIT_FIELDS, SPARSE, dense_vectors, hit, payload
from footage.index_records import IndexHit, IndexSpec, SceneFilter, ScenePoint, VectorQuery
from footage.records import SparseVector, Vector
from footage.server_connection import ServerConnection

if TYPE_CHECKING:
    from qdrant_client import models

PAGE_POINTS = 256  # points per read: a few MB with their vectors


def to_point(point: ScenePoint, live: bool, spec: IndexSpec) -> "models.PointStruct":
    """A scene as it is sent.

    Raises:
        IndexMismatch: a vector has another length than the index holds.
    """
    from qdrant_client import models

    vectors: dict[str, Any] = {name: one.tolist() for name, one in dense_vectors(point.vectors, spec).items()}
    if point.vectors.transcript_sparse is not None:
        vectors[SPARSE] = _query(point.vectors.transcript_sparse)
    id_ = point_id(point.scene_id, point.generation)
    return models.PointStruct(id=id_, vector=vectors, payload=payload(point, live))


def scored_hit(scored: "models.ScoredPoint") -> IndexHit:
    """A scene of one list."""
    return hit(scored.payload or {}, scored.score)


def query_request(
    query: VectorQuery, where: SceneFilter, limit: int, sparse_idf: bool, oversampling: float | None
) -> "models.QueryRequest":
    """One list.

    Rarity is counted among the scenes of the workspace: what other workspaces hold must not show in the scores. A
    server counts it in each shard by itself, so with several shards the scores are near those of one and not the same.
    """
    from qdrant_client import models

    params: models.SearchParams | None = quantized_search(oversampling)
    if isinstance(query.vector, SparseVector):
        corpus = models.IdfCorpusParams(corpus=filter_of(SceneFilter(where.workspace)))
        params = models.SearchParams(idf=corpus) if sparse_idf else None
    return models.QueryRequest(
        query=_query(query.vector),
        using=query.vector_name,
        filter=filter_of(where),
        limit=limit,
        with_payload=list(HIT_FIELDS),
        params=params,
    )


def quantized_search(oversampling: float | None) -> "models.SearchParams":
    """Hits that quantised vectors find are scored again with the originals; without quantisation it changes nothing."""
    from qdrant_client import models

    return models.SearchParams(quantization=models.QuantizationSearchParams(rescore=True, oversampling=oversampling))


def _query(vector: Vector | SparseVector) -> Any:
    from qdrant_client import models

    if isinstance(vector, SparseVector):
        return models.SparseVector(indices=list(vector.indices), values=list(vector.values))
    return vector.tolist()


def filter_of(where: SceneFilter) -> "models.Filter":
    """The scenes that count."""
    from qdrant_client import models

    must: list[Any] = [equals("workspace", where.workspace)]
    if where.live_only:
        must.append(equals("live", 1))
    for field, ids in (("scene_id", where.scene_ids), ("video_id", where.video_ids)):
        if ids:
            must.append(any_of(field, ids))
    if where.language is not None:
        must.append(equals("language", where.language))
    must.extend(equals("tags", tag) for tag in where.tags)
    if where.start_s is not None:
        must.append(models.FieldCondition(key="end_s", range=models.Range(gt=where.start_s)))
    if where.end_s is not None:
        must.append(models.FieldCondition(key="start_s", range=models.Range(lt=where.end_s)))
    if where.min_duration_s is not None or where.max_duration_s is not None:
        lasting = models.Range(gte=where.min_duration_s, lte=where.max_duration_s)
        must.append(models.FieldCondition(key="duration_s", range=lasting))
    if where.indexed_since is not None:
        must.append(models.FieldCondition(key="indexed_at", range=models.Range(gte=where.indexed_since)))
    return models.Filter(must=must)


def video_filter(workspace: str, video_id: str) -> "models.Filter":
    """All that there is of a video."""
    from qdrant_client import models

    return models.Filter(must=[equals("workspace", workspace), equals("video_id", video_id)])


def equals(field: str, value: str | int) -> "models.FieldCondition":
    """The points whose field has this value, or, if it is a list, holds it."""
    from qdrant_client import models

    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def any_of(field: str, values: Sequence[str]) -> "models.FieldCondition":
    """The points whose field has one of these values."""
    from qdrant_client import models

    return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))


def read_through(
    connection: ServerConnection, collection: str, where: "models.Filter | None"
) -> Iterator["models.Record"]:
    """All points that count, with their payload and vectors, in order of their ids."""
    after = None
    while True:
        page, after = read_page(connection, collection, where, after, PAGE_POINTS, with_vectors=True)
        yield from page
        if after is None:
            return


def read_page(
    connection: ServerConnection,
    collection: str,
    where: "models.Filter | None",
    after: str | None,
    limit: int,
    with_vectors: bool,
) -> tuple[list["models.Record"], str | None]:
    """A page of the points that count, and the id that begins the next."""
    page, following = connection.call(
        lambda client: client.scroll(
            collection, where, limit=limit, offset=after, with_payload=True, with_vectors=with_vectors
        )
    )
    return page, None if following is None else str(following)
