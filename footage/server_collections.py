"""The collections of an index on a Qdrant server: how they are made, named, and checked.

Searches and writes go by two aliases, `{collection}-scenes` and `{collection}-videos`, so that a re-index can put other
collections in their place (server_swap.py). What the vectors are of stands in the collections' metadata.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from footage.errors import StoreError
from footage.index_payload import DESCRIPTION, SPARSE, dimensions
from footage.index_records import IndexSpec
from footage.index_spec import check_same, fields_of, spec_of
from footage.server_connection import ServerConnection, ServerRefusal, nothing_indexed
from footage.storage_settings import QdrantSettings

if TYPE_CHECKING:
    from qdrant_client import models

_SPEC = "footage"  # in the metadata
_INSTEAD = "another qdrant.collection"


@dataclass(frozen=True, slots=True)
class CollectionNames:
    """Names of the two collections of an index, or of their aliases."""

    scenes: str
    videos: str

    def numbered(self, suffix: str) -> "CollectionNames":
        """Those of one generation of the collections."""
        return CollectionNames(f"{self.scenes}-{suffix}", f"{self.videos}-{suffix}")


def alias_names(settings: QdrantSettings) -> CollectionNames:
    """Where searches and writes go."""
    return CollectionNames(f"{settings.collection}-scenes", f"{settings.collection}-videos")


def open_collections(connection: ServerConnection, spec: IndexSpec, create: bool) -> None:
    """See that the index is there and of these models; make it if it is not there and `create` is True.

    The first collections have fixed names (suffix 0), and a server takes each name once: so processes that make an
    index at the same time make one, and each goes on with what another began and did not end.

    Raises:
        IndexMismatch: it holds vectors of others.
        StoreError: it is not there, lost a part, or is not of footage; as in ServerConnection.call.
    """
    connection.check_version()
    names = alias_names(connection.settings)
    if aliased(connection, names) is None:
        if not create:
            raise StoreError(nothing_indexed(connection.url, connection.settings))
        first = names.numbered("0")
        make_collections(connection, first, spec)
        if aliased(connection, names) is None:  # another may have made it meanwhile, and even replaced it
            point_aliases(connection, names, first)
    for name in (names.scenes, names.videos):
        _check(connection, name, spec)


def aliased(connection: ServerConnection, names: CollectionNames) -> CollectionNames | None:
    """The collections that the aliases point to; None if there are no aliases.

    Raises:
        StoreError: only one of the two is there.
    """
    found = _aliases(connection)
    scenes, videos = found.get(names.scenes), found.get(names.videos)
    if scenes is None and videos is None:
        return None
    if scenes is None or videos is None:
        lost = names.scenes if scenes is None else names.videos
        raise StoreError(
            f"The index at {connection.url} lost its alias {lost}: restore it, or remove {scenes or videos} and index"
            " again."
        )
    return CollectionNames(scenes, videos)


def _aliases(connection: ServerConnection) -> dict[str, str]:
    answer = connection.call(lambda client: client.get_aliases())
    return {one.alias_name: one.collection_name for one in answer.aliases}


def point_aliases(connection: ServerConnection, names: CollectionNames, to: CollectionNames) -> None:
    """Let both aliases point to other collections, in one request: no search sees one old and one new."""
    from qdrant_client import models

    there = _aliases(connection)
    changes: list[Any] = []
    for alias, collection in ((names.scenes, to.scenes), (names.videos, to.videos)):
        if alias in there:
            changes.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)))
        made = models.CreateAlias(collection_name=collection, alias_name=alias)
        changes.append(models.CreateAliasOperation(create_alias=made))
    connection.call(lambda client: client.update_collection_aliases(changes))


def make_collections(connection: ServerConnection, names: CollectionNames, spec: IndexSpec) -> None:
    """Make both collections with their payload indexes; what is there already is left as it is.

    Payload indexes come before the points, as Qdrant links its graph by those that are there when it builds it.
    """
    from qdrant_client import models

    dense = {name: _vector(size, connection.settings) for name, size in dimensions(spec).items()}
    weights = models.SparseVectorParams(
        index=models.SparseIndexParams(on_disk=connection.settings.vectors_on_disk),
        modifier=models.Modifier.IDF if spec.sparse_idf else None,
    )
    number, text = models.PayloadSchemaType.FLOAT, models.PayloadSchemaType.KEYWORD
    scene_fields: dict[str, Any] = {
        "scene_id": text,
        "video_id": text,
        "language": text,
        "tags": text,
        "generation": text,
        "start_s": number,
        "end_s": number,
        "duration_s": number,
        "indexed_at": number,
        "live": models.PayloadSchemaType.INTEGER,
        "claim_generation": models.PayloadSchemaType.INTEGER,
    }
    _make(connection, names.scenes, spec, dense, {SPARSE: weights}, scene_fields)
    description = {DESCRIPTION: _vector(spec.text_dimensions, connection.settings)}
    _make(connection, names.videos, spec, description, {}, {"video_id": text})


def _make(
    connection: ServerConnection,
    name: str,
    spec: IndexSpec,
    dense: dict[str, "models.VectorParams"],
    sparse: dict[str, "models.SparseVectorParams"],
    fields: dict[str, Any],
) -> None:
    from qdrant_client import models

    settings = connection.settings
    try:
        connection.call(
            lambda client: client.create_collection(
                name,
                vectors_config=dense,
                sparse_vectors_config=sparse or None,
                shard_number=settings.shard_number,
                replication_factor=settings.replication_factor,
                # As many copies as can be written while one less than half are away.
                write_consistency_factor=(settings.replication_factor + 1) // 2,
                on_disk_payload=settings.payload_on_disk,
                hnsw_config=models.HnswConfigDiff(m=settings.hnsw_m, payload_m=settings.hnsw_payload_m),
                quantization_config=_quantization(settings),
                metadata={_SPEC: fields_of(spec)},
            )
        )
    except ServerRefusal as error:
        if error.code != "ALREADY_EXISTS" and "already exists" not in error.said:
            raise
    tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    for field, kind in {"workspace": tenant, **fields}.items():
        _index_field(connection, name, field, kind)


def _index_field(connection: ServerConnection, collection: str, field: str, kind: Any) -> None:
    connection.call(lambda client: client.create_payload_index(collection, field, kind, wait=True))


def _vector(size: int, settings: QdrantSettings) -> "models.VectorParams":
    from qdrant_client import models

    return models.VectorParams(size=size, distance=models.Distance.COSINE, on_disk=settings.vectors_on_disk)


def _quantization(settings: QdrantSettings) -> Any:
    from qdrant_client import models

    match settings.quantization:
        case "scalar":
            # The quantile that Qdrant's page on quantization takes: one in a hundred outliers is cut off.
            scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True)
            return models.ScalarQuantization(scalar=scalar)
        case "binary":
            return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
        case _:
            return None


def stored_spec(connection: ServerConnection) -> IndexSpec | None:
    """What the index of these settings holds; None where there is none.

    Raises:
        IndexMismatch: another footage laid it out.
        StoreError: it lost a part, or is not of footage; as in ServerConnection.call.
    """
    connection.check_version()
    names = alias_names(connection.settings)
    return None if aliased(connection, names) is None else _spec_of(connection, names.scenes)


def _check(connection: ServerConnection, collection: str, spec: IndexSpec) -> None:
    check_same(_spec_of(connection, collection), spec, _told(connection, collection), _INSTEAD)


def _spec_of(connection: ServerConnection, collection: str) -> IndexSpec:
    config = connection.call(lambda client: client.get_collection(collection)).config
    held = (config.metadata or {}).get(_SPEC)
    index = _told(connection, collection)
    if not isinstance(held, dict):
        raise StoreError(f"{index} was not made by footage: set qdrant.collection to another name.")
    try:
        return spec_of(held, index, f"set {_INSTEAD}")
    except TypeError as error:
        raise StoreError(f"{index} has damaged metadata ({error}): set {_INSTEAD}, or index anew.") from error


def _told(connection: ServerConnection, collection: str) -> str:
    return f"The index at {connection.url} ({collection})"
