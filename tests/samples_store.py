"""The sample clips, indexed once for all tests that only look at the result."""

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
    store = base / "indexed-samples"
    with FileLock(base / "indexed-samples.lock"):
        if not store.exists():
            made = base / f"indexing-{uuid.uuid4().hex}"
            clips = PROJECT / "samples" / "clips"
            command = [sys.executable, "-m", "cluster.cli", "index", str(clips), "--store", str(made)]
            subprocess.run([*command, "--profile", "offline"], cwd=PROJECT, check=True)
            made.rename(store)
    return store
