"""The same stages without Ray: a ProcessPoolExecutor whose processes hold a decoder and all models."""

import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa

from actors.frame_embedder import FrameEmbedder
from actors.model_preparation import PreparedModels
from actors.scene_writer import SceneWriter
from actors.span_planner import SpanPlanner
from actors.text_embedder import TextEmbedder
from actors.transcriber import Transcriber
from actors.video_decoder import VideoDecoder
from footage.catalog import Catalog
from footage.index import EmbeddedIndex
from footage.settings import Settings
from footage.storage import DirectoryStore
from pipelines.stage import Stage, TimeLimit

_NO_LIMIT = TimeLimit(0, 0)  # nobody watches here
_stages: list[tuple[Stage, object]] = []  # of this process: what ProcessPoolExecutor's initializer made


@dataclass(frozen=True)
class Work:
    """What every process needs to know."""

    settings: Settings
    models: PreparedModels
    store: Path
    fingerprint: str


def _load(work: Work) -> None:
    settings, models = work.settings, work.models
    catalog = Catalog(DirectoryStore(work.store), "default")
    arguments: list[tuple[type, dict[str, object], tuple[str, ...]]] = [
        (SpanPlanner, {"settings": settings.decoder, "catalog": catalog, "fingerprint": work.fingerprint}, ()),
        (VideoDecoder, {"settings": settings.decoder}, ()),
        (Transcriber, {"settings": settings.speech}, ("audio_s16", "audio_start_s")),
        (FrameEmbedder, {"settings": settings.frames, "folder": models.vision_folder}, ("key_frames",)),
        (TextEmbedder, {"settings": settings.text, "folder": models.text_folder}, ()),
    ]
    _stages.extend(
        (Stage(actor, given, drops=drops, limit=_NO_LIMIT), actor(**given)) for actor, given, drops in arguments
    )


def _ready() -> float:
    time.sleep(0.2)  # so that each process answers once
    return time.time()


def _index(source: pa.Table) -> pa.Table:
    for stage, actor in _stages:
        source = stage.run(actor, source)
    return source


def run_in_process_pool(work: Work, sources: list[pa.Table], processes: int = 2) -> tuple[float, float]:
    """Index sources (tables of schema SOURCE) with a pool of processes; the parent writes: an index has one owner.

    Returns:
        Seconds from the first process's readiness (its decoder and all its models are loaded) to the end, and
        seconds from the start of the pool to the end.
    """
    begun = time.time()
    catalog = Catalog(DirectoryStore(work.store), "default")
    spec = work.models.index_spec()
    with (
        EmbeddedIndex(work.store / "index" / "scenes", spec, owner="benchmark") as index,
        ProcessPoolExecutor(processes, get_context("spawn"), _load, (work,)) as pool,
    ):
        writer = SceneWriter(catalog, index, work.fingerprint, work.models.named())
        ready = min(f.result() for f in [pool.submit(_ready) for _ in range(processes)])
        for done in as_completed([pool.submit(_index, source) for source in sources]):
            writer(done.result())
        ended = time.time()
    return ended - ready, ended - begun
