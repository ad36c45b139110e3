"""Pools of a real Ray that grow and shrink, and runs that take its cards in turn."""

import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest

from footage.pipeline_settings import PipelineSettings
from footage.scratch import Scratch
from footage.span_table import SPAN, table_of
from pipelines.admission import admitted, waiting_words
from pipelines.cluster_room import room_of_ray
from pipelines.ledger import LedgerClient
from pipelines.pool_stream import configure_streams, through
from pipelines.stage import Pool, Stage, TimeLimit
from tests.pipelines.paced_actors import BURST, Feeder, Sleeper

LIMIT = TimeLimit(120, 0)
TRICKLE = 16  # rows that come one now and then


def row(index: int) -> pa.Table:
    empty: dict[str, Any] = dict.fromkeys(SPAN.names)
    named = {"run_id": "run-1", "workspace": "studio", "source_uri": f"file:///{index}.mp4", "source_etag": "e"}
    span = {"span_index": index, "span_start_s": 0.0, "span_end_s": 10.0, "duplicate": False, "elsewhere": False}
    return table_of([empty | named | span | {"source_size_bytes": 1, "path": b"", "stage_seconds": []}], SPAN)


@contextmanager
def ray_with(gpus: int) -> Iterator[None]:
    """A Ray of this process whose machine declares so many cards."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    import ray

    scratch = Scratch()
    ray.init(
        address="local",
        num_cpus=4,
        num_gpus=gpus,
        include_dashboard=False,
        object_store_memory=128 * 2**20,
        _temp_dir=str(scratch.path),
        _node_ip_address="127.0.0.1",
        log_to_driver=False,
    )
    try:
        yield
    finally:
        ray.shutdown()
        scratch.remove()


def alive(name: str) -> int:
    """How many actors there are of the pool."""
    from ray._private.state import actors

    return sum(name in one["ActorClassName"] and one["State"] == "ALIVE" for one in actors().values())


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.nightly  # test_autoscaling.py has pools grow, too
def test_a_pool_grows_while_spans_wait_and_gives_back_what_it_does_not_need() -> None:
    feed = Pool((Stage(Feeder, limit=LIMIT),), size=1, num_cpus=0.1)
    work = Pool((Stage(Sleeper, limit=LIMIT),), size=1, most=3, num_cpus=0.1)
    with ray_with(gpus=0):
        import ray.data

        configure_streams(ray.data.DataContext.get_current(), PipelineSettings())
        ledger = LedgerClient()
        stream = ray.data.from_arrow([row(index) for index in range(BURST + TRICKLE)])
        for pool in (feed, work):
            stream = through(stream, SPAN, pool, ledger, retries=0)
        sizes, seen = [], []
        for batch in stream.iter_batches(batch_size=None, batch_format="pyarrow"):
            seen.append(batch.column("span_index")[0].as_py())
            sizes.append(alive("Sleeper"))

    assert sorted(seen) == list(range(BURST + TRICKLE))
    assert max(sizes) == 3
    assert 1 in sizes[sizes.index(3) :]


@pytest.mark.ray
@pytest.mark.long
def test_runs_wait_for_cards_and_take_them_in_turn() -> None:
    settings = PipelineSettings(max_gpus=2)
    pools = [Pool((Stage(Sleeper, limit=LIMIT),), size=2, num_cpus=0, num_gpus=share) for share in (0.5, 0.25)]
    told: list[str] = []
    first_has_started, second_waited = threading.Event(), threading.Event()
    rooms: list[float] = []

    def second_run() -> None:
        def tell(waiting: str) -> None:
            told.append(waiting)
            second_waited.set()

        with admitted(pools, room, settings, tell, lambda: True) as free:
            rooms.append(free.gpus)

    with ray_with(gpus=2):
        import ray

        class Holder:
            pass

        holder = ray.remote(num_gpus=2, num_cpus=0)(Holder).remote()
        ray.get(holder.__ray_ready__.remote())

        def free_the_cards(waiting: str) -> None:
            told.append(waiting)
            ray.kill(holder)

        room = room_of_ray(settings, own_machine=False)
        with admitted(pools, room, settings, free_the_cards, first_has_started.is_set) as free:
            second = threading.Thread(target=second_run)
            second.start()
            assert second_waited.wait(60)
            rooms.append(free.gpus)
            first_has_started.set()
            second.join(60)
        until = time.monotonic() + 30  # what is free Ray learns some time after
        while ray.available_resources().get("GPU") != 2:
            assert time.monotonic() < until
            time.sleep(0.2)

    assert told[0] == "waiting for 1.5 GPUs to become free"
    assert "waiting for another run to start" in told
    assert rooms == [2, 2]


def test_what_is_waited_for_is_said_in_words() -> None:
    assert waiting_words(1, 0, grows=False) == "waiting for 1 GPU to become free"
    assert waiting_words(6, 2, grows=True) == "waiting for 6 GPUs to start, 2 there"
