from pathlib import Path

from footage.shared_index import SharedIndex
from serve_apps.scene_index import SceneIndex
from tests.points import LIVE, SPEC, scene, write


def test_the_service_takes_the_index_over_when_a_run_ends_and_nobody_asks_for_it(tmp_path: Path) -> None:
    path = tmp_path / "index" / "scenes"
    with SharedIndex(path, SPEC, "footage index") as run:
        write(run, scene("v1/0"))
        part = SceneIndex(path, SPEC, patience_s=20)
    try:
        with SharedIndex(path, SPEC, None, patience_s=20) as asking:
            assert asking.count(LIVE) == 1
    finally:
        part.__del__()
