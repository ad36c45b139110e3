"""What a stream lost with machines that went away, and by no doing of its own: it can be streamed again.

Ray makes lost blocks again by doing the work again that made them. Planning is no such work: it leaves out what is
written by then, so that its second result is another one, and what hangs on the first is given up.
"""

from collections.abc import Sequence

from footage.catalog import Catalog
from footage.completion import spans_left
from footage.records import Source
from pipelines.ledger import LedgerState
from pipelines.reconcile import Outcomes, Run
from pipelines.run_sources import is_indexed


def lost_sources(
    run: Run, sources: Sequence[Source], outcomes: Outcomes, catalog: Catalog, ledger: LedgerState, retries: int
) -> list[Source]:
    """The sources of a stream that has ended which it said nothing final about, and which are to be streamed again.

    A source is not, if one of its spans failed, raised an error, or lost its worker with every try: it may be what ends
    the workers.

    Args:
        run: that the stream is of.
        sources: all that the stream set out to do.
        outcomes: what it reported.
        catalog: has the claims of the run.
        ledger: of the run.
        retries: how often a span is tried again after its worker died.
    """
    said = outcomes.done | outcomes.failed | outcomes.joined | outcomes.duplicate_of.keys() | outcomes.elsewhere.keys()
    silent = [
        source for source in sources if source.uri not in said and not is_indexed(catalog, run.fingerprint, source)
    ]
    if not silent:
        return []
    claims = {claim.source.uri: claim for claim in catalog.claims.all() if claim.run_id == run.run_id}
    again = []
    for source in silent:
        claim = claims.get(source.uri)
        left = [-1] if claim is None else [span.index for span in spans_left(catalog, claim) or claim.spans[-1:]]
        lost = [task for index in left if (task := ledger.unfinished.get((source.uri, index))) is not None]
        if not any(task.error or task.attempts > retries for task in lost):
            again.append(source)
    return again
