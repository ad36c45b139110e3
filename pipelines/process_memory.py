"""Samples the memory of this process and everything it started."""

import re
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType

import psutil

_INTERVAL_S = 2.0
_SHARE = 0.02  # of a core that sampling may take: reading the map of a large process takes about 20 ms


def tree_pss_mib(root_pid: int) -> Counter[str]:
    """Proportional set size of a process and its descendants, MiB by process name.

    PSS shares each common page among its users, so the sum counts shared memory once. Source: Linux
    /proc/PID/smaps_rollup.
    """
    sizes: Counter[str] = Counter()
    try:
        root = psutil.Process(root_pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return sizes
    for process in processes:
        try:
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            name = _name(process)
        except (OSError, psutil.Error):
            continue  # it has ended meanwhile
        kib = next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
        sizes[name] += round(kib / 1024)
    return sizes


def _name(process: psutil.Process) -> str:
    """Workers by their pool, other actors of Ray by their title, the rest by their program."""
    title = " ".join(process.cmdline()[:3]) or process.name()
    if title.startswith("ray::"):
        pool = re.search(r"MapBatches\(([^)]*)\)", title)
        return pool[1] if pool else title.split("(")[0].split(".")[0].strip()
    if "decoder_child" in title:
        return "decoder child"
    name: str = process.name()
    return name


class MemorySampler:
    """Keeps the highest total seen while its block runs, and what it was made of."""

    def __init__(self, root_pid: int) -> None:
        self._root_pid = root_pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="memory-sampler")
        self.peak_by_process_mib: Counter[str] = Counter()

    @property
    def peak_mib(self) -> int:
        """Highest sum over the process tree, MiB."""
        return sum(self.peak_by_process_mib.values())

    def __enter__(self) -> "MemorySampler":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        pause_s = _INTERVAL_S
        while not self._stop.wait(pause_s):
            begun = time.thread_time()
            now = tree_pss_mib(self._root_pid)
            pause_s = max(_INTERVAL_S, (time.thread_time() - begun) / _SHARE)
            if now.total() > self.peak_mib:
                self.peak_by_process_mib = now
