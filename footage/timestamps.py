"""Times as records have them: UTC, ISO 8601, milliseconds."""

from datetime import UTC, datetime, timedelta


def stamp(now: datetime, later_s: float = 0) -> str:
    """A time for a record: `later_s` seconds after `now` (UTC)."""
    return (now + timedelta(seconds=later_s)).isoformat(timespec="milliseconds")


def utc_now() -> str:
    """Now, for a record."""
    return stamp(datetime.now(UTC))


def has_passed(time: str, now: datetime) -> bool:
    """Whether a record's time is over; an empty one is."""
    return not time or datetime.fromisoformat(time) <= now
