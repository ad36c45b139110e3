"""Writes a torch module as an optimised ONNX file with its weights beside it."""

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from actors.onnx_towers import MODEL, WEIGHTS
from actors.tower_precision import Precision, lower_precision
from footage.errors import FootageError


class ExportDiffers(FootageError):
    """An exported tower does not give what its original gives."""


def way_out(precision: Precision, section: str) -> str:
    """What to do about ExportDiffers: the end of its message."""
    if precision == "fp32":
        return "Install the versions of constraints.txt, and if it stays, report it."
    return f"Set {section}.query_precision to {'fp16' if precision == 'int8' else 'fp32'}."


def export_onnx(
    module: Any,
    inputs: dict[str, Any],
    outputs: list[str],
    folder: Path,
    precision: Precision,
    free_axes: Sequence[str] = ("batch", "length"),
) -> None:
    """Export with free batch size and, for texts, length.

    The exporter is the TorchScript one: the newer one needs onnxscript, and a tower has no control flow to keep. ONNX
    Runtime then folds constants and fuses nodes once, for any CPU (level "extended"; "all" is for one processor), so
    that opening the tower need not. Weights lie in a file of their own, since protobuf ends at 2 GB and BGE-M3 has 2.3.

    Args:
        module: its forward takes the inputs in their order.
        inputs: name → example tensor. That of texts (batch, length) is padded, so that the trace keeps the mask.
        outputs: names; the first axis of each is the batch.
        folder: gets model.onnx and weights.bin.
        precision: of the weights.
        free_axes: the first axes of each input, which may have any size; the others have the example's.
    """
    import torch

    traced = folder / "traced"
    traced.mkdir(parents=True)
    axes: dict[str, dict[int, str]] = {name: dict(enumerate(free_axes)) for name in inputs}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of each branch; the comparison afterwards is the check
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            str(traced / MODEL),
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes=axes | {name: {0: "batch"} for name in outputs},
            dynamo=False,
        )
    if precision == "fp32":
        _optimise(traced, folder)
    else:
        optimised = folder / "optimised"
        optimised.mkdir()
        _optimise(traced, optimised)
        lower_precision(optimised, precision, folder)
        shutil.rmtree(optimised)
    shutil.rmtree(traced)


def _optimise(traced: Path, folder: Path) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / MODEL)
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", WEIGHTS)
    onnxruntime.InferenceSession(str(traced / MODEL), options, providers=["CPUExecutionProvider"])
