"""Entries in the audit log for what commands change."""

from collections.abc import Iterable, Iterator

from footage.audit_log import COMMAND_LINE, Actor, AuditLog
from footage.deletion import Decision
from footage.mending import Mended

HERE = Actor(COMMAND_LINE)


def noted_decisions(decisions: Iterable[Decision], log: AuditLog, dry_run: bool) -> Iterator[Decision]:
    """Pass decisions on; for each video that was deleted there is an entry by then."""
    for decision in decisions:
        if decision.action == "delete" and not dry_run:
            log.add(HERE, "delete video", decision.video_id, detail=f"{decision.name}: {decision.why}")
        yield decision


def noted_mending(found: Iterable[Mended], log: AuditLog) -> Iterator[Mended]:
    """Pass on what gc found; for what it mended there is an entry by then."""
    for mended in found:
        if mended.is_done:
            finding = mended.finding
            log.add(HERE, "gc", finding.subject, detail=f"{finding.kind}: {finding.why}")
        yield mended
