"""Starts a Ray of our own, quietly, and ends just that."""

import contextlib
import json
import logging
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

from footage.errors import FootageError, SettingsError
from footage.pipeline_settings import PipelineSettings
from footage.scratch import Scratch
from footage.structured_log import is_our_line
from pipelines.pool_stream import configure_streams
from pipelines.stopping import sigterm_handler_kept

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

_ROOT = str(Path(__file__).parent.parent)  # where footage is imported from
_JOB_CONFIG = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # ray._private.runtime_env.constants; so Ray's supervisor starts a job
_STARTS = 4
_SLOW_STARTS = ("timed out during startup", "Timed out waiting for file")  # of the node, and of its first process
_RAY_MARKS = (":job_id:", ":actor_name:", ":task_name:")  # Ray's own lines, which say nothing here
# Of one worker's stderr the log of a run keeps our own lines, the first ones, and the last ones.
_FIRST_LINES, _LAST_LINES = 20, 40


class Session(Protocol):
    """Ray for a block; ray_session(), or one that is kept beyond it."""

    def __call__(
        self, settings: PipelineSettings, address: str | None = None, *, verbose: bool = False
    ) -> contextlib.AbstractContextManager[object]:
        """See ray_session()."""


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
def ray_session(
    settings: PipelineSettings, address: str | None = None, *, verbose: bool = False
) -> Iterator[Callable[[], None]]:
    """Ray for this block: a cluster that is there, or one of our own that ends with it.

    Our own has its own folder, its own random token, loopback and no dashboard. What its workers printed on stderr is
    written to ours when it ends, since Ray's folder goes with it, and by what the block is given, if several runs have
    it after each other.

    Args:
        settings: of the run.
        address: of a cluster whose machines see the same files as this one; None starts a Ray on this machine.
        verbose: show what Ray and the workers print.

    Raises:
        SettingsError: no cluster answers at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address is None:  # a cluster has its own way, and whoever starts us there gives us its token
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else Ray writes one into the home folder
    os.environ.update(WORKER_ENVIRONMENT)
    import ray

    if address is not None:
        try:
            with sigterm_handler_kept():
                ray.init(
                    address=address,
                    runtime_env=_runtime_env(os.environ.get(_JOB_CONFIG, "")),
                    logging_level="INFO" if verbose else "ERROR",
                    log_to_driver=True,  # else nobody would see what the workers say; it goes where our output goes
                )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise SettingsError(
                f"No Ray cluster answers at {address} (RAY_ADDRESS): {str(error).splitlines()[0]} Start it, correct"
                " the address and RAY_AUTH_TOKEN, or unset RAY_ADDRESS to run on this machine alone."
            ) from error
        try:
            _configure_ray_data(settings, verbose)
            yield lambda: None  # it came as it was printed
        finally:
            ray.shutdown()
        return
    scratch = Scratch()  # short: the paths of Ray's sockets may have 107 bytes
    # Its processes inherit our variables. Given as a runtime_env, as to a cluster, they make Ray start each worker by
    # way of another process, which imports all of Ray only to set them: 0.4 s of a core for each of a dozen.
    os.environ.update(PYTHONPATH=_ROOT)
    try:
        _start_local(settings, scratch.path, verbose)
    except FootageError:
        scratch.remove()
        raise
    shown: dict[Path, int] = {}
    try:
        _configure_ray_data(settings, verbose)
        yield lambda: _show_worker_output(scratch.path, shown)
    finally:
        ray.shutdown()
        _show_worker_output(scratch.path, shown)
        scratch.remove()


def job_of(environ: Mapping[str, str]) -> str:
    """The job of a cluster that a process belongs to; empty if it was started by hand.

    Args:
        environ: its variables. `footage submit` sets FOOTAGE_JOB; in other jobs, as KubeRay's, Ray says what it calls
            them.
    """
    metadata = json.loads(environ.get(_JOB_CONFIG) or "{}").get("metadata") or {}
    return environ.get("FOOTAGE_JOB") or metadata.get("job_submission_id", "")


def _runtime_env(job_config: str) -> dict[str, Any]:
    """What the workers of a cluster get, beyond what they get by the job that this process may belong to.

    Args:
        job_config: what Ray's job supervisor tells its driver, JSON; empty if this is no job's. Ray refuses a variable
            that both name.
    """
    of_job = json.loads(job_config or "{}").get("runtime_env") or {}
    wanted = dict(WORKER_ENVIRONMENT)
    if "working_dir" not in of_job:
        # Where footage lies here, it also lies on machines of the same image or with the same folders; behind it comes
        # what the machine has itself. The folder of a job is put first by Ray, wherever it unpacked that.
        wanted["PYTHONPATH"] = f"{_ROOT}{os.pathsep}${{PYTHONPATH}}"
    given = of_job.get("env_vars") or {}
    return {"env_vars": {name: value for name, value in wanted.items() if name not in given}}


def _start_local(settings: PipelineSettings, folder: Path, verbose: bool) -> None:
    """Start a Ray on this machine, again where the machine is too busy: Ray gives its first process 30 s, always."""
    import ray

    for _ in range(_STARTS):
        try:
            with sigterm_handler_kept():
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


def _show_worker_output(folder: Path, shown: dict[Path, int]) -> None:
    """What each worker wrote to stderr: its models, warnings of libraries, a crash, the stacks of a watchdog.

    Args:
        folder: of Ray.
        shown: how many lines of each file were shown before.
    """
    for file in sorted(folder.glob("session_2*/logs/worker-*.err")):
        written = file.read_text(errors="replace").splitlines()[shown.get(file, 0) :]
        shown[file] = shown.get(file, 0) + len(written)
        lines = [line for line in written if not line.startswith(_RAY_MARKS)]
        if lines:
            if cut := lines[_FIRST_LINES:-_LAST_LINES]:
                kept = [line for line in cut if is_our_line(line)]
                gap = ["..."] if len(kept) < len(cut) else []
                lines = [*lines[:_FIRST_LINES], *kept, *gap, *lines[-_LAST_LINES:]]
            if not all(is_our_line(line) for line in lines):  # those say themselves whose they are
                lines = [f"--- {file.stem}", *lines]
            # To the file descriptor, which output_to() has turned to the log, whatever sys.stderr is.
            os.write(2, "\n".join([*lines, ""]).encode())


def _configure_ray_data(settings: PipelineSettings, verbose: bool) -> None:
    from ray.data import DataContext

    context = DataContext.get_current()
    context.target_max_block_size = settings.block_mib * 2**20
    # The driver counts what is missing and says so, so a lost span ends no run; very many of them should.
    context.max_errored_blocks = settings.max_lost_spans
    context.execution_options.preserve_order = False
    configure_streams(context, settings)
    context.enable_progress_bars = False
    if not verbose:  # after get_current(), which sets the levels itself
        for name in ("ray", "ray.data"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
