"""One decoder for the tests of a file: starting its process takes longer than most of what is asked of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.decoder_process import DecoderProcess
from actors.video_decoder import VideoDecoder
from footage.decoder_settings import DecoderSettings
from tests.bench import Bench
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
