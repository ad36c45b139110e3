"""Actors that only take their time: what a pool does under load is theirs to show, and nobody's models."""

import time
from typing import ClassVar

import pyarrow as pa

BURST = 9  # rows that Feeder hands on at once


class Feeder:
    """Hands on many rows at once, and then one now and then."""

    ADDS: ClassVar[pa.Schema] = pa.schema([])

    def __call__(self, rows: pa.Table) -> pa.Table:
        if rows.column("span_index")[0].as_py() >= BURST:
            time.sleep(1.5)
        return rows


class Sleeper:
    """Takes a second for each row."""

    ADDS: ClassVar[pa.Schema] = pa.schema([])

    def __call__(self, rows: pa.Table) -> pa.Table:
        time.sleep(1)
        return rows
