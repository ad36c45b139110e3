"""Reads what is known of a finished video in words: the text that its description is made from."""

from typing import ClassVar

import pyarrow as pa

from actors.summary_prompt import SceneText, evenly, scene_line, scene_lines
from footage.catalog import Catalog
from footage.model_settings import SummarySettings
from footage.sidecar import Manifest

# A caption of a few words makes a line of this length. Twice as long is more usual, so that half of what is read is
# left out again; shorter would read sidecars for nothing.
_SHORT_LINE_CHARS = 60
_ROUNDS = 4  # each chooses twice as many scenes: 15 times the first number in all, where most have nothing to tell


class VideoReader:
    """Gives each video the lines of its scenes (see summary_prompt). Of a long one it reads a part of the sidecars.

    Scenes are chosen by their times before any is read, evenly over the whole video and as many as lines could fit.
    If what they tell does not fill the room, since many are silent, more are read, four times at most.

    Args:
        catalog: of the workspace whose videos come.
        settings: how much the model may be given.
        fingerprint: of the pipeline whose scenes count; a video that another has made meanwhile gets no lines.
    """

    ADDS: ClassVar[pa.Schema] = pa.schema([pa.field("lines", pa.list_(pa.string()))])

    def __init__(self, catalog: Catalog, settings: SummarySettings, fingerprint: str) -> None:
        self._catalog = catalog
        self._settings = settings
        self._fingerprint = fingerprint

    def __call__(self, videos: pa.Table) -> pa.Table:
        """Append `lines`; empty where there is nothing to tell, or no such video any more.

        Raises:
            StoreError: the store cannot be used.
        """
        rows = videos.select(["video_id", "failure_code"]).to_pylist()
        lines = [self._lines(row["video_id"]) if row["failure_code"] is None else [] for row in rows]
        return videos.append_column(self.ADDS.field("lines"), pa.array(lines, self.ADDS.field("lines").type))

    def _lines(self, video_id: str) -> list[str]:
        manifest = self._catalog.manifest(video_id)
        if manifest is None or manifest.pipeline_fingerprint != self._fingerprint:
            return []
        settings = self._settings
        return scene_lines(self._scenes(manifest), settings.max_input_chars, settings.max_scene_chars)

    def _scenes(self, manifest: Manifest) -> list[SceneText]:
        """The scenes that were read, in order of time."""
        times_s = [scene.start_s for scene in manifest.scenes]
        count = max(2, self._settings.max_input_chars // _SHORT_LINE_CHARS)
        read: dict[int, SceneText] = {}
        for _ in range(_ROUNDS):
            for position in evenly(times_s, count):
                if position not in read:
                    read[position] = self._scene(manifest, position)
            chars = sum(len(scene_line(scene, self._settings.max_scene_chars)) + 1 for scene in read.values())
            if len(read) == len(times_s) or chars > self._settings.max_input_chars:
                break
            count *= 2
        return [scene for _, scene in sorted(read.items())]

    def _scene(self, manifest: Manifest, position: int) -> SceneText:
        scene = manifest.scenes[position]
        sidecar = self._catalog.sidecar(manifest.video_id, scene.scene_id)
        if sidecar is None or sidecar.metadata.pipeline_fingerprint != manifest.pipeline_fingerprint:
            return SceneText(scene.start_s, "", "")
        caption = "" if sidecar.caption is None else sidecar.caption.text
        return SceneText(scene.start_s, caption, sidecar.transcript.text)
