"""What a run tells of its pools, computed from its ledger; that Prometheus shows it is test_prometheus.py's."""

from footage.metric_list import STAGE_SECONDS
from pipelines.ledger import Ledger, StageWork, Task
from pipelines.metrics import busy_actors, growth, rows_waiting

POOLS = ("Planner", "Decoder+Keeper", "Writer")
FILM = "file:///film.mp4"


def call(ledger: Ledger, task: Task, seconds: float = 1, rows_out: int = 1) -> None:
    ledger.begin(task)
    ledger.end(task, "", False, StageWork(calls=1, seconds=seconds, rows_out=rows_out))


def test_rows_wait_for_the_pool_whose_first_stage_has_not_begun_them() -> None:
    ledger = Ledger()
    ledger.expect(POOLS, 3)
    call(ledger, Task("Planner", FILM, -1, 60), rows_out=5)
    assert rows_waiting(ledger.state()) == {"Planner": 2, "Decoder+Keeper": 5, "Writer": 0}
    for span in range(2):
        call(ledger, Task("Decoder", FILM, span, 30))
    call(ledger, Task("Keeper", FILM, 0, 30))
    ledger.begin(Task("Keeper", FILM, 1, 30))
    assert rows_waiting(ledger.state()) == {"Planner": 2, "Decoder+Keeper": 3, "Writer": 1}
    assert busy_actors(ledger.state()) == {"Planner": 0, "Decoder+Keeper": 1, "Writer": 0}


def test_a_span_that_is_tried_again_waits_once_and_one_that_failed_keeps_nobody_busy() -> None:
    ledger = Ledger()
    ledger.expect(POOLS, 1)
    call(ledger, Task("Planner", FILM, -1, 60), rows_out=2)
    decoding = Task("Decoder", FILM, 0, 30)
    ledger.begin(decoding)
    ledger.begin(decoding)  # its worker died
    ledger.end(decoding, "RuntimeError: no", False)
    assert rows_waiting(ledger.state()) == {"Planner": 0, "Decoder+Keeper": 1, "Writer": 0}
    assert busy_actors(ledger.state()) == {"Planner": 0, "Decoder+Keeper": 0, "Writer": 0}
    assert ledger.state().deaths == {"Decoder": 1}


def test_calls_are_counted_by_their_seconds_and_bounds_are_inclusive() -> None:
    ledger = Ledger()
    for span, seconds in enumerate((STAGE_SECONDS.buckets[0], 0.011, STAGE_SECONDS.buckets[-1] + 1)):
        call(ledger, Task("Decoder", FILM, span, 30), seconds)
    ledger.end(Task("Decoder", FILM, 9, 30, is_settled=True), "", False, StageWork(calls=0, seconds=5))
    (counts,) = ledger.state().calls_within.values()
    assert (counts[0], counts[1], counts[-1], sum(counts)) == (1, 1, 1, 3)


def test_a_total_that_began_anew_has_grown_by_all_that_it_is() -> None:
    assert (growth(0, 3), growth(3, 3), growth(3, 5), growth(5, 2)) == (3, 0, 2, 2)
