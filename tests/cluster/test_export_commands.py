import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cluster.cli import app
from cluster.export_commands import Format
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.sidecar import (
    Sidecar,
    SidecarMetadata,
    StoredEmbedding,
    StoredEmbeddings,
    StoredScene,
    StoredSegment,
    StoredTranscript,
)
from footage.subtitles import SubtitleFormat
from tests.spans import WORKSPACE, claim_of, manifest_of

NO_VECTOR = StoredEmbedding(model="m", dimensions=1, has_embedding=False)


class Shelf:
    """A store in which films are indexed, and a folder for their subtitles."""

    def __init__(self, root: Path) -> None:
        self.store, self.to = root / "store", root / "subtitles"
        self.catalog = Catalog(DirectoryStore(self.store), WORKSPACE)
        self.catalog.store.put("runs/run-1.log", b"")

    def add(self, name: str, said: tuple[str, ...] = ("Hello there.",), language: str = "en", uri: str = "") -> str:
        """A film of scenes of 10 s, in each of which something is said, or not."""
        claim = claim_of(name, len(said))
        if uri:
            claim = claim.model_copy(update={"source": claim.source.model_copy(update={"uri": uri})})
        scenes = [
            StoredScene(
                scene_id=f"{index:08}-0000-0000-0000-000000000000", start_s=10.0 * index, end_s=10.0 * index + 10
            )
            for index in range(len(said))
        ]
        assert self.catalog.create_manifest(manifest_of(claim, scenes=scenes, language=language))
        for index, (scene, text) in enumerate(zip(scenes, said, strict=True)):
            spoken = StoredSegment(start_s=scene.start_s + 1, end_s=scene.start_s + 3, text=text)
            transcript = StoredTranscript(text=text, language=language, segments=[spoken] if text else [])
            self.catalog.put_sidecar(
                Sidecar(
                    workspace=WORKSPACE,
                    video_id=claim.video_id,
                    scene_id=scene.scene_id,
                    index=index,
                    start_s=scene.start_s,
                    end_s=scene.end_s,
                    transcript=transcript,
                    embeddings=StoredEmbeddings(text=NO_VECTOR, vision=NO_VECTOR, caption=NO_VECTOR),
                    thumbnail_key="t",
                    source_uris=[],
                    metadata=SidecarMetadata(pipeline_fingerprint="f", processed_at=""),
                )
            )
        return claim.video_id

    def run(self, *arguments: str, format: str = "srt", workspace: str = WORKSPACE) -> Result:
        where = ["--store", str(self.store), "--workspace", workspace, "--profile", "offline", "--to", str(self.to)]
        return CliRunner().invoke(app, ["export", *arguments, "--format", format, *where], env={"COLUMNS": "200"})

    def asked(self, *arguments: str) -> list[Any]:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)["files"]  # type: ignore[no-any-return]

    def files(self) -> list[str]:
        return sorted(path.name for path in self.to.iterdir())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_all_videos_of_a_workspace_are_written(shelf: Shelf) -> None:
    shelf.add("harbor", ("The ships are in.", "", "They sail < tomorrow."))
    shelf.add("silent", ("",), language="")
    result = shelf.run()
    assert result.exit_code == 0, result.stderr
    said = result.stdout.splitlines()
    assert f"{shelf.to}/harbor.en.srt  2 subtitles" in said
    assert "silent.mp4  nothing is said in it, so there are no subtitles" in said
    assert said[-1] == "1 file written."
    assert shelf.files() == ["harbor.en.srt"]
    assert (shelf.to / "harbor.en.srt").read_text() == (
        "1\n00:00:01,000 --> 00:00:03,000\nThe ships are in.\n\n"
        "2\n00:00:21,000 --> 00:00:23,000\nThey sail < tomorrow.\n\n"
    )
    assert shelf.run(format="vtt").exit_code == 0
    assert (shelf.to / "harbor.en.vtt").read_text() == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nThe ships are in.\n\n"
        "00:00:21.000 --> 00:00:23.000\nThey sail &lt; tomorrow.\n\n"
    )


