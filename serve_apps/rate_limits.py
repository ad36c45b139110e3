"""How many requests a key may make: a token bucket for each.

A bucket holds as many requests as the key may make in a minute, and fills at that pace: after a pause all of them may
come at once, then one by one. Each process of the service has its own buckets.
"""

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass

_MOST_KEYS = 10_000  # of which the least recently used are forgotten: their buckets are full again by then, or soon


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key may do after this request."""

    granted: bool
    limit: int  # requests in a minute
    left: int  # requests at once, now
    full_in_s: int  # until there is all of it again
    retry_in_s: int  # until there is one; 0 if there is

    def headers(self) -> dict[str, str]:
        """As clients are told: `RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers."""
        told = {
            "RateLimit-Policy": f'"key";q={self.limit};w=60',
            "RateLimit": f'"key";r={self.left};t={self.full_in_s}',
        }
        return told if self.granted else {**told, "Retry-After": str(self.retry_in_s)}


class RateLimiter:
    """Buckets by key. Any number of threads may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # requests left, when that was

    def is_empty(self, key_id: str, per_minute: int, now: float) -> bool:
        """Whether take() would refuse; nothing is counted."""
        with self._lock:
            left, since = self._buckets.get(key_id, (float(per_minute), now))
        return left + max(0.0, now - since) * per_minute / 60 < 1

    def take(self, key_id: str, per_minute: int, now: float) -> Allowance:
        """Count one request.

        Args:
            key_id: of the key.
            per_minute: its limit.
            now: seconds of a clock that never goes back.
        """
        pace = per_minute / 60
        with self._lock:
            left, since = self._buckets.pop(key_id, (float(per_minute), now))
            left = min(per_minute, left + max(0.0, now - since) * pace)
            granted = left >= 1
            left -= granted
            self._buckets[key_id] = (left, now)
            if len(self._buckets) > _MOST_KEYS:
                self._buckets.popitem(last=False)
        return Allowance(
            granted=granted,
            limit=per_minute,
            left=int(left),
            full_in_s=math.ceil((per_minute - left) / pace),
            retry_in_s=0 if granted else max(1, math.ceil((1 - left) / pace)),
        )
