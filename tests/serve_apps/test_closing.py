import sys
from pathlib import Path
from typing import Any

import pytest

from footage.errors import FootageError
from footage.index_address import IndexAddress
from footage.settings import Settings
from serve_apps.ingress import Ingress
from serve_apps.scene_index import SceneIndex
from tests.points import SPEC


@pytest.fixture
def ignored(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Python could tell nobody, such as errors of __del__."""
    noted: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", noted.append)
    return noted


def test_a_part_that_could_not_be_made_says_why_and_nothing_else(
    tmp_path: Path, offline: Settings, ignored: list[Any]
) -> None:
    address = IndexAddress(tmp_path / "index", "")
    # The class itself: what Serve makes of it is begun in its event loop.
    with pytest.raises(FootageError, match="s3://"):
        Ingress.__bases__[0]("s3://", address, SPEC, offline, None, None, None, None)
    with pytest.raises(FootageError, match="Nothing is indexed"):
        SceneIndex(tmp_path / "index" / "scenes", SPEC, 0.1)
    assert ignored == []
