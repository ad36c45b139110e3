"""A store with videos that can be searched, made without decoding or models."""

from pathlib import Path

from actors.scene_searcher import SceneSearcher
from actors.scene_writer import SceneWriter
from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.pipeline_settings import SearchSettings
from footage.records import EncodedQuery, SparseVector, Vector
from footage.search import SearchRequest
from footage.store_reads import StoreReads
from tests.spans import FINGERPRINT, MODELS, SPEC, WORKSPACE, claim_of, span_row, spans, unit

# Each word is a direction of the text space, a token, and a direction of the space of pictures.
WORDS = {"red": 0, "blue": 1, "car": 2, "house": 3}


class WordEncoder:
    """Encodes texts of the four words above."""

    def encode(self, text: str) -> EncodedQuery:
        dense, sparse = self.encode_words(text)
        return EncodedQuery(transcript=dense, transcript_sparse=sparse, visual=self.encode_seen(text))

    def encode_words(self, text: str) -> tuple[Vector, SparseVector]:
        known = _known(text)
        sparse = SparseVector(tuple(sorted(set(known))), (1.0,) * len(set(known)))
        return unit(*(0.01 + known.count(word) for word in range(4))), sparse

    def encode_seen(self, text: str) -> Vector:
        known = _known(text)
        return unit(*(0.01 + known.count(word) for word in range(3)))

    def encode_picture(self, picture: bytes) -> Vector:
        """A "picture" is the words that a text of what it shows would have."""
        return self.encode_seen(picture.decode())


def _known(text: str) -> list[int]:
    return [WORDS[word] for word in text.lower().split() if word in WORDS]


class Studio:
    """A store with two videos, and a searcher."""

    def __init__(self, root: Path) -> None:
        self.store = DirectoryStore(root)
        self.catalog = Catalog(self.store, WORKSPACE)
        self.index = EmbeddedIndex(root / "index" / "scenes", SPEC, owner="a test")
        self.scene_ids: dict[str, str] = {}

    def add(
        self,
        name: str,
        texts: tuple[str, ...],
        shown: tuple[str, ...],
        language: str = "en",
        captions: tuple[str, ...] = (),
        tags: tuple[str, ...] = (),
    ) -> Claim:
        """A video with a scene for each of the texts that are said; as many pictures, and captions and tags or none."""
        claim = claim_of(name, 1)
        self.catalog.claims.create(claim)
        encoder = WordEncoder()
        said = [encoder.encode(text) if text else None for text in texts]
        row = span_row(claim, 0, texts=texts, language=language) | {
            "transcript_dense": [one and one.transcript.tolist() for one in said],
            "transcript_sparse": [
                one and {"indices": one.transcript_sparse.indices, "values": one.transcript_sparse.values}
                for one in said
            ],
            "visual": [encoder.encode(text).visual.tolist() for text in shown],
            "captions": captions or [None] * len(texts),
            "caption_dense": [encoder.encode(text).transcript.tolist() for text in captions] or [None] * len(texts),
            "vision_tags": [[(tag, 0.5)] for tag in tags] or [[]] * len(texts),
        }
        SceneWriter(self.catalog, self.index, FINGERPRINT, MODELS)(spans(row))
        self.scene_ids |= {f"{name}/{index}": scene_id for index, scene_id in enumerate(row["scene_ids"])}
        return claim

    def search(self, query: str, settings: SearchSettings | None = None, **request: object) -> list[str]:
        searcher = SceneSearcher(self.index, StoreReads(self.store), WordEncoder(), settings or SearchSettings())
        answer = searcher.search(SearchRequest(query=query, workspace=WORKSPACE, **request))
        by_id = {scene_id: name for name, scene_id in self.scene_ids.items()}
        return [by_id[hit.scene_id] for hit in answer.hits]
