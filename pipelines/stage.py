"""A stage: one actor class with the columns it takes away and adds. A pool: the stages that one Ray actor runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class TimeLimit:
    """How long a stage may take for a span: `base_s` plus `per_media_s` for each second of the span."""

    base_s: float
    per_media_s: float

    def seconds(self, media_s: float) -> float:
        """The limit for a span of this length, in seconds."""
        return self.base_s + self.per_media_s * media_s


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline. The actor appends the columns of `actor.ADDS`, or gives rows of `actor.RETURNS`."""

    actor: type
    arguments: Mapping[str, Any] = field(default_factory=dict)
    drops: tuple[str, ...] = ()  # columns that nobody after this stage reads: large ones end where they were used
    limit: TimeLimit = field(kw_only=True)

    @property
    def name(self) -> str:
        """How reports call this stage."""
        return self.actor.__name__

    def outgoing(self, incoming: pa.Schema) -> pa.Schema:
        """The exact schema of what comes out, given what goes in.

        Raises:
            ValueError: the stage drops a column that is not there, or adds one that is.
        """
        returns: pa.Schema | None = getattr(self.actor, "RETURNS", None)
        if returns is not None:
            return returns
        adds: pa.Schema = self.actor.ADDS  # type: ignore[attr-defined]  # every other actor declares it
        absent = set(self.drops) - set(incoming.names)
        twice = set(adds.names) & set(incoming.names)
        if absent or twice:
            raise ValueError(f"{self.name} drops missing columns {sorted(absent)} or adds present ones {sorted(twice)}")
        return pa.schema([*(f for f in incoming if f.name not in self.drops), *adds])

    def run(self, actor: Any, spans: pa.Table) -> pa.Table:
        """Call the actor on a batch and check what comes back.

        Raises:
            TypeError: the actor broke its declared schema.
        """
        expected = self.outgoing(spans.schema)
        result: pa.Table = actor(spans)
        result = result.drop_columns([name for name in self.drops if name in result.column_names])
        if not result.schema.equals(expected):
            raise TypeError(f"{self.name} gave {result.schema} where {expected} was declared")
        return result


@dataclass(frozen=True)
class Pool:
    """Equal Ray actors that each run the same stages one after the other, with what each of them needs.

    Raises:
        ValueError: a pool that starts with no actor, or with more than its most.
    """

    stages: tuple[Stage, ...]
    size: int  # actors that it starts with and keeps as long as there is work: the warm floor
    num_cpus: float  # of each actor
    num_gpus: float = 0.0  # of each actor
    most: int | None = None  # up to how many actors it grows while spans wait for it; None: it keeps its size
    memory_mib: int = 0  # that Ray sets aside for each actor; 0: it does not ask how much a machine has left
    start_limit_s: float = 900  # to load the models of all stages
    packages: tuple[str, ...] = ()  # pip requirements of an environment of its own, on top of ours

    def __post_init__(self) -> None:
        if not 1 <= self.size <= self.ceiling:
            raise ValueError(f"{self.name} starts with {self.size} actors and may have {self.ceiling}")

    @property
    def ceiling(self) -> int:
        """Most actors that it can ever have."""
        return self.size if self.most is None else self.most

    @property
    def name(self) -> str:
        """How Ray and reports call this pool."""
        return "+".join(stage.name for stage in self.stages)

    def outgoing(self, incoming: pa.Schema) -> pa.Schema:
        """The schema after the last stage."""
        for stage in self.stages:
            incoming = stage.outgoing(incoming)
        return incoming
