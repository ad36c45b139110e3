"""The alerts: what somebody has to look at, and what to do then."""

from dataclasses import dataclass

from footage import metric_list as m

STALLED_S = 900  # a stage may take 120 s and 20 s for each second of a span before its watchdog ends it
_QUARANTINED = f'sum by (workspace) (increase({m.VIDEOS.exported}{{outcome="quarantined"}}[1h]))'
_REACHED = f'sum by (workspace) (increase({m.VIDEOS.exported}{{outcome=~"done|duplicate|quarantined"}}[1h]))'
_ACTORS = f"sum by (pool) ({m.ACTORS.exported})"
_SEARCHES = f'{m.HTTP_SECONDS.exported}_bucket{{route=~"/v1/search|/v1/scenes/.*/similar"}}'


@dataclass(frozen=True)
class Alert:
    """A rule of Prometheus, with what to do about it."""

    name: str
    expr: str
    lasts: str  # how long it must hold
    severity: str
    summary: str  # {{ }} as Prometheus fills it in
    what_to_do: str  # a paragraph of docs/metrics.md


ALERTS = (
    Alert(
        "FootageRunStalled",
        f"time() - max by (workspace, WorkerId) ({m.LAST_PROGRESS.exported}) > {STALLED_S}"
        f" and on (workspace, WorkerId) max by (workspace, WorkerId) ({m.RUN_LIVE.exported}) == 1",
        "5m",
        "critical",
        "No stage of a run in workspace {{ $labels.workspace }} has finished a span for"
        " {{ $value | humanizeDuration }}.",
        "Look which pool has rows waiting and no busy actor: its actors cannot be placed (`ray status` shows what is"
        " asked for and missing), load their models, or wait for a store or a server. If one is busy all the time, its"
        " log names the span that it has in hand; the watchdog ends a stage that takes too long, and the span is tried"
        " again. Stopping the run loses nothing that is finished; the next one goes on from there.",
    ),
    Alert(
        "FootageQuarantine",
        f"{_QUARANTINED} / {_REACHED} > 0.05 and {_QUARANTINED} >= 3",
        "5m",
        "warning",
        "{{ $value | humanizePercentage }} of the videos of workspace {{ $labels.workspace }} went into quarantine in"
        " the last hour.",
        "`footage quarantine` lists the sources with a code and a sentence each; [When something"
        " fails](when-something-fails.md) says what each code means. One code for many sources is something that all"
        " need (a store, a permission, a model); many codes are bad files. `footage retry` tries them again.",
    ),
    Alert(
        "FootagePoolWithGPUsIdle",
        f"avg_over_time((sum by (pool) ({m.BUSY_ACTORS.exported}) / {_ACTORS})[15m:1m]) < 0.2"
        f" and on (pool) sum by (pool) ({m.POOL_GPUS.exported}) > 0",
        "10m",
        "warning",
        "The actors of pool {{ $labels.pool }} keep GPUs and worked {{ $value | humanizePercentage }} of the time.",
        "Something before them is too slow: see which pool is busy all the time, and give it more actors"
        " (`pipeline.decoders`, more CPU machines), or end machines with GPUs.",
    ),
    Alert(
        "FootageGPUsIdle",
        f"avg(ray_node_gpus_utilization) < 10 and on () sum({m.RUN_LIVE.exported}) > 0",
        "15m",
        "warning",
        "The GPUs of the cluster compute {{ $value | humanize }} % of the time although a run goes on.",
        "If the pools with models are idle too, see FootagePoolWithGPUsIdle. If they are busy, the cards wait for their"
        " own processes: larger batches, or more actors on a card, see [Tuning](tuning.md). Ray gives this figure of"
        " NVIDIA cards only.",
    ),
    Alert(
        "FootageSearchSlow",
        f"histogram_quantile(0.95, sum by (le) (rate({_SEARCHES}[5m]))) > 1",
        "10m",
        "warning",
        "One search in twenty takes longer than {{ $value | humanizeDuration }}.",
        "The parts of a search say where: `encode` waits for a processor (more encoder replicas, or CPUs that no run"
        " takes), `index` for the index, `read` for the object store.",
    ),
    Alert(
        "FootageWorkersDie",
        f"sum by (workspace, stage) (increase({m.WORKER_DEATHS.exported}[30m])) >= 3",
        "0m",
        "warning",
        "{{ $value | humanize }} workers of stage {{ $labels.stage }} died in the last half hour.",
        "Spot machines that were taken away show here, and cost only the work in hand. Otherwise memory: the events of"
        " Ray or of Kubernetes say `OOM`, and a smaller `batch_size` or share of a card helps. A span on which every"
        " worker dies goes into quarantine.",
    ),
)
