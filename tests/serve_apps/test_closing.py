import gc
from pathlib import Path

import pytest

from footage.errors import FootageError
from footage.index_address import IndexAddress
from footage.settings import Settings
from serve_apps.ingress import Ingress
from serve_apps.scene_index import SceneIndex
from tests.points import SPEC


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")  # such as an error of __del__
def test_a_part_that_could_not_be_made_says_why_and_nothing_else(tmp_path: Path, offline: Settings) -> None:
    address = IndexAddress(tmp_path / "index", "")
    # The class itself: what Serve makes of it is begun in its event loop.
    with pytest.raises(FootageError, match="s3://"):
        Ingress.__bases__[0]("s3://", address, SPEC, offline, None, None, None, None)
    with pytest.raises(FootageError, match="Nothing is indexed"):
        SceneIndex(tmp_path / "index" / "scenes", SPEC, 0.1)
    gc.collect()  # the errors hold what was begun; its __del__ is to be called here and not after the test
