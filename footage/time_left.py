"""How long a run will still take."""


def time_left_s(elapsed_s: float, bytes_done: int, bytes_total: int) -> float | None:
    """By its rate so far; None while nothing is done.

    Bytes it is, which the listing knows of every video before any is opened.
    """
    return elapsed_s * (bytes_total - bytes_done) / bytes_done if bytes_done else None
