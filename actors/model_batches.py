"""Batches through a model, which become smaller when the card's memory runs out."""

import gc
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

LOG = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True)
class BatchFill:
    """How full the batches of one model were: `items` went through it in batches with room for `slots`."""

    items: int = 0
    slots: int = 0
    most: int | None = None  # items per batch that the card's memory allows, once it ran out


def in_batches(
    items: Sequence[Item],
    size: int,
    run: Callable[[Sequence[Item]], Sequence[Result]],
    fill: BatchFill,
    name: str,
) -> list[Result]:
    """The results of all items, in their order, from batches of `size` items or what is left.

    When the card runs out of memory the batch is halved, for this call and all later ones with the same `fill`, and
    one line says so. Batches are made of the items of one call only, in their order, so the same call gives the same
    results (as long as memory suffices: another batch size can change a last bit).

    Args:
        items: what the model is given.
        size: items per batch that the settings ask for, at least 1.
        run: one pass through the model: a result for each item, in order.
        fill: counts the batches and remembers a smaller size. One per model.
        name: of the model, for the log.

    Raises:
        torch.OutOfMemoryError: a single item does not fit.
    """
    if not items:
        return []
    import torch

    results: list[Result] = []
    while len(results) < len(items):
        room = min(size, fill.most or size)
        batch = items[len(results) : len(results) + room]
        try:
            found = run(batch)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
            fill.most = (len(batch) + 1) // 2
        else:
            if len(found) != len(batch):
                raise ValueError(f"{name} gave {len(found)} results for {len(batch)} items.")
            fill.items, fill.slots = fill.items + len(batch), fill.slots + room
            results.extend(found)
            continue
        # Outside the handler: the error's traceback keeps the tensors of the failed pass alive.
        LOG.warning(
            "%s ran out of the card's memory with %d items in a batch; it goes on with %d. Set a smaller batch_size, "
            "or give its pool a larger share of the card.",
            name,
            len(batch),
            fill.most,
        )
        release_memory()
    return results


def release_memory() -> None:
    """Give what no tensor holds any more back to the card, so that the other pools on it can have it."""
    import torch

    gc.collect()  # models hold themselves in cycles
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
