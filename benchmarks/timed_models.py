"""Stand-ins that take a set time, sleeping as one that waits for a GPU does, in the pools of a real index run.

Planning, claims, the ledger, the writer, catalog and index are the real ones. Of a film only the length is real: it is
what its file declares, so that hours cost no decoding. Each stand-in writes down where it runs and what it does when.
"""

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from actors.model_preparation import PreparedModels
from footage import identity
from footage.records import Video
from footage.settings import Settings
from pipelines.index_run import PoolsOf
from pipelines.index_videos import IndexPools, index_pools
from pipelines.stage import Pool, Stage

BYTES_PER_S = 100  # of a film's file: runs begin with the largest files
SCENE_S = 10.0  # how long each scene of a film is
PICTURE = b"\xff\xd8" + bytes(30_000) + b"\xff\xd9"  # as large as a key frame of 360 lines; nobody opens it
SOUND_BYTES_PER_S = 32_000  # 16 kHz, 16 bit


def make_film(path: Path, length_s: float) -> None:
    """A file that declares how long it is; no two have the same bytes."""
    declared = json.dumps({"length_s": length_s, "name": path.name}).encode()
    path.write_bytes(declared.ljust(int(length_s * BYTES_PER_S)))


class DeclaredLength:
    """Probes films of make_film(); stands in for actors.decoder_process.DecoderProcess."""

    def probe(self, path: Path) -> Video:
        """A video with sound, as long as it declares."""
        return Video(json.loads(path.read_bytes())["length_s"], 0.0, 640, 360, 0, 25.0, "h264", True, True)


@dataclass(frozen=True)
class Pace:
    """How long a stage takes: for loading, for each span, and for each second of media in it."""

    span_s: float = 0.0
    per_media_s: float = 0.0
    load_s: float = 0.0

    def seconds(self, media_s: float) -> float:
        """For a span of this length."""
        return self.span_s + self.per_media_s * media_s


@dataclass(frozen=True)
class Note:
    """What an actor did: it had loaded, or it had a span in hand. Times are of time.time()."""

    what: str  # "ready" or "span"
    pool: str
    stage: str
    node: str
    pid: int
    begun_at: float
    ended_at: float
    source: str = ""  # file name
    span_index: int = -1


@dataclass(frozen=True)
class TimedModels:
    """A maker of the usual pools in which every stage between planning and writing is a stand-in.

    Args:
        notes: a folder that all nodes see, where actors write down what they do.
        paces: by stage; what is not named takes no time.
        payload: whether spans carry as much sound and as many pictures as real ones do.
        change: is given each pool of the work, to change its size or its resources.
    """

    notes: Path
    paces: Mapping[str, Pace] = field(default_factory=dict)
    payload: bool = True
    change: Callable[[Pool], Pool] = lambda pool: pool

    def pools_of(self) -> PoolsOf:
        """What run_index() takes."""

        def pools(settings: Settings, models: PreparedModels, *arguments: Any) -> IndexPools:
            usual = index_pools(settings, models, *arguments)
            (plan,) = usual.plan.stages
            declared = replace(plan, arguments={**plan.arguments, "process": DeclaredLength()})
            dimensions = (models.index_spec().text_dimensions, models.index_spec().vision_dimensions)
            *work, write = usual.work
            return replace(
                usual,
                plan=replace(usual.plan, stages=(declared,)),
                work=(*(self._timed(pool, dimensions) for pool in work), self.change(write)),
            )

        return pools

    def _timed(self, pool: Pool, dimensions: tuple[int, int]) -> Pool:
        def timed(stage: Stage) -> Stage:
            # The same name, since reports call stages by it.
            actor = type(stage.name, (TimedActor,), {"ADDS": stage.actor.ADDS})  # type: ignore[attr-defined]
            pace = self.paces.get(stage.name, Pace())
            given = {"pool": pool.name, "pace": pace, "notes": self.notes, "payload": self.payload}
            return replace(stage, actor=actor, arguments={**given, "dimensions": dimensions})

        return self.change(replace(pool, stages=tuple(timed(stage) for stage in pool.stages)))


