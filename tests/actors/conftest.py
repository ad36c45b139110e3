"""One decoder for the tests of a file: starting its process takes longer than most of what is asked of it."""

from collections.abc import Iterator

import pytest

from actors.decoder_process import DecoderProcess
from actors.video_decoder import VideoDecoder
from footage.settings import DecoderSettings


@pytest.fixture(scope="module")
def decoder() -> Iterator[VideoDecoder]:
    made = VideoDecoder(DecoderSettings())
    yield made
    made.close()


@pytest.fixture(scope="module")
def process() -> Iterator[DecoderProcess]:
    with DecoderProcess(DecoderSettings()) as made:
        yield made
