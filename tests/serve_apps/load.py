"""Clients that ask all the time and hold every answer against the right one."""

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

QUERIES = ("red car", "the tires of the garage", "butter", "a boat at the coast")


class Client:
    """One connection, opened again where it broke."""

    def __init__(self, url: str, timeout_s: float = 60) -> None:
        self._at = urlsplit(url)
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers with small letters, body."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._at.hostname, self._at.port, timeout=self._timeout_s)
        try:
            self._connection.request("GET", path, headers=headers or {})
            answer = self._connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
        except (http.client.HTTPException, OSError):
            self.close()
            raise

    def search(self, query: str, **more: Any) -> dict[str, Any]:
        """The answer to a search; raises AssertionError for any other answer."""
        status, _, body = self.get(search_path(query, **more))
        assert status == 200, body
        found: dict[str, Any] = json.loads(body)
        return found

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def search_path(query: str, **more: Any) -> str:
    """Of a search by these words."""
    return "/v1/search?" + "&".join(f"{name}={quote(str(value))}" for name, value in {"q": query, **more}.items())


def essence(answer: dict[str, Any]) -> list[tuple[str, float]]:
    """What must be the same each time."""
    return [(hit["scene_id"], round(hit["score"], 6)) for hit in answer["hits"]]


@dataclass
class Answers:
    """What clients got, by the time at which it came (time.monotonic)."""

    right: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@contextlib.contextmanager
def load(url: str, clients: int) -> Iterator[Answers]:
    """Clients that search for the block; the index must not change meanwhile."""
    first = Client(url)
    expected = {query: essence(first.search(query, min_relevance=0)) for query in QUERIES}
    first.close()
    assert all(expected.values())
    answers = Answers()
    ended = threading.Event()

    def ask(number: int) -> None:
        client = Client(url)
        while not ended.is_set():
            number += 1
            query = QUERIES[number % len(QUERIES)]
            try:
                status, headers, body = client.get(search_path(query, min_relevance=0))
            except (http.client.HTTPException, OSError) as error:
                answers.wrong.append(f"{type(error).__name__}: {error}")
                continue
            _sort(answers, status, headers, body, expected[query])
        client.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _sort(
    answers: Answers, status: int, headers: dict[str, str], body: bytes, expected: list[tuple[str, float]]
) -> None:
    now = time.monotonic()
    if status == 200 and essence(json.loads(body)) == expected:
        answers.right.append(now)
    elif status == 503 and headers["content-type"] == "application/problem+json" and int(headers["retry-after"]) > 0:
        answers.refused.append(now)
        time.sleep(0.05)  # a client that is told to wait does not hammer
    else:
        answers.wrong.append(f"{status} {body[:300]!r}")
