import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from actors.model_preparation import PreparedModels
from actors.onnx_towers import SiglipTextTower, TextTower
from actors.query_encoder import PictureQueryEncoder, QueryEncoder, TextQueryEncoder
from actors.text_embedder import TextEmbedder
from footage.errors import NoPicture, PictureTooLarge
from footage.models import PROJECT_ROOT
from footage.records import SparseVector
from footage.settings import Settings
from tests.pictures import jpeg

QUERIES = (
    "brake pads",
    "a photo of a Red circle, on a STRIPED background!",
    "  spaces\tand\nlines  ",
    "what's the e-mail of x_y?",
    "고양이",
    "🙂",
    "",
    "▁▁ odd ▁ signs",
    "a striped green background with a small white square " * 40,
)


@pytest.fixture(scope="module")
def encoder(prepared: PreparedModels) -> QueryEncoder:
    return QueryEncoder(prepared)


@pytest.mark.parametrize("query", QUERIES)
def test_queries_get_the_ids_and_vectors_of_siglip(encoder: QueryEncoder, prepared: PreparedModels, query: str) -> None:
    import torch
    from transformers import AutoModel, AutoProcessor

    model = AutoModel.from_pretrained(str(prepared.vision_folder)).eval()
    processor = AutoProcessor.from_pretrained(str(prepared.vision_folder))
    ids = processor(text=[query], padding="max_length", truncation=True, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        features = model.get_text_features(input_ids=ids).pooler_output[0].numpy()
    assert SiglipTextTower(prepared.vision_tower_folder).token_ids(query) == ids[0].tolist()
    visual = encoder.encode(query).visual
    np.testing.assert_allclose(visual, features / np.linalg.norm(features), atol=1e-5)
    assert visual.shape == (prepared.vision_dimensions,)


def test_queries_get_the_vectors_that_transcripts_get(
    encoder: QueryEncoder, offline: Settings, prepared: PreparedModels
) -> None:
    indexed = TextEmbedder(offline.text, prepared.text_folder).embed({query: query for query in QUERIES})
    for query in QUERIES:
        found = encoder.encode(query)
        np.testing.assert_allclose(found.transcript, indexed[query][0], atol=1e-5)
        assert found.transcript.dtype == np.float32
        assert TextTower(prepared.text_tower_folder).encode(query)[1] == indexed[query][1]


def test_a_query_without_a_known_word_has_no_sparse_entries(encoder: QueryEncoder) -> None:
    assert encoder.encode("").transcript_sparse == SparseVector((), ())


def test_texts_together_get_what_they_get_alone(prepared: PreparedModels) -> None:
    words, seen = TextQueryEncoder(prepared), PictureQueryEncoder(prepared)
    for query, (dense, sparse), visual in zip(
        QUERIES, words.encode_many(QUERIES), seen.encode_texts(QUERIES), strict=True
    ):
        ((alone, sparse_alone),) = words.encode_many([query])
        np.testing.assert_allclose(dense, alone, atol=1e-5)
        assert sparse == sparse_alone
        np.testing.assert_allclose(visual, seen.encode_texts([query])[0], atol=1e-5)
    assert (words.encode_many([]), seen.encode_texts([]), seen.encode_pictures([])) == ([], [], [])


def test_words_of_a_query_need_no_run_of_the_model(prepared: PreparedModels) -> None:
    tower = TextTower(prepared.text_tower_folder)
    for query in QUERIES:
        assert tower.tokens(query) == tower.encode(query)[1]


def test_function_words_are_not_looked_up(encoder: QueryEncoder) -> None:
    assert encoder.encode("the brake of it").transcript_sparse == encoder.encode("brake").transcript_sparse


def test_a_bad_picture_costs_no_other_its_vector(encoder: QueryEncoder, prepared: PreparedModels) -> None:
    seen = PictureQueryEncoder(prepared, most_pixels=96 * 64)
    bad, red, large, blue = seen.encode_pictures([b"?", jpeg("red"), jpeg("red", 97, 64), jpeg("blue")])
    assert isinstance(bad, NoPicture)
    assert isinstance(large, PictureTooLarge)
    np.testing.assert_allclose(red, encoder.encode_picture(jpeg("red")), atol=1e-5)
    np.testing.assert_allclose(blue, encoder.encode_picture(jpeg("blue")), atol=1e-5)
    assert float(red @ blue) < 0.9
    assert isinstance(seen.encode_pictures([b""])[0], NoPicture)
    with pytest.raises(NoPicture, match="no picture that is read here"):
        encoder.encode_picture(b"?")


def test_words_do_not_wait_for_the_image_tower(prepared: PreparedModels, tmp_path: Path) -> None:
    seen = PictureQueryEncoder(replace(prepared, picture_tower_folder=tmp_path / "nowhere"))
    assert seen.encode_texts(["red"])[0].shape == (prepared.vision_dimensions,)
    assert isinstance(seen.encode_pictures([b"?"])[0], NoPicture)
    with pytest.raises(FileNotFoundError):
        seen.open_pictures()


def test_a_picture_is_near_the_words_for_it(encoder: QueryEncoder) -> None:
    red, blue = encoder.encode_picture(jpeg("red")), encoder.encode("a plain blue background").visual
    assert float(encoder.encode("a plain red background").visual @ red) > float(blue @ red)


def test_a_cold_query_loads_no_torch() -> None:
    program = (
        "import sys; from footage.settings import load_settings\n"
        "from actors.model_preparation import prepared_models; from actors.query_encoder import QueryEncoder\n"
        "encoder = QueryEncoder(prepared_models(load_settings('offline')))\n"
        "encoder.encode('red car')\n"
        "heavy = {'torch', 'transformers', 'FlagEmbedding', 'faster_whisper', 'onnx', 'torchvision'}\n"
        "print('PIL' in sys.modules, sorted(heavy & sys.modules.keys()))\n"
        "encoder.encode_picture(sys.stdin.buffer.read())\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", program]
    child = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, input=jpeg("red"), check=True)
    assert child.stdout.decode().splitlines() == ["False []", "[]"]
