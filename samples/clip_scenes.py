"""The scenes of the sample clips as the pipeline sees them: key frames by the VideoDecoder, truth by truth.json."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from actors.decoder_process import DecoderProcess
from actors.video_decoder import VideoDecoder
from footage.records import Span
from footage.settings import load_settings
from samples.drawing import Scene

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class ClipScene:
    """A scene of a clip: what it shows, what is said in it ("" for nothing), and its key frames (JPEG)."""

    clip: str
    start_s: float
    shown: Scene
    said: str
    key_frames: tuple[bytes, ...]


def clip_scenes(samples: Path = HERE) -> list[ClipScene]:
    """All scenes of the clips in order, decoded with the settings of the offline profile."""
    settings = load_settings("offline").decoder
    decoder, prober = VideoDecoder(settings), DecoderProcess(settings)
    found = []
    for clip in json.loads((samples / "truth.json").read_text())["clips"]:
        path = samples / "clips" / clip["file"]
        video = prober.probe(path)
        decoded = decoder.decode(
            path,
            str(uuid.uuid5(uuid.NAMESPACE_URL, clip["file"])),
            Span(0, 0.0, video.duration_s),
            is_last=True,
            first_frame_s=video.first_frame_s,
            has_audio=video.has_audio,
            has_timestamps=video.has_timestamps,
        )
        for scene in decoded.scenes:
            start_s, end_s = scene.scene.start_s, scene.scene.end_s
            middle_s = (start_s + end_s) / 2
            true = next(s for s in clip["scenes"] if s["start_s"] <= middle_s < s["end_s"])
            lines = [line["text"] for line in true["lines"] if start_s <= line["start_s"] < end_s]
            found.append(ClipScene(clip["file"], start_s, Scene(**true["shown"]), " ".join(lines), scene.key_frames))
    decoder.close()
    prober.close()
    return found
