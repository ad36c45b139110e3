"""What a finished store holds, so that two stores can be compared: same ids, same vectors, same records up to times."""

import hashlib
import json
from pathlib import Path
from typing import Any

from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.index_records import SceneFilter
from footage.index_spec import read_spec
from footage.records import SparseVector, Vector
from footage.store_identity import STORE_ID

# Fields that differ from run to run; of a nested record, all of it.
TIMES = {
    "sidecars": {"processed_at", "stage_seconds"},
    "videos": {"committed_at", "run_id", "stage_seconds", "described_at", "claim_generation"},
    "sources": {"recorded_at"},
    "claims": {"claimed_at", "run_id", "generation", "resumes_from", "nonce", "expires_at"},
    "leases": {"run_id", "host", "pid", "nonce", "started_at", "expires_at"},
    "quarantine": {"first_failed_at", "last_failed_at", "run_id"},
}

# Of a point: compared in their own way, and those that differ from run to run or where a run took over.
NO_FIELDS = {"vectors", "claim_generation", "indexed_at"}


def snapshot(store_root: Path, *, described: bool = True) -> dict[str, Any]:
    """Objects by key (JSON without times and run ids, other bytes by their SHA-256), points by scene and generation,
    and vectors of descriptions by video.

    The reports of runs are left out, as they are about times, and the store's own id. Vectors are exact, as their bytes
    in hex. The index must not be in use. Without `described`, descriptions are left out: a run without the second pass
    is then the same.
    """
    store = DirectoryStore(store_root)
    passed_over = ("index/", "runs/", STORE_ID)
    objects = {key: _content(key, store.get(key)) for key in store.list("") if not key.startswith(passed_over)}
    points = _points(store_root)
    if not described:
        points["descriptions"] = {}
        kept = {key: value for key, value in objects.items() if not key.startswith("pending/")}
        objects = {key: _without(value, {"description"}) for key, value in kept.items()}
    return {"objects": objects, **points}


def _content(key: str, data: bytes) -> Any:
    if not key.endswith(".json"):
        return hashlib.sha256(data).hexdigest()
    return _without(json.loads(data), TIMES.get(key.partition("/")[0], set()))


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(inner, names) for name, inner in value.items() if name not in names}
    if isinstance(value, list):
        return [_without(inner, names) for inner in value]
    return value


def _points(store_root: Path) -> dict[str, Any]:
    path = store_root / "index" / "scenes"
    spec = read_spec(path)
    if spec is None:
        return {"points": {}, "descriptions": {}}
    points: dict[str, Any] = {}
    descriptions: dict[str, Any] = {}
    with EmbeddedIndex(path, spec, owner="a test", wait_s=10) as index:
        for workspace in sorted(folder.name for folder in (store_root / "sidecars").glob("*")):
            live = {_name(point) for point in index.points(SceneFilter(workspace))}
            for point in index.points(SceneFilter(workspace, live_only=False)):
                fields = {name: getattr(point, name) for name in point.__slots__ if name not in NO_FIELDS}
                points[_name(point)] = fields | {
                    "live": _name(point) in live,
                    "transcript": _hex(point.vectors.transcript),
                    "transcript_sparse": _hex(point.vectors.transcript_sparse),
                    "visual": _hex(point.vectors.visual),
                    "caption": _hex(point.vectors.caption),
                }
            descriptions |= {
                video.video_id: (video.workspace, video.language, _hex(video.vector))
                for video in index.descriptions(workspace)
            }
    return {"points": points, "descriptions": descriptions}


def _name(point: Any) -> str:
    return f"{point.scene_id}/{point.generation}"


def _hex(vector: Vector | SparseVector | None) -> Any:
    if vector is None:
        return None
    if isinstance(vector, SparseVector):
        return list(zip(vector.indices, vector.values, strict=True))
    return vector.tobytes().hex()