def test_videos_are_named_in_any_way(shelf: Shelf) -> None:
    ids = [shelf.add(name) for name in ("one", "two", "three")]
    written = shelf.asked("one.mp4", ids[1][:8])
    assert written == [
        {
            "video_id": id_,
            "name": f"{name}.mp4",
            "state": "written",
            "path": f"{shelf.to}/{name}.en.srt",
            "cues": 1,
        }
        for id_, name in zip(ids, ("one", "two"), strict=False)
    ]
    assert shelf.files() == ["one.en.srt", "two.en.srt"]


def test_a_file_that_is_there_stays_unless_forced(shelf: Shelf) -> None:
    shelf.add("harbor")
    shelf.to.mkdir()
    mine = shelf.to / "harbor.en.srt"
    mine.write_text("mine")
    result = shelf.run()
    assert result.exit_code == 1
    assert result.stdout == (f"{mine}  is there already, and stays: --force writes over it\n0 files written.\n")
    assert mine.read_text() == "mine"
    assert shelf.run("--force").exit_code == 0
    assert mine.read_text().startswith("1\n")
    assert shelf.files() == ["harbor.en.srt"]


def test_forcing_replaces_a_link_and_not_what_it_leads_to(shelf: Shelf, tmp_path: Path) -> None:
    shelf.add("harbor")
    shelf.to.mkdir()
    other = tmp_path / "other"
    other.write_text("other")
    (shelf.to / "harbor.en.srt").symlink_to(other)
    assert shelf.run().exit_code == 1
    assert shelf.run("--force").exit_code == 0
    assert (other.read_text(), (shelf.to / "harbor.en.srt").is_symlink()) == ("other", False)
    (shelf.to / "harbor.en.vtt").symlink_to(tmp_path / "nowhere")
    assert shelf.run(format="vtt").exit_code == 1


def test_names_are_told_apart_and_stay_in_the_folder(shelf: Shelf) -> None:
    one = shelf.add("a/clip")
    two = shelf.add("b/CLIP")
    shelf.add("x", uri="s3://bucket/a/..")
    shelf.add("y", uri="file:///films/..%2F..%2Fescaped%0A.mp4")
    shelf.add("z", uri="s3://bucket/-rf.mp4", language="../en")
    assert [file["state"] for file in shelf.asked()] == ["written"] * 5
    assert shelf.files() == sorted(
        [f"clip.{one[:8]}.en.srt", f"CLIP.{two[:8]}.en.srt", "_.en.srt", "_.._escaped_.en.srt", "_-rf.srt"]
    )


def test_a_run_that_breaks_off_leaves_no_half_file(shelf: Shelf) -> None:
    video_id = shelf.add("harbor", ("One.", "Two."))
    key = shelf.catalog.sidecar_key(video_id, "00000001-0000-0000-0000-000000000000")
    shelf.catalog.store.put(key, b"{}")
    result = shelf.run()
    assert (result.exit_code, shelf.files()) == (1, [])
    assert f"The object {key} is not a Sidecar" in result.stderr


def test_what_cannot_be_done_is_a_sentence(shelf: Shelf) -> None:
    shelf.add("harbor")
    missing = shelf.run("garage.mp4")
    assert (missing.exit_code, "No video of this workspace is called 'garage.mp4'" in missing.stderr) == (1, True)
    assert shelf.run(workspace="empty").stdout == "0 files written.\n"
    shelf.to.rmdir() if shelf.to.exists() else None
    shelf.to.write_text("a file")
    result = shelf.run()
    assert result.exit_code == 1
    assert result.stderr == f"footage: Cannot make the folder {shelf.to}: File exists. Name another one.\n"


def test_what_can_be_written_is_what_subtitles_can_be() -> None:
    assert Format == SubtitleFormat
