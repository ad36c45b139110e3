from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.onnx_export import export_onnx
from actors.onnx_towers import open_session
from actors.tower_precision import Precision

IDS = np.array([[3, 1, 4, 1, 5, 9, 2, 6]])
LEAST_COSINE = {"fp32": 0.999999, "fp16": 0.999999, "int8": 0.9995}


def tower() -> Any:
    """Looks up rows, multiplies by matrices with and without a bias, by one of them twice, and pools."""
    import torch

    torch.manual_seed(0)

    class Small(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = torch.nn.Embedding(500, 80)
            self.wide = torch.nn.Linear(80, 144, bias=False)  # 80 is no multiple of the block of 32
            self.narrow = torch.nn.Linear(144, 80)
            self.head = torch.nn.Linear(80, 64)

        def forward(self, ids: Any) -> Any:
            found = self.words(ids)
            for _ in range(2):
                found = found + self.narrow(torch.tanh(self.wide(found)))
            return torch.nn.functional.normalize(self.head(found.mean(dim=1)), dim=-1)

    return Small().eval()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Precision, Path]:
    import torch

    root = tmp_path_factory.mktemp("towers")
    made: dict[Precision, Path] = {"fp32": root / "fp32", "fp16": root / "fp16", "int8": root / "int8"}
    for precision, folder in made.items():
        export_onnx(tower(), {"ids": torch.tensor(IDS)}, ["vector"], folder, precision)
    return made


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_tower_gives_the_vectors_of_its_original(folders: dict[Precision, Path], precision: Precision) -> None:
    import torch

    with torch.no_grad():
        expected = tower()(torch.tensor(IDS)).numpy()
    (found,) = open_session(folders[precision] / "model.onnx", precision).run(None, {"ids": IDS})
    assert found.dtype == np.float32
    assert float((found * expected).sum()) > LEAST_COSINE[precision]
    assert precision == "fp32" or not np.array_equal(found, expected)
    (shorter,) = open_session(folders[precision] / "model.onnx", precision).run(None, {"ids": IDS[:, :3]})
    with torch.no_grad():
        assert float((shorter * tower()(torch.tensor(IDS[:, :3])).numpy()).sum()) > LEAST_COSINE[precision]


def test_each_large_weight_is_stored_once_and_smaller(folders: dict[Precision, Path]) -> None:
    import onnx

    def stored(precision: Precision) -> dict[str, int]:
        """Bytes of the weights of each type. 500 x 80, 80 x 144 and 144 x 80 are large; the head is a Gemm."""
        sizes: dict[str, int] = {}
        for tensor in onnx.load(str(folders[precision] / "model.onnx")).graph.initializer:
            kind = onnx.TensorProto.DataType.Name(tensor.data_type)
            sizes[kind] = sizes.get(kind, 0) + len(onnx.numpy_helper.to_array(tensor).tobytes())
        return sizes

    large, head = 500 * 80 + 2 * 80 * 144, 80 * 64
    whole, half, bytes_ = stored("fp32"), stored("fp16"), stored("int8")
    assert whole["FLOAT"] >= 4 * (large + head)
    assert half["FLOAT16"] == 2 * (large + head)
    assert half["FLOAT"] == whole["FLOAT"] - 4 * (large + head)
    padded = 96 * 144 + 160 * 80  # to whole blocks of 32 rows
    assert (bytes_["INT8"], bytes_["UINT8"]) == (500 * 80, padded)
    assert bytes_["FLOAT"] == whole["FLOAT"] - 4 * large + 4 * (500 + padded // 32)
    for precision, sizes in (("fp16", half), ("int8", bytes_)):
        file_bytes = (folders[precision] / "weights.bin").stat().st_size
        assert file_bytes - sum(sizes.values()) < 5 * 4096  # what fills pages up; nothing is there twice
    assert sorted(path.name for path in folders["int8"].iterdir()) == ["model.onnx", "weights.bin"]
