"""Clients of the search service, in a process of their own: python -m benchmarks.search_clients URL CLIENTS SECONDS.

Prints what they got as JSON on one line.
"""

import http.client
import json
import sys
import threading
import time
from urllib.parse import quote, urlsplit

from benchmarks.search_queries import PARAMETERS, QUERIES

WARM_UP_S = 2.0


def main() -> None:
    """Ask until the time is over."""
    url, clients, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    begun = time.perf_counter()
    counted_from, until = begun + WARM_UP_S, begun + WARM_UP_S + seconds
    milliseconds: list[float] = []
    parts: dict[str, float] = {}
    failures: list[str] = []

    def ask(number: int) -> None:
        at = urlsplit(url)
        connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=60)
        while (sent := time.perf_counter()) < until:
            try:
                connection.request("GET", f"/v1/search?q={quote(QUERIES[number % len(QUERIES)])}&{PARAMETERS}")
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                failures.append(repr(error))
                connection.close()  # and opens again
                continue
            took_ms = (time.perf_counter() - sent) * 1000
            number += 1
            if answer.status != 200:
                failures.append(f"{answer.status} {body[:200]!r}")
            elif sent >= counted_from:
                milliseconds.append(took_ms)
                for part, spent_ms in json.loads(body)["took_ms"].items():
                    parts[part] = parts.get(part, 0.0) + spent_ms

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"milliseconds": milliseconds, "parts": parts, "failures": failures, "seconds": seconds}))


if __name__ == "__main__":
    main()
