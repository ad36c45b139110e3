from typing import ClassVar

import pyarrow as pa
import pytest

from pipelines.stage import Pool, Stage, TimeLimit

LIMIT = TimeLimit(10, 2)
ROWS = pa.table({"n": pa.array([1, 2], pa.int64()), "bulk": pa.array([b"a", b"b"], pa.binary())})


class Doubler:
    ADDS: ClassVar[pa.Schema] = pa.schema([("double", pa.int64())])

    def __call__(self, rows: pa.Table) -> pa.Table:
        return rows.append_column("double", pa.array([2 * n for n in rows.column("n").to_pylist()], pa.int64()))


class WrongType(Doubler):
    def __call__(self, rows: pa.Table) -> pa.Table:
        return rows.append_column("double", pa.array([None] * rows.num_rows))


class Counter:
    RETURNS: ClassVar[pa.Schema] = pa.schema([("rows", pa.int64())])

    def __call__(self, rows: pa.Table) -> pa.Table:
        return pa.table({"rows": pa.array([rows.num_rows], pa.int64())})


def test_stage_adds_its_columns_and_drops_what_ends_there() -> None:
    result = Stage(Doubler, limit=LIMIT, drops=("bulk",)).run(Doubler(), ROWS)

    assert result.to_pydict() == {"n": [1, 2], "double": [2, 4]}


def test_stage_may_give_rows_of_its_own() -> None:
    assert Stage(Counter, limit=LIMIT).run(Counter(), ROWS).to_pydict() == {"rows": [2]}


def test_column_of_another_type_than_declared_is_refused() -> None:
    with pytest.raises(TypeError, match="WrongType gave"):
        Stage(WrongType, limit=LIMIT).run(WrongType(), ROWS)


def test_stages_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"adds present ones \['double'\]"):
        Pool((Stage(Doubler, limit=LIMIT), Stage(Doubler, limit=LIMIT)), size=1, num_cpus=0.1).outgoing(ROWS.schema)
    with pytest.raises(ValueError, match=r"drops missing columns \['audio'\]"):
        Stage(Doubler, limit=LIMIT, drops=("audio",)).outgoing(ROWS.schema)


def test_time_limit_grows_with_the_media() -> None:
    assert LIMIT.seconds(300) == 610
