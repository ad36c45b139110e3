"""One undisturbed run over the samples, which other runs are held against."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from footage.settings import Settings
from footage.sidecar import RunReport
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index


@dataclass(frozen=True)
class Finished:
    """A store that a run left, and its report."""

    store: Path
    report: RunReport


@pytest.fixture(scope="session")
def undisturbed(offline: Settings, prepared: object, clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The samples, indexed without a fault."""
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    return Finished(store, run_index(IndexRequest(str(clips), store), offline))


@pytest.fixture(scope="session")
def undescribed(offline: Settings, prepared: object) -> Settings:
    """The offline profile without the second pass, for runs in which only the first one counts."""
    return offline.model_copy(update={"summaries": offline.summaries.model_copy(update={"adapter": "off"})})


@pytest.fixture(scope="session")
def uncaptioned(undescribed: Settings) -> Settings:
    """The same without captions: its workers start sooner."""
    return undescribed.model_copy(update={"captions": undescribed.captions.model_copy(update={"adapter": "off"})})
