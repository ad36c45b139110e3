"""Starts a Ray of our own, quietly, and ends just that."""

import contextlib
import logging
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from footage.errors import FootageError, SettingsError
from footage.pipeline_settings import PipelineSettings
from footage.scratch import Scratch

# One thread per library: two OpenMP threads on two busy cores were 20 times slower than one.
WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
}

_STARTS = 4
_SLOW_STARTS = ("timed out during startup", "Timed out waiting for file")  # of the node, and of its first process
_RAY_MARKS = (":job_id:", ":actor_name:", ":task_name:")  # Ray's own lines, which say nothing here
# Of one worker's stderr the log of a run keeps the first lines, which tell of its models, and the last ones.
_FIRST_LINES, _LAST_LINES = 20, 40


@contextlib.contextmanager
def output_to(log: Path) -> Iterator[IO[str]]:
    """Send whatever any library prints in this process to a file; yields the real stderr for our own lines.

    Ray prints from C++ and from its own threads, on stdout too, so the file descriptors themselves are turned round.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    real_out, real_err = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        with os.fdopen(os.dup(real_err), "w", buffering=1, errors="replace") as console:
            yield console
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(real_out, 1)
        os.dup2(real_err, 2)
        os.close(real_out)
        os.close(real_err)


@contextlib.contextmanager
def ray_session(settings: PipelineSettings, address: str | None = None, *, verbose: bool = False) -> Iterator[None]:
    """Ray for this block: a cluster that is there, or one of our own that ends with it.

    Our own has its own folder, its own random token, loopback and no dashboard. When it ends, what its workers printed
    on stderr is written to ours, since Ray's folder goes with it.

    Args:
        settings: of the run.
        address: of a cluster whose machines see the same files as this one; None starts a Ray on this machine.
        verbose: show what Ray and the workers print.

    Raises:
        SettingsError: no cluster answers at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else Ray writes one into the home folder
    os.environ.update(WORKER_ENVIRONMENT)
    import ray

    environment = {**WORKER_ENVIRONMENT, "PYTHONPATH": str(Path(__file__).parent.parent)}
    if address is not None:
        try:
            ray.init(
                address=address,
                runtime_env={"env_vars": environment},
                logging_level="INFO" if verbose else "ERROR",
                log_to_driver=True,  # else nobody would see what the workers say; it goes where our own output goes
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise SettingsError(
                f"No Ray cluster answers at {address} (RAY_ADDRESS): {str(error).splitlines()[0]} Start it, correct"
                " the address and RAY_AUTH_TOKEN, or unset RAY_ADDRESS to run on this machine alone."
            ) from error
        try:
            _configure_ray_data(settings, verbose)
            yield
        finally:
            ray.shutdown()
        return
    scratch = Scratch()  # short: the paths of Ray's sockets may have 107 bytes
    # Its processes inherit our variables. Given as a runtime_env, as to a cluster, they make Ray start each worker by
    # way of another process, which imports all of Ray only to set them: 0.4 s of a core for each of a dozen.
    os.environ.update(environment)
    try:
        _start_local(settings, scratch.path, verbose)
    except FootageError:
        scratch.remove()
        raise
    try:
        _configure_ray_data(settings, verbose)
        yield
    finally:
        ray.shutdown()
        _show_worker_output(scratch.path)
        scratch.remove()


def _start_local(settings: PipelineSettings, folder: Path, verbose: bool) -> None:
    """Start a Ray on this machine, again where the machine is too busy: Ray gives its first process 30 s, always."""
    import ray

    for _ in range(_STARTS):
        try:
            ray.init(
                address="local",
                num_cpus=max(2, os.cpu_count() or 2),  # pools take tenths of a CPU; reads and writes need the rest
                include_dashboard=False,
                object_store_memory=settings.object_store_mib * 2**20,
                _temp_dir=str(folder),
                _node_ip_address="127.0.0.1",
                logging_level="INFO" if verbose else "ERROR",
                log_to_driver=verbose,
            )
        except Exception as error:
            if not any(words in str(error) for words in _SLOW_STARTS):
                raise
            ray.shutdown()
        else:
            return
    raise FootageError(
        f"Ray did not start within {_STARTS} times 30 s: the machine is too busy, or short of memory. End something"
        " else on it, and try again."
    )


def _show_worker_output(folder: Path) -> None:
    """What each worker wrote to stderr: its models, warnings of libraries, a crash, the stacks of a watchdog."""
    for file in sorted(folder.glob("session_2*/logs/worker-*.err")):
        written = file.read_text(errors="replace").splitlines()
        lines = [line for line in written if not line.startswith(_RAY_MARKS)]
        if lines:
            if len(lines) > _FIRST_LINES + _LAST_LINES:
                lines = [*lines[:_FIRST_LINES], "...", *lines[-_LAST_LINES:]]
            # To the file descriptor, which output_to() has turned to the log, whatever sys.stderr is.
            os.write(2, "\n".join([f"--- {file.stem}", *lines, ""]).encode())


def _configure_ray_data(settings: PipelineSettings, verbose: bool) -> None:
    from ray.data import DataContext

    context = DataContext.get_current()
    context.target_max_block_size = settings.block_mib * 2**20
    # The driver counts what is missing and says so, so a lost span ends no run; very many of them should.
    context.max_errored_blocks = settings.max_lost_spans
    context.execution_options.preserve_order = False
    context.enable_progress_bars = False
    if not verbose:  # after get_current(), which sets the levels itself
        for name in ("ray", "ray.data"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
