"""Smaller weights for an ONNX tower, and how near it must stay to its original.

fp16 halves every large weight; they are made float32 again as they are used, so nothing is calculated in half
precision, which most CPUs cannot do. int8 quarters them: matrices in blocks of 32 with a scale each (MatMulNBits of
ONNX Runtime, the layout of llama.cpp's Q8_0), token embeddings with a scale for each row. ONNX Runtime's own dynamic
quantisation (one scale for a whole tensor of activations) was twice as fast and about 15 times less exact; figures in
docs/decisions/0007-query-precision.md.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt

Precision = Literal["fp32", "fp16", "int8"]
Array = npt.NDArray[Any]

MODEL = "model.onnx"
WEIGHTS = "weights.bin"
LEAST_WEIGHTS = 4096  # smaller tensors (biases, norms) stay as they are: they weigh nothing and matter most
BLOCK = 32  # weights that share a scale
LARGEST = 127  # of a signed byte
ZERO = 128  # MatMulNBits stores bytes without a sign, with this as 0
MICROSOFT = "com.microsoft"  # the domain of MatMulNBits
FLOAT = 1  # onnx.TensorProto.FLOAT
ALIGNMENT = 4096  # of each tensor in the weights' file, so that it can be mapped into memory


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a tower may be from its original."""

    least_cosine: float
    most_sparse_difference: float  # of one token's weight; BGE-M3's lie between 0 and about 0.5


# fp32: rounding of fused operations. fp16: the same cosine, and the 11 bits of a weight. int8: the worst text of
# MiniLM had 0.998, and at that 98.5 % of 200 searches kept their first hit; below 0.99 more than rounding is wrong.
TOLERANCES: dict[Precision, Tolerance] = {
    "fp32": Tolerance(0.9999, 1e-4),
    "fp16": Tolerance(0.9999, 5e-3),
    "int8": Tolerance(0.99, 5e-2),
}


def lower_precision(source: Path, precision: Literal["fp16", "int8"], folder: Path) -> None:
    """Write the tower in `source` to `folder` with smaller weights.

    Weights are taken from a memory map and written one by one, so BGE-M3's 2.3 GB need no memory of that size.

    Args:
        source: has an optimised model.onnx in fp32 and its weights.bin.
        precision: of the large weights.
        folder: exists, and gets model.onnx and weights.bin.
    """
    import onnx

    model = onnx.load(str(source / MODEL), load_external_data=False)
    graph = model.graph
    with (folder / WEIGHTS).open("wb") as file:
        tower = _SmallerTower(_mapped_weights(model, source), precision, file)
        for node in graph.node:
            tower.take(node)
        for initializer in graph.initializer:
            tower.keep(initializer)
    # Copies, since the nodes die with the list that is emptied.
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in tower.nodes]
    tensors = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in tower.tensors.values()]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensors)
    if not any(opset.domain == MICROSOFT for opset in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(MICROSOFT, 1))
    (folder / MODEL).write_bytes(model.SerializeToString())


def _mapped_weights(model: Any, folder: Path) -> dict[str, Array]:
    """The tensors that lie in the weights' file, by name; mapped, not read."""
    import onnx

    arrays: dict[str, Array] = {}
    for initializer in model.graph.initializer:
        place = {entry.key: entry.value for entry in initializer.external_data}
        if place:
            dtype = onnx.helper.tensor_dtype_to_np_dtype(initializer.data_type)
            offset, shape = int(place.get("offset", 0)), tuple(initializer.dims)
            arrays[initializer.name] = np.memmap(folder / place["location"], dtype, "r", offset, shape)
    return arrays


