"""Videos that another run works on: they are waited for, and taken over where that run does not finish them."""

import time
from datetime import UTC, datetime

from footage.catalog import Catalog
from footage.lease_keeper import LeaseKeeper
from footage.leases import is_alive
from footage.records import Source
from pipelines.progress import ProgressLine
from pipelines.reconcile import Run, join_video
from pipelines.tally import Tally

_POLL_S = 1.0
_AT_ONCE = 100  # sources that are asked for in one round: each costs one or two requests


def left_by_others(run: Run, catalog: Catalog, tally: Tally, line: ProgressLine, lease: LeaseKeeper) -> list[Source]:
    """Wait until another run has finished, or given up, the sources that were left to it.

    A video that is searchable by then is counted, and joins this run's dataset. Returns as soon as there is something
    that this run has to do itself: what a run that ended or died had in hand.

    Args:
        run: this one.
        catalog: of the workspace.
        tally: knows what was left to others; what is settled goes from it.
        line: shows what is waited for.
        lease: of this run.

    Raises:
        LeaseLost: this run gave no sign of life for too long.
    """
    tally.progress.doing = "waiting for another run"
    try:
        while tally.elsewhere:
            if lease.lost is not None:
                raise lease.lost
            left = []
            for source, found in list(tally.elsewhere.values())[:_AT_ONCE]:
                del tally.elsewhere[source.uri]
                if join_video(run, source, found, catalog):
                    tally.progress.elsewhere += 1
                elif _is_left(catalog, found.video_id):
                    left.append(source)
                else:
                    tally.elsewhere[source.uri] = (source, found)  # last: the next round asks for others
            if left:
                return left
            line.show(tally.progress)
            if tally.elsewhere:
                time.sleep(_POLL_S)
        return []
    finally:
        tally.progress.doing = ""


def _is_left(catalog: Catalog, video_id: str) -> bool:
    """Whether nobody works on the video any more."""
    claim = catalog.claims.get(video_id)
    return claim is None or not is_alive(catalog, claim, datetime.now(UTC))
