"""The server as a process of its own: `python -m tests.qdrant_server --folder F`, ended by SIGTERM."""

import argparse
import signal
from pathlib import Path

from tests.qdrant_server.server import QdrantServer


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="tests.qdrant_server", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where collections are kept")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--api-key", default="", help="what calls must bring")
    arguments = parser.parse_args()
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before threads are made, which take the mask over
    with QdrantServer(arguments.folder, arguments.port, arguments.api_key) as server:
        print(f"serving {server.url}", flush=True)
        signal.sigwait(signals)


if __name__ == "__main__":
    main()
