"""One undisturbed run over the samples, which other runs are held against."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from footage.run_records import RunReport


@dataclass(frozen=True)
class Finished:
    """A store that a run left, and its report."""

    store: Path
    report: RunReport


@pytest.fixture(scope="session")
def undisturbed(indexed_samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The samples, indexed without a fault."""
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    shutil.copytree(indexed_samples, store)
    (report,) = (store / "runs").glob("*.json")
    return Finished(store, RunReport.model_validate_json(report.read_bytes()))
