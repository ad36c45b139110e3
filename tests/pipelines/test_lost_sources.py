from pathlib import Path

import pytest

from footage import identity
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.records import Source
from footage.sidecar import stored_source
from pipelines.ledger import Ledger, Task
from pipelines.lost_sources import lost_sources
from pipelines.reconcile import Found, Outcomes, Run
from tests.spans import READ_AT, claim_of

RUN = Run("run-2", "default", None, "f" * 16)
RETRIES = 2
FILM = Source("file:///film.mp4", "etag", 10)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(DirectoryStore(tmp_path / "store"), "default")


@pytest.fixture
def planned(catalog: Catalog) -> Catalog:
    """The film has two spans, and the run works on it."""
    claim = claim_of("film", 2, RUN.run_id, RUN.fingerprint)
    video_id = identity.video_id("default", FILM.uri)
    catalog.claims.create(claim.model_copy(update={"video_id": video_id, "source": stored_source(FILM)}))
    return catalog


def _lost(catalog: Catalog, ledger: Ledger, outcomes: Outcomes | None = None) -> list[Source]:
    return lost_sources(RUN, [FILM], outcomes or Outcomes(), catalog, ledger.state(), RETRIES)


def test_what_was_never_planned_is_done_again(catalog: Catalog) -> None:
    assert _lost(catalog, Ledger()) == [FILM]


def test_a_span_that_its_worker_had_in_hand_once_is_done_again(planned: Catalog) -> None:
    ledger = Ledger()
    ledger.begin(Task("Transcriber", FILM.uri, 1, 10.0))

    assert _lost(planned, ledger) == [FILM]


def test_a_span_that_lost_its_worker_with_every_try_is_not(planned: Catalog) -> None:
    ledger = Ledger()
    for _ in range(RETRIES + 1):
        ledger.begin(Task("Transcriber", FILM.uri, 1, 10.0))

    assert _lost(planned, ledger) == []


def test_a_source_that_lost_the_planner_with_every_try_is_not(catalog: Catalog) -> None:
    ledger = Ledger()
    for _ in range(RETRIES + 1):
        ledger.begin(Task("SpanPlanner", FILM.uri, -1, 10.0))

    assert _lost(catalog, ledger) == []


def test_a_span_that_raised_an_error_is_not(planned: Catalog) -> None:
    ledger, task = Ledger(), Task("TextEmbedder", FILM.uri, 0, 10.0)
    ledger.begin(task)
    ledger.end(task, "ValueError: no such token", is_outage=False)

    assert _lost(planned, ledger) == []


@pytest.mark.parametrize(
    "outcomes",
    [
        Outcomes(done={FILM.uri}),
        Outcomes(failed={FILM.uri}),
        Outcomes(joined={FILM.uri}),
        Outcomes(duplicate_of={FILM.uri: Found("a video", READ_AT)}),
        Outcomes(elsewhere={FILM.uri: Found("a video", READ_AT)}),
    ],
)
def test_what_the_stream_told_the_end_of_is_not(planned: Catalog, outcomes: Outcomes) -> None:
    assert _lost(planned, Ledger(), outcomes) == []
