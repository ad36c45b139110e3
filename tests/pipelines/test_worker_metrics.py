"""What is said of the memory of a model."""

from pipelines.worker_metrics import ModelMemory

MIB = 2**20


def test_a_model_takes_by_how_much_the_process_grew() -> None:
    memory, held = ModelMemory(on_card=False), []
    with memory.loading("Large"):
        held.append(b"x" * (200 * MIB))
    with memory.loading("Small"):
        held.append(b"x")
    device, size_bytes = memory.of_stages["Large"]
    assert device == "cpu"
    assert 190 * MIB < size_bytes < 300 * MIB
    assert memory.of_stages["Small"].size_bytes < 50 * MIB


def test_a_gpu_that_only_ray_knows_of_holds_nothing() -> None:
    memory = ModelMemory(on_card=True)
    with memory.loading("Stage"):
        pass
    assert memory.of_stages["Stage"].device == "cpu"
