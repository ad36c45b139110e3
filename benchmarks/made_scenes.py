"""Scenes made up for the benchmark of indexes: shaped like real ones, the same ones each time."""

from collections.abc import Iterator

import numpy as np

from footage import identity
from footage.index_records import IndexSpec, SceneFilter, ScenePoint, VectorQuery
from footage.records import SceneVectors, SparseVector, Vector

# What the offline profile has: all-MiniLM-L6-v2, and the toy SigLIP.
SPEC = IndexSpec("all-MiniLM-L6-v2", 384, "toy-siglip", 128, sparse_idf=True)
SCENES_PER_VIDEO = 50  # about ten minutes of film
WORKSPACES = ("home", "news", "sport", "archive")
LANGUAGES = ("en",) * 6 + ("de",) * 3 + ("ko",)
VOCABULARY = 30_522  # of the tokens of all-MiniLM-L6-v2
TERMS = 40  # different tokens in what is said during a scene
TOPICS = 500
GENERATION = "0" * 16
SCENE_S = 12.0
MADE_AT = 1_800_000_000.0  # POSIX seconds: the first video; each other a second later


class MadeScenes:
    """Scenes around topics: vectors of one topic are near each other, as those of one subject are."""

    def __init__(self, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self._seed = seed
        self._text = random.normal(size=(TOPICS, SPEC.text_dimensions))
        self._vision = random.normal(size=(TOPICS, SPEC.vision_dimensions))

    def videos(self, scenes: int) -> Iterator[list[ScenePoint]]:
        """The scenes of one video after the other, so many in all."""
        for first in range(0, scenes, SCENES_PER_VIDEO):
            yield self._video(first // SCENES_PER_VIDEO, min(SCENES_PER_VIDEO, scenes - first))

    def queries(self, count: int) -> Iterator[tuple[list[VectorQuery], SceneFilter]]:
        """Hybrid queries of all four lists, each of one workspace and one language."""
        random = np.random.default_rng((self._seed, 1))
        for number in range(count):
            topic = int(random.integers(TOPICS))
            said = _near(self._text[topic], random)
            sparse = _tokens(random, int(random.integers(2, 7)))
            yield (
                [
                    VectorQuery("transcript", said),
                    VectorQuery("transcript_sparse", sparse),
                    VectorQuery("visual", _near(self._vision[topic], random)),
                    VectorQuery("caption", said),
                ],
                SceneFilter(WORKSPACES[number % len(WORKSPACES)], language=LANGUAGES[number % len(LANGUAGES)]),
            )

    def _video(self, number: int, scenes: int) -> list[ScenePoint]:
        random = np.random.default_rng((self._seed, 2, number))
        workspace = WORKSPACES[number % len(WORKSPACES)]
        language = LANGUAGES[number // len(WORKSPACES) % len(LANGUAGES)]
        video_id = identity.video_id(workspace, f"made/{number}")
        points = []
        for position in range(scenes):
            start_s = position * SCENE_S
            scene_id = identity.scene_id(video_id, start_s)
            topic = int(random.integers(TOPICS))
            vectors = SceneVectors(
                scene_id,
                _near(self._text[topic], random),
                _tokens(random, TERMS),
                _near(self._vision[topic], random),
                _near(self._text[topic], random),
            )
            point = ScenePoint(
                scene_id=scene_id,
                video_id=video_id,
                workspace=workspace,
                start_s=start_s,
                end_s=start_s + SCENE_S,
                language=language,
                generation=GENERATION,
                sidecar_key=f"sidecars/{workspace}/{video_id}/{scene_id}.json",
                thumbnail_key=f"thumbnails/{workspace}/{video_id}/{scene_id}.jpg",
                vectors=vectors,
                tags=("outdoor", "a street", "a car")[: int(random.integers(4))],
                indexed_at=MADE_AT + number,
            )
            points.append(point)
        return points


def _near(topic: Vector, random: np.random.Generator) -> Vector:
    """A unit vector near that of a topic: their cosine is about 0.7."""
    vector = (topic + random.normal(size=topic.shape)).astype(np.float32)
    return vector / np.linalg.norm(vector)


def _tokens(random: np.random.Generator, count: int) -> SparseVector:
    """Tokens by Zipf's law, as words of a language are, with weights from 0 to 1."""
    drawn = random.zipf(1.3, size=count * 20)
    indices = np.unique(drawn[drawn < VOCABULARY])
    indices = np.sort(random.permutation(indices)[:count])
    return SparseVector(tuple(indices.tolist()), tuple(random.random(len(indices)).astype(np.float32).tolist()))