class TimedActor:
    """Adds the columns of the stage whose place it takes, when its time is over."""

    ADDS: pa.Schema

    def __init__(self, pool: str, pace: Pace, notes: Path, payload: bool, dimensions: tuple[int, int]) -> None:
        import ray

        self._pool, self._pace, self._payload, self._dimensions = pool, pace, payload, dimensions
        self._node = ray.get_runtime_context().get_node_id()
        self._file = notes / f"{uuid.uuid4().hex}.jsonl"
        begun_at = time.time()
        time.sleep(pace.load_s)
        self._note("ready", begun_at)

    def __call__(self, spans: pa.Table) -> pa.Table:
        """The spans with the stage's columns. What other runs have, or what failed, takes no time."""
        begun_at = time.time()
        rows = spans.select(_READS).to_pylist()
        work = [row for row in rows if not (row["failure_code"] or row["duplicate"] or row["elsewhere"])]
        scenes = [_scenes(row) if row in work else [] for row in rows]
        for column in self.ADDS:
            values = [self._values(column.name, row, starts) for row, starts in zip(rows, scenes, strict=True)]
            spans = spans.append_column(column, pa.array(values, column.type))
        takes_s = sum(self._pace.seconds(row["span_end_s"] - row["span_start_s"]) for row in work)
        time.sleep(max(0.0, begun_at + takes_s - time.time()))
        for row in work:
            self._note("span", begun_at, Path(row["source_uri"]).name, row["span_index"])
        return spans

    def _values(self, column: str, row: dict[str, Any], starts: list[float]) -> Any:
        """What a span without scenes, or with such ones, has in a column."""
        text, vision = self._dimensions
        match column:
            case "audio_s16" | "language_audio_s16":
                media_s = row["span_end_s"] - row["span_start_s"] if starts and self._payload else 0
                return bytes(int(media_s * SOUND_BYTES_PER_S)) if column == "audio_s16" and starts else None
            case "audio_start_s":
                return row["span_start_s"] if starts else None
            case "frames_decoded" | "frames_damaged":
                return 0
        of_scene: dict[str, Callable[[float], Any]] = {
            "scene_ids": lambda start_s: identity.scene_id(row["video_id"], start_s),
            "scene_start_s": lambda start_s: start_s,
            "scene_end_s": lambda start_s: min(start_s + SCENE_S, row["span_end_s"]),
            "key_frames": lambda start_s: [PICTURE] * 3 if self._payload else [],
            "thumbnails": lambda start_s: PICTURE[:1000],
            "transcripts": lambda start_s: {"text": f"said at {start_s:g}", "language": "en", "segments": []},
            "transcript_dense": lambda start_s: _vector(start_s, text),
            "transcript_sparse": lambda start_s: {"indices": [1, 2, 3], "values": [0.1, 0.2, 0.3]},
            "captions": lambda start_s: f"seen at {start_s:g}",
            "caption_dense": lambda start_s: _vector(start_s, text),
            "visual": lambda start_s: _vector(start_s, vision),
            "vision_tags": lambda start_s: [],
        }
        return [of_scene[column](start_s) for start_s in starts]

    def _note(self, what: str, begun_at: float, source: str = "", span_index: int = -1) -> None:
        note = Note(
            what, self._pool, type(self).__name__, self._node, os.getpid(), begun_at, time.time(), source, span_index
        )
        with self._file.open("a") as file:
            file.write(json.dumps(asdict(note)) + "\n")


_READS = [
    *("source_uri", "video_id", "span_index", "span_start_s", "span_end_s"),
    *("duplicate", "elsewhere", "failure_code"),
]


def notes_in(folder: Path) -> list[Note]:
    """What all actors wrote down, in order of time; a line that a killed one left half is no note."""
    return sorted(_read(folder), key=lambda note: note.ended_at)


def _read(folder: Path) -> Iterator[Note]:
    for file in folder.glob("*.jsonl"):
        for line in file.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                yield Note(**json.loads(line))


def _scenes(row: dict[str, Any]) -> list[float]:
    """Where the scenes of a span begin, in seconds."""
    return [float(start_s) for start_s in np.arange(row["span_start_s"], row["span_end_s"], SCENE_S)]


def _vector(seed_s: float, dimensions: int) -> list[float]:
    vector = np.random.default_rng(int(seed_s * 1000)).normal(size=dimensions)
    return [float(value) for value in vector / np.linalg.norm(vector)]
