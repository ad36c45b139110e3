from collections.abc import Callable, Sequence

import pytest
import torch

from actors.model_batches import BatchFill, in_batches


def with_room_for(most: int, passes: list[int]) -> Callable[[Sequence[int]], list[int]]:
    """A model whose memory holds so many items; it notes the size of each batch that it was given."""

    def run(batch: Sequence[int]) -> list[int]:
        passes.append(len(batch))
        if len(batch) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [item * 10 for item in batch]

    return run


def test_results_keep_the_order_and_batches_are_counted() -> None:
    passes: list[int] = []
    fill = BatchFill()
    assert in_batches(range(10), 4, with_room_for(4, passes), fill, "model") == [item * 10 for item in range(10)]
    assert passes == [4, 4, 2]
    assert fill == BatchFill(items=10, slots=12)


def test_nothing_asked_nothing_run() -> None:
    passes: list[int] = []
    fill = BatchFill()
    assert in_batches([], 4, with_room_for(4, passes), fill, "model") == []
    assert passes == []
    assert fill == BatchFill()


def test_out_of_memory_halves_the_batch_once_and_for_good(caplog: pytest.LogCaptureFixture) -> None:
    passes: list[int] = []
    fill = BatchFill()
    run = with_room_for(3, passes)
    assert in_batches(range(10), 8, run, fill, "The caption model") == [item * 10 for item in range(10)]
    assert passes == [8, 4, 2, 2, 2, 2, 2]
    assert fill == BatchFill(items=10, slots=10, most=2)
    assert [message.partition(";")[0] for message in caplog.messages] == [
        "The caption model ran out of the card's memory with 8 items in a batch",
        "The caption model ran out of the card's memory with 4 items in a batch",
    ]
    caplog.clear()
    passes.clear()
    assert in_batches(range(3), 8, run, fill, "The caption model") == [0, 10, 20]
    assert (passes, caplog.messages) == ([2, 1], [])


def test_the_last_smaller_batch_halves_too() -> None:
    passes: list[int] = []
    assert in_batches(range(3), 8, with_room_for(1, passes), BatchFill(), "model") == [0, 10, 20]
    assert passes == [3, 2, 1, 1, 1]


def test_an_item_that_does_not_fit_alone_is_an_error() -> None:
    passes: list[int] = []
    with pytest.raises(torch.OutOfMemoryError):
        in_batches(range(4), 4, with_room_for(0, passes), BatchFill(), "model")
    assert passes == [4, 2, 1]


def test_a_model_that_loses_an_item_is_found_out() -> None:
    with pytest.raises(ValueError, match=r"model gave 1 results for 2 items"):
        in_batches([1, 2], 2, lambda batch: batch[:1], BatchFill(), "model")
