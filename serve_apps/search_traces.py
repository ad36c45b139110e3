"""One trace for each search, with a span for each of its parts."""

import time
from collections.abc import Mapping
from itertools import accumulate

from footage.tracing import TracedSpan, TraceKey, Traces

_NS_OF_MS = 1_000_000


def trace_search(traces: Traces, instance: str, workspace: str, took_ms: Mapping[str, float], hits: int) -> None:
    """Record a search that has just been answered.

    Its parts stand one after the other, as long as they took: `index` and `fuse` in fact take turns. What was looked
    for is not told: that is the affair of whoever looks.

    Args:
        traces: of this process.
        instance: the name of the request, `urn:uuid:…`, of which the answer's X-Request-ID is the end.
        workspace: that was searched.
        took_ms: by part, in their order.
        hits: of the page.
    """
    request_id, ended_ns = instance.removeprefix("urn:uuid:"), time.time_ns()
    lengths_ns = [int(max(0, ms) * _NS_OF_MS) for ms in took_ms.values()]  # rounded, they may fall below 0
    began_ns = ended_ns - sum(lengths_ns)
    key = TraceKey("search", request_id)
    about = {"footage.request": request_id, "footage.workspace": workspace}
    traces.add(key, TracedSpan("search", began_ns, ended_ns, {**about, "footage.hits": hits}, is_first=True))
    ends = [began_ns + length for length in accumulate(lengths_ns)]
    for part, length_ns, part_ended_ns in zip(took_ms, lengths_ns, ends, strict=True):
        traces.add(key, TracedSpan(part, part_ended_ns - length_ns, part_ended_ns, about))
