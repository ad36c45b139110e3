"""What every video needs is away: the run stops with a sentence, and the next one goes on."""

from pathlib import Path

import pytest

from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.errors import FootageError
from footage.model_settings import CaptionSettings
from footage.settings import Settings
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index
from tests.caption_server import CaptionServer, Fault, serve

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.usefixtures("prepared")]


def test_a_caption_server_that_is_away_ends_the_run_and_costs_no_video(
    undescribed: Settings, clips: Path, tmp_path: Path
) -> None:
    folder, store = tmp_path / "videos", tmp_path / "store"
    folder.mkdir()
    for name in ("coast", "garage", "kitchen_office", "railway_variable_rate", "window"):
        (folder / f"{name}.mp4").symlink_to(clips / f"{name}.mp4")
    with serve(CaptionServer(lambda pictures, text, most: "Something is seen.")) as server:
        endpoint = server.endpoint(retries=1)
        captions = CaptionSettings(adapter="http", model="any", endpoint=endpoint)
        settings = undescribed.model_copy(update={"captions": captions})
        # Each answer comes late, so that a run that went on from span to span would ask about all 16 scenes.
        server.fault_of = lambda asked: Fault(delay_s=2, status=503)
        with pytest.raises(FootageError, match=r"Captioner raised ModelUnavailable: .*503.* the next run goes on"):
            run_index(IndexRequest(str(folder), store), settings)
        catalog = Catalog(DirectoryStore(store), "default")
        assert list(catalog.quarantine()) == []
        assert len({asked.pictures for asked in server.asked}) < 14

        server.fault_of = lambda asked: Fault()
        report = run_index(IndexRequest(str(folder), store), settings)

    assert (report.videos_done, report.videos_quarantined) == (5, 0)
    sidecars = [catalog.sidecar(m.video_id, scene.scene_id) for m in catalog.videos() for scene in m.scenes]
    assert {sidecar.caption.text for sidecar in sidecars if sidecar and sidecar.caption} == {"Something is seen."}
