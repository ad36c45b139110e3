"""What a card does when it is full. Needs no model."""

from collections.abc import Sequence

import pytest

from actors.model_batches import BatchFill, in_batches, release_memory

pytestmark = pytest.mark.gpu


def test_a_batch_that_does_not_fit_is_halved_and_every_item_gets_its_result(card: str) -> None:
    import torch

    release_memory()
    free_bytes, _ = torch.cuda.mem_get_info()
    of_one = int(free_bytes * 0.3)  # three fit, four do not

    def run(items: Sequence[int]) -> list[int]:
        held = [torch.zeros(of_one, dtype=torch.uint8, device="cuda") for _ in items]
        return [item * 10 + int(block[0]) for item, block in zip(items, held, strict=True)]

    fill = BatchFill()
    assert in_batches(range(9), 8, run, fill, "A test") == [item * 10 for item in range(9)]
    assert fill.most == 2
    assert in_batches([5], 8, run, fill, "A test") == [50]


def test_one_item_that_does_not_fit_is_an_error(card: str) -> None:
    import torch

    _, all_bytes = torch.cuda.mem_get_info()

    def run(items: Sequence[int]) -> list[int]:
        torch.zeros(2 * all_bytes, dtype=torch.uint8, device="cuda")
        return list(items)

    with pytest.raises(torch.OutOfMemoryError):
        in_batches([1, 2], 2, run, BatchFill(), "A test")
    release_memory()
