"""The sample clips, indexed once for all tests that only look at the result.

With FOOTAGE_INDEXED_SAMPLES=FOLDER they are indexed into that folder, if it is not there, and several test runs share
it: only for runs of one state of the code.
"""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from filelock import FileLock

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def indexed_samples(tmp_path_factory: pytest.TempPathFactory, prepared: object) -> Path:
    """A store of samples/clips by the offline profile, shared by all processes of a test run; nobody writes to it."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each process has a folder of its own in there
    store = Path(os.environ.get("FOOTAGE_INDEXED_SAMPLES") or base / "indexed-samples").absolute()
    store.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{store}.lock"):
        if not store.exists():
            made = store.with_name(f"indexing-{uuid.uuid4().hex}")
            clips = PROJECT / "samples" / "clips"
            command = [sys.executable, "-m", "cluster.cli", "index", str(clips), "--store", str(made)]
            subprocess.run([*command, "--profile", "offline"], cwd=PROJECT, check=True)
            made.rename(store)
    return store
