import subprocess
import sys

import numpy as np
import pytest

from actors.model_preparation import PreparedModels
from actors.onnx_towers import SiglipTextTower, TextTower
from actors.query_encoder import QueryEncoder
from actors.text_embedder import TextEmbedder
from footage.models import PROJECT_ROOT
from footage.records import SparseVector
from footage.settings import Settings

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


def test_a_cold_query_loads_no_torch() -> None:
    program = (
        "import sys; from footage.settings import load_settings\n"
        "from actors.model_preparation import prepared_models; from actors.query_encoder import QueryEncoder\n"
        "QueryEncoder(prepared_models(load_settings('offline'))).encode('red car')\n"
        "print(sorted({'torch', 'transformers', 'FlagEmbedding', 'faster_whisper', 'onnx'} & sys.modules.keys()))"
    )
    child = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert child.stdout == "[]\n"
