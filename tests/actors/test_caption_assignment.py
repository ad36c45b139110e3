"""Captions and vectors land on the right scenes, whatever order the work is done in and whatever of it fails.

Each scene has one colour that no other has, so its caption and its vector show which picture they were made of.
"""

import random
import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from actors.captioner import Captioner
from actors.frame_embedder import FrameEmbedder
from actors.model_preparation import PreparedModels
from footage.model_settings import CaptionSettings, TagSettings
from footage.settings import Settings
from tests.caption_server import Asked, CaptionServer, Fault, serve
from tests.pictures import Rgb, distinct_colours, jpeg, mean_rgb, nearest

COLOURS = distinct_colours(5)  # 125
SILENT = 7  # every so many scenes one has no key frame


class Unruly:
    """Finishes requests in another order than they came, and fails each at most as often as a client tries again."""

    def __init__(self, seed: int, most_failures: int) -> None:
        self._random = random.Random(seed)
        self._most_failures = most_failures
        self._failed: dict[tuple[bytes, ...], int] = {}
        self._lock = threading.Lock()
        self.finished: list[Rgb] = []

    def fault_of(self, asked: Asked) -> Fault:
        with self._lock:
            delay_s = self._random.uniform(0, 0.05)
            failed = self._failed.get(asked.pictures, 0)
            if failed < self._most_failures and self._random.random() < 0.4:
                self._failed[asked.pictures] = failed + 1
                choices = (
                    Fault(delay_s, status=500),
                    Fault(delay_s, status=429, headers={"retry-after": "0"}),
                    Fault(delay_s, drop=True),
                    Fault(delay_s, body='{"choices": [{'),
                )
                return self._random.choice(choices)
            return Fault(delay_s)

    def answer(self, pictures: Sequence[bytes], text: str, most_tokens: int) -> str:
        """The names of the colours that are really in the pictures."""
        seen = [COLOURS[nearest(COLOURS, mean_rgb(picture))] for picture in pictures]
        with self._lock:
            self.finished.extend(seen)
        return name_of(seen)


def name_of(colours: Sequence[Rgb]) -> str:
    return " then ".join("rgb {} {} {}".format(*colour) for colour in colours)


def spans_of(colours: Sequence[Rgb], seed: int) -> tuple[pa.Table, dict[str, list[Rgb]]]:
    """Spans with a mixed number of scenes, some of which failed or are empty; and the colours of each scene."""
    chance = random.Random(seed)
    shuffled = chance.sample(list(colours), len(colours))
    edges = sorted({0, *chance.sample(range(len(shuffled)), 12), len(shuffled)})
    scenes: dict[str, list[Rgb]] = {}
    rows: list[dict[str, Any]] = []
    for first, last in pairwise(edges):
        ids = [f"scene-{chance.getrandbits(64):016x}" for _ in range(first, last)]
        for scene_id, position in zip(ids, range(first, last), strict=True):
            scenes[scene_id] = [] if position % SILENT == 0 else [shuffled[position]]
        rows.append(
            {
                "failure_code": None,
                "scene_ids": ids,
                "key_frames": [[jpeg(colour) for colour in scenes[scene_id]] for scene_id in ids],
                "transcripts": [{"text": f"said in {scene_id}"} for scene_id in ids],
            }
        )
        nothing = {"failure_code": None, "scene_ids": [], "key_frames": [], "transcripts": []}
        rows.append(nothing | {"failure_code": chance.choice([None, "undecodable_video"])})
    schema = pa.schema(
        [
            ("failure_code", pa.string()),
            ("scene_ids", pa.list_(pa.string())),
            ("key_frames", pa.list_(pa.list_(pa.binary()))),
            ("transcripts", pa.list_(pa.struct([("text", pa.string())]))),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema), scenes


def by_scene(table: pa.Table, column: str) -> dict[str, Any]:
    rows = table.select(["scene_ids", column]).to_pylist()
    return {s: value for row in rows for s, value in zip(row["scene_ids"], row[column], strict=True)}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_caption_is_that_of_its_own_picture(seed: int) -> None:
    unruly = Unruly(seed, most_failures=4)
    server = CaptionServer(unruly.answer)
    server.fault_of = unruly.fault_of
    spans, scenes = spans_of(COLOURS, seed)
    with serve(server):
        settings = CaptionSettings(adapter="http", endpoint=server.endpoint(retries=4, concurrency=16))
        captioner = Captioner(settings, None)
        captions = by_scene(captioner(spans), "captions")
        captioner.close()
    asked = [colour for colours in scenes.values() for colour in colours]
    assert unruly.finished != asked  # they did come back in another order
    assert len(server.asked) > len(asked)  # and some did fail
    assert captions == {scene_id: name_of(colours) or None for scene_id, colours in scenes.items()}


def test_every_vector_is_that_of_its_own_picture(offline: Settings, prepared: PreparedModels) -> None:
    untagged = TagSettings(vocabulary=None)
    embedder = FrameEmbedder(offline.frames, prepared.vision_folder, untagged, prepared.vision_tower_folder)
    spans, scenes = spans_of(COLOURS[::2], seed=4)
    vectors = by_scene(embedder(spans), "visual")
    alone = {
        scene_id: embedder.embed({"alone": [jpeg(colour) for colour in colours]})["alone"] if colours else None
        for scene_id, colours in scenes.items()
    }
    assert vectors.keys() == scenes.keys()
    for scene_id, expected in alone.items():
        if expected is None:
            assert vectors[scene_id] is None
            continue
        similar = {other: float(np.dot(vectors[scene_id], v)) for other, v in alone.items() if v is not None}
        assert similar[scene_id] > 0.9999
        assert max(similar, key=similar.__getitem__) == scene_id
