import numpy as np
import pyarrow as pa

from actors.description_embedder import DescriptionEmbedder
from actors.model_preparation import PreparedModels
from actors.text_embedder import TextEmbedder
from footage.settings import Settings

VIDEOS = pa.schema([("video_id", pa.string()), ("description", pa.string())])


def test_descriptions_get_the_vectors_of_the_text_model(offline: Settings, prepared: PreparedModels) -> None:
    texts = {"a": "A lighthouse above the sea.", "b": None, "c": "A long talk about brake pads. " * 30}
    rows = [{"video_id": video_id, "description": text} for video_id, text in texts.items()]
    embedder = DescriptionEmbedder(offline.text, prepared.text_folder)

    table = embedder(pa.Table.from_pylist(rows, schema=VIDEOS))
    alone = embedder(pa.Table.from_pylist(rows[2:], schema=VIDEOS))

    assert table.schema.equals(pa.schema([*VIDEOS, *DescriptionEmbedder.ADDS]))
    first, none, last = table.column("description_dense").to_pylist()
    expected = TextEmbedder(offline.text, prepared.text_folder).embed({"a": texts["a"]})["a"][0]
    np.testing.assert_array_equal(np.asarray(first, np.float32), expected)
    assert none is None
    assert alone.column("description_dense").to_pylist() == [last]  # its companions change nothing
