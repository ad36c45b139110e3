"""A chat server on this machine that answers by rule: the part of OpenAI's HTTP interface that footage uses."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.describing import retold


@dataclass
class Teller:
    """Where the server is, what it was asked, and whether it is down."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    down: bool = False


@contextmanager
def telling_server() -> Iterator[Teller]:
    """Serve in a thread of this process until the block ends."""
    teller = Teller()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if teller.down:
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "The model is being loaded."})
                return
            teller.asked.append(asked)
            content = asked["messages"][0]["content"]
            text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
            message = {"role": "assistant", "content": retold(text)}
            self._answer(HTTPStatus.OK, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

        def _answer(self, status: HTTPStatus, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    teller.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield teller
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
