"""What only a worker itself can tell Prometheus: that it is there, and how much memory its models take."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import psutil

from footage import metric_list as m
from pipelines.metrics import EVERY_S, Recorder


class Memory(NamedTuple):
    """How much memory a model took."""

    device: str  # cpu or cuda
    size_bytes: int


class ModelMemory:
    """Measures what each stage of a process takes while it is loaded."""

    def __init__(self, *, on_card: bool) -> None:
        """`on_card`: the process has a share of a GPU."""
        self._on_card = on_card
        self.of_stages: dict[str, Memory] = {}

    @contextlib.contextmanager
    def loading(self, stage: str) -> Iterator[None]:
        """Around the loading of a stage. What several stages need, such as torch, is charged to the first one."""
        process = psutil.Process()
        card_before, before = self._of_card(), process.memory_info().rss
        yield
        by_torch, by_all = (now - then for now, then in zip(self._of_card(), card_before, strict=True))
        # CTranslate2 does not say what it took: for its model, what others load on the card meanwhile counts too.
        on_card = by_torch or by_all
        if on_card > 0:
            self.of_stages[stage] = Memory("cuda", on_card)
        else:
            self.of_stages[stage] = Memory("cpu", max(0, process.memory_info().rss - before))

    def _of_card(self) -> tuple[int, int]:
        """What is taken of this process's card, bytes: by torch in this process, and by all who use the card."""
        if not self._on_card:
            return 0, 0
        import torch

        if not torch.cuda.is_available():  # a GPU that Ray was only told of
            return 0, 0
        free, total = torch.cuda.mem_get_info()
        return torch.cuda.memory_reserved(), total - free


class WorkerGauges:
    """Says every few seconds, until it is closed or the process ends, that an actor of a pool is there."""

    def __init__(self, pool: str, num_gpus: float, memory: Mapping[str, Memory]) -> None:
        """Begin."""
        self._pool, self._num_gpus, self._memory = pool, num_gpus, memory
        self._of = {metric: Recorder(metric) for metric in (m.ACTORS, m.POOL_GPUS, m.MODEL_MEMORY)}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="worker-metrics")
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._stop.set()

    def _run(self) -> None:
        while True:
            self._of[m.ACTORS].set(1, self._pool)
            self._of[m.POOL_GPUS].set(self._num_gpus, self._pool)
            for stage, (device, size_bytes) in self._memory.items():
                self._of[m.MODEL_MEMORY].set(size_bytes, stage, device)
            if self._stop.wait(EVERY_S):
                return
