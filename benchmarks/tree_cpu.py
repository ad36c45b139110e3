"""CPU seconds of a command and of everything that it starts."""

import os
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

_INTERVAL_S = 0.25  # what lives shorter is counted by its parent, which the kernel tells when it waits for it


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    cpu_s: float
    wall_s: float
    output: str


@dataclass
class _Process:
    parent: int
    own_s: float
    waited_s: float  # of children that have ended and were waited for, with theirs


def cost_of(command: Sequence[str], env: Mapping[str, str]) -> Cost:
    """Run a command to its end, which is to be a good one.

    The kernel adds up the CPU time of a process and of what it has waited for (getrusage(2)), which misses daemons
    such as Ray's and what dies with them: those are sampled, and what they do after the last sample is not counted.
    """
    begun = time.monotonic()
    child = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True)
    seen: dict[int, _Process] = {}
    pid = 0
    try:
        while not pid:
            time.sleep(_INTERVAL_S)
            _sample(child.pid, seen)
            pid, status, used = os.wait4(child.pid, os.WNOHANG)
    finally:
        if not pid:
            child.send_signal(signal.SIGINT)  # a run that is interrupted ends what it started
    child.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - begun
    assert child.stdout is not None
    with child.stdout as output:
        said = output.read()  # a report: far less than a pipe holds
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {child.returncode}.")
    return Cost(max(used.ru_utime + used.ru_stime, _total_s(child.pid, seen)), wall_s, said)


def _sample(root: int, seen: dict[int, _Process]) -> None:
    try:
        processes = [(root, psutil.Process(root))]
        processes += [(process.pid, process) for process in processes[0][1].children(recursive=True)]
    except psutil.Error:
        return
    for pid, process in processes:
        try:
            times, parent = process.cpu_times(), process.ppid()
        except psutil.Error:
            continue  # it has ended meanwhile
        seen[pid] = _Process(parent, times.user + times.system, times.children_user + times.children_system)


def _total_s(root: int, seen: Mapping[int, _Process]) -> float:
    """A process's own time, and of its children what it has waited for or what was sampled, whichever is more."""
    children = defaultdict(list)
    for pid, process in seen.items():
        children[process.parent].append(pid)

    def total_s(pid: int) -> float:
        process = seen[pid]
        return process.own_s + max(process.waited_s, sum(total_s(child) for child in children[pid]))

    return total_s(root) if root in seen else 0.0
