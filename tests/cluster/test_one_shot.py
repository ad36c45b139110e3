import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cluster.one_shot import find_video, search_once
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.errors import ModelMissing, SettingsError, StoreError
from footage.model_settings import CaptionSettings
from footage.search import SearchRequest
from footage.settings import Settings, load_settings
from footage.toy_lists import toy_lists
from tests.conftest import PROJECT
from tests.footage.test_catalog import manifest_of, report_of
from tests.spans import SPEC, WORKSPACE

SEARCH = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from cluster.one_shot import search_once
    from footage.errors import IndexMismatch
    from footage.search import SearchRequest
    from footage.settings import load_settings
    try:
        search_once(SearchRequest(query="red"), Path(sys.argv[1]), load_settings("offline"))
    except IndexMismatch as error:
        print("onnxruntime" in sys.modules, error)
    """
)


def test_the_models_are_loaded_before_the_index_is_taken(prepared: object, tmp_path: Path) -> None:
    """The index is of other models, so opening it is the end; by then the models, which take longer, are loaded."""
    Catalog(DirectoryStore(tmp_path), WORKSPACE).put_report(report_of("run-1"))
    EmbeddedIndex(tmp_path / "index" / "scenes", SPEC, owner="a test").close()

    searched = subprocess.run(
        [sys.executable, "-c", SEARCH, os.fspath(tmp_path)], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert searched.stdout.startswith("True The index of "), searched.stderr


def test_an_unprepared_profile_is_said_with_the_command_that_prepares_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTAGE_MODEL_CACHE", str(tmp_path))
    Catalog(DirectoryStore(tmp_path / "store"), WORKSPACE).put_report(report_of("run-1"))
    with pytest.raises(ModelMissing) as raised:
        search_once(SearchRequest(query="red"), tmp_path / "store", load_settings("offline"))
    assert str(raised.value) == (
        "The models of profile offline were not prepared on this machine yet: run `footage models --profile offline"
        " --pull` once, or use the profile that indexed."
    )


def test_captions_that_are_off_are_no_toys() -> None:
    on = CaptionSettings(adapter="native", toy=True)
    assert toy_lists(Settings(captions=on)) - toy_lists(Settings()) == {"caption"}
    assert toy_lists(Settings(captions=on.model_copy(update={"adapter": "off"}))) == toy_lists(Settings())


def test_a_video_is_found_by_its_names_if_a_source_holds_it(tmp_path: Path) -> None:
    catalog = Catalog(DirectoryStore(tmp_path), WORKSPACE)
    there = manifest_of(video_id="10000000-0000-5000-8000-000000000009")
    gone = manifest_of(sources=[], video_id="20000000-0000-5000-8000-000000000009")
    for manifest in (there, gone):
        catalog.create_manifest(manifest)

    for name in (there.video_id, there.video_id[:4], "film.mp4", "file:///films/film.mp4"):
        assert find_video(catalog, name) == there
    for name in (gone.video_id, gone.video_id[:4], "other.mp4"):
        with pytest.raises(SettingsError, match=f"No video of this workspace is called '{name}'"):
            find_video(catalog, name)


def test_a_video_is_found_by_its_whole_id_without_reading_others(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    catalog = Catalog(store, WORKSPACE)
    there = manifest_of(video_id="10000000-0000-5000-8000-000000000009")
    catalog.create_manifest(there)
    store.put(f"videos/{WORKSPACE}/00000000-0000-5000-8000-000000000001/manifest.json", b"damaged")

    assert find_video(catalog, there.video_id) == there
    with pytest.raises(StoreError):
        find_video(catalog, there.video_id[:4])
