"""How long to wait before a request is sent again."""

import random
import time
from email.utils import parsedate_to_datetime

MOST_GROWTHS = 64  # beyond any longest pause, and far from what a float cannot hold


def pause_s(failures: int, first_s: float, longest_s: float, growth: float = 2.0, wanted_s: float = 0.0) -> float:
    """The pause after so many failures in a row, in seconds: half certain, half by chance ("equal jitter").

    The part by chance is there also where the server says how long: clients that it sent away together do not come
    back together.

    Brooker 2015, Exponential Backoff and Jitter, AWS Architecture Blog:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Args:
        failures: 1 or more.
        first_s: most of the first pause.
        longest_s: most of any; what a server wants may be longer, and half of this is added to it at most.
        growth: how many times as long each pause is as the one before.
        wanted_s: what the server asks for; it is never less.
    """
    half_s = min(longest_s, first_s * growth ** min(failures - 1, MOST_GROWTHS)) / 2
    return max(wanted_s, half_s) + random.uniform(0, half_s)


def retry_after_s(header: str) -> float:
    """What a Retry-After header asks for, in seconds or as a date; 0 where it cannot be read or is over.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    header = header.strip()
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0
