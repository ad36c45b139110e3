"""What tests of several actors need. One decoder serves a whole file: its start takes longer than most requests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.decoder_process import DecoderProcess
from actors.video_decoder import VideoDecoder
from footage.decoder_settings import DecoderSettings
from footage.remote_access import RemoteAccess
from tests.bench import Bench
from tests.http_files import File, FileServer, serve_files
from tests.remote_films import FILM, access_to
from tests.tiny_whisper import make_whisper


@pytest.fixture(scope="module")
def decoder() -> Iterator[VideoDecoder]:
    made = VideoDecoder(DecoderSettings())
    yield made
    made.close()


@pytest.fixture(scope="module")
def process() -> Iterator[DecoderProcess]:
    with DecoderProcess(DecoderSettings()) as made:
        yield made


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "store")
    yield bench
    bench.index.close()


@pytest.fixture(scope="session")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A multilingual Whisper of random weights (see tiny_whisper)."""
    return make_whisper(tmp_path_factory.mktemp("whisper") / "tiny")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files({f"/{name}.mp4": File(FILM, etag=f'"{name}"') for name in "abcd"}) as served:
        yield served


@pytest.fixture
def access(server: FileServer, tmp_path: Path) -> RemoteAccess:
    return access_to(server, tmp_path)