class _SmallerTower:
    """Nodes and tensors of the smaller tower, in their order."""

    def __init__(self, weights: dict[str, Array], precision: str, file: IO[bytes]) -> None:
        self.nodes: list[Any] = []
        self.tensors: dict[str, Any] = {}
        self._weights = weights
        self._precision = precision
        self._file = file
        self._used: set[str] = set()

    def take(self, node: Any) -> None:
        """Add what does the work of a node: itself, where it has no large weight."""
        weight = self._large_weight(node)
        if weight is None:
            self._add(node)
        elif node.op_type == "Gather":
            self._look_up(node, weight)
        elif self._precision == "fp16":
            self._multiply_half(node, weight)
        elif node.op_type == "MatMul":
            self._multiply_bytes(node, weight)
        else:
            self._add(node)

    def keep(self, initializer: Any) -> None:
        """Add a tensor of the original if a node of this tower needs it."""
        if initializer.name not in self._used:
            return
        if initializer.name in self._weights:
            self._store(initializer.name, self._weights[initializer.name])
        else:
            self.tensors[initializer.name] = initializer

    def _look_up(self, node: Any, weight: str) -> None:
        """Only the rows of this text become float32."""
        ids, out = node.input[1], node.output[0]
        rows = f"{weight}/rows"
        if self._precision == "fp16":
            self._store(rows, self._weights[weight].astype(np.float16))
            self._make("Gather", [rows, ids], f"{out}/found")
            self._make("Cast", [f"{out}/found"], out, to=FLOAT)
            return
        scales = f"{weight}/row_scales"
        if rows not in self.tensors:
            for name, array in zip((rows, scales), _scaled_rows(self._weights[weight]), strict=True):
                self._store(name, array)
        self._make("Gather", [rows, ids], f"{out}/found")
        self._make("Cast", [f"{out}/found"], f"{out}/unscaled", to=FLOAT)
        self._make("Gather", [scales, ids], f"{out}/scales")
        self._make("Mul", [f"{out}/unscaled", f"{out}/scales"], out)

    def _multiply_half(self, node: Any, weight: str) -> None:
        half = f"{weight}/half"
        if half not in self.tensors:
            self._store(half, self._weights[weight].astype(np.float16))
            self._make("Cast", [half], f"{weight}/float", to=FLOAT)
        node.input[1] = f"{weight}/float"
        self._add(node)

    def _multiply_bytes(self, node: Any, weight: str) -> None:
        blocks, scales = f"{weight}/blocks", f"{weight}/block_scales"
        if blocks not in self.tensors:
            for name, array in zip((blocks, scales), _scaled_blocks(self._weights[weight]), strict=True):
                self._store(name, array)
        rows, columns = self._weights[weight].shape
        inputs, out = [node.input[0], blocks, scales], node.output[0]
        # accuracy_level 4 multiplies in int8, with activations in blocks too.
        sizes = {"K": rows, "N": columns, "bits": 8, "block_size": BLOCK, "accuracy_level": 4}
        self._make("MatMulNBits", inputs, out, domain=MICROSOFT, **sizes)

    def _large_weight(self, node: Any) -> str | None:
        """The name of the large float32 matrix that a node looks up rows of, or multiplies with."""
        place = {"Gather": 0, "MatMul": 1, "Gemm": 1}.get(node.op_type)
        name: str | None = None if place is None else node.input[place]
        array = None if name is None else self._weights.get(name)
        if array is None or array.dtype != np.float32 or array.ndim != 2 or array.size < LEAST_WEIGHTS:
            return None
        other_axis = node.op_type == "Gather" and any(part.name == "axis" and part.i for part in node.attribute)
        return None if other_axis else name

    def _make(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        from onnx import helper

        self._add(helper.make_node(kind, inputs, [output], name=f"{output}/{kind}", **attributes))

    def _add(self, node: Any) -> None:
        self.nodes.append(node)
        self._used.update(node.input)

    def _store(self, name: str, array: Array) -> None:
        """Append a tensor to the weights' file."""
        from onnx import StringStringEntryProto, TensorProto, helper

        self._file.write(b"\0" * (-self._file.tell() % ALIGNMENT))
        offset = self._file.tell()
        self._file.write(np.ascontiguousarray(array).data)
        place = {"location": WEIGHTS, "offset": str(offset), "length": str(self._file.tell() - offset)}
        self.tensors[name] = TensorProto(
            name=name,
            data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
            dims=array.shape,
            data_location=TensorProto.EXTERNAL,
            external_data=[StringStringEntryProto(key=key, value=value) for key, value in place.items()],
        )


def _scaled_rows(matrix: Array) -> tuple[Array, Array]:
    """int8 (rows, columns) and float32 scales (rows, 1)."""
    scales = np.abs(matrix).max(axis=1, keepdims=True).astype(np.float32) / LARGEST
    scales[scales == 0] = 1
    return np.rint(matrix / scales).astype(np.int8), scales


def _scaled_blocks(matrix: Array) -> tuple[Array, Array]:
    """uint8 (columns, blocks, BLOCK) and float32 scales (columns * blocks,) of a matrix (rows, columns)."""
    rows, columns = matrix.shape
    blocks = -(-rows // BLOCK)
    padded = np.zeros((columns, blocks * BLOCK), np.float32)
    padded[:, :rows] = matrix.T
    whole, scales = _scaled_rows(padded.reshape(columns * blocks, BLOCK))
    unsigned = (whole.astype(np.int16) + ZERO).astype(np.uint8)
    return unsigned.reshape(columns, blocks, BLOCK), scales.reshape(-1)
