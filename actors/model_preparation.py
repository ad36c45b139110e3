"""Gets the models of a profile ready, once per machine: checks that they are there and exports the towers of queries.

What is made lies in the model cache under the model's name and a hash of its content and of the settings that matter,
so another model or another setting makes another entry, and two processes that prepare the same one share it.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from footage.errors import FootageError
from footage.index_records import IndexSpec
from footage.model_settings import CaptionSettings, FrameSettings, TextSettings
from footage.models import model_cache, model_name, model_version, resolve_model
from footage.settings import Settings, load_settings
from footage.stored_models import StoredModels

LAYOUT = 3  # goes up when what this module writes changes, so that older entries are made anew
ENTRY = "prepared.json"
MODEL = "model"
TOWER = "tower"  # of texts
PICTURE_TOWER = "picture-tower"


@dataclass(frozen=True, slots=True)
class PreparedModels:
    """Where the models of a profile are and what they give. Names and versions are for what is stored."""

    speech_name: str
    speech_version: str
    text_name: str
    text_version: str
    text_folder: Path  # what TextEmbedder loads
    text_tower_folder: Path  # what TextQueryEncoder loads
    text_dimensions: int
    sparse_idf: bool  # the sparse head is a constant: the index is to weigh tokens by their rarity
    vision_name: str
    vision_version: str
    vision_folder: Path  # what FrameEmbedder loads
    vision_tower_folder: Path  # what PictureQueryEncoder and the tags of FrameEmbedder load for texts
    picture_tower_folder: Path  # what PictureQueryEncoder loads for pictures
    vision_dimensions: int
    caption_name: str = ""  # empty: no captions are made
    caption_version: str = ""
    caption_folder: Path | None = None  # what Captioner loads; None where a server has the model
    text_toy: bool = False  # the model only knows drawn scenes, and so on
    vision_toy: bool = False
    caption_toy: bool = False

    @property
    def versions(self) -> dict[str, str]:
        """What changes when the weights of a component do, by the component's name in the settings."""
        return {
            "speech": self.speech_version,
            "text": self.text_version,
            "frames": self.vision_version,
            "captions": self.caption_version,
        }

    def named(self) -> StoredModels:
        """The models as sidecars name them, without versions: those are part of the pipeline fingerprint."""
        return StoredModels(
            text_model=self.text_name,
            text_dimensions=self.text_dimensions,
            vision_model=self.vision_name,
            vision_dimensions=self.vision_dimensions,
            text_toy=self.text_toy,
            vision_toy=self.vision_toy,
            caption_model=self.caption_name,
            caption_toy=self.caption_toy,
        )

    def index_spec(self) -> IndexSpec:
        """What an index of these models holds."""
        return IndexSpec(
            text_model=f"{self.text_name} {self.text_version}",
            text_dimensions=self.text_dimensions,
            vision_model=f"{self.vision_name} {self.vision_version}",
            vision_dimensions=self.vision_dimensions,
            sparse_idf=self.sparse_idf,
        )


def prepared_models(settings: Settings) -> PreparedModels | None:
    """The models of these settings if all of them were prepared on this machine, else None. Imports no torch.

    Raises:
        ModelMissing: a model of these settings is not on this machine.
    """
    speech_version = model_version(settings.speech)
    caption_name, caption_version, caption_folder = _caption_model(settings.captions)
    text, frames = _text_entry(settings.text), _frames_entry(settings.frames)
    if not (text / ENTRY).is_file() or not (frames / ENTRY).is_file():
        return None
    text_facts = json.loads((text / ENTRY).read_text())
    frame_facts = json.loads((frames / ENTRY).read_text())
    return PreparedModels(
        speech_name=model_name(settings.speech),
        speech_version=speech_version,
        text_name=model_name(settings.text),
        text_version=model_version(settings.text),
        text_folder=text / MODEL if text_facts["made_model"] else resolve_model(settings.text),
        text_tower_folder=text / TOWER,
        text_dimensions=text_facts["dimensions"],
        sparse_idf=text_facts["made_model"],
        vision_name=model_name(settings.frames),
        vision_version=model_version(settings.frames),
        vision_folder=resolve_model(settings.frames),
        vision_tower_folder=frames / TOWER,
        picture_tower_folder=frames / PICTURE_TOWER,
        vision_dimensions=frame_facts["dimensions"],
        caption_name=caption_name,
        caption_version=caption_version,
        caption_folder=caption_folder,
        text_toy=settings.text.toy,
        vision_toy=settings.frames.toy,
        caption_toy=bool(caption_name) and settings.captions.toy,
    )


def _caption_model(settings: CaptionSettings) -> tuple[str, str, Path | None]:
    """Name, version and folder. What a server has is known by its name alone: another model is another name there."""
    if settings.adapter == "off":
        return "", "", None
    if settings.adapter == "http":
        return settings.model, settings.model, None
    return model_name(settings), model_version(settings), resolve_model(settings)


def prepare_models(settings: Settings, progress: Callable[[str], None]) -> PreparedModels:
    """Prepare what is not prepared yet; takes seconds and loads torch the first time, nothing after that.

    Args:
        settings: of the profile.
        progress: gets a sentence for each thing that takes time.

    Raises:
        ModelMissing: a model of these settings is not on this machine, or lacks a part.
        SettingsError: the frame model is not of SigLIP's architecture.
        ExportDiffers: an exported tower does not give what its model gives.
    """
    ready = prepared_models(settings)
    if ready is not None:
        return ready
    _prepare(_text_entry(settings.text), lambda folder: _build_text(settings.text, folder, progress), progress)
    _prepare(_frames_entry(settings.frames), lambda folder: _build_frames(settings.frames, folder, progress), progress)
    ready = prepared_models(settings)
    if ready is None:
        raise FootageError(
            f"The model cache {model_cache()} lost what was just prepared in it; see that nothing else empties it, "
            f"or set FOOTAGE_MODEL_CACHE to another folder."
        )
    return ready


def _build_text(settings: TextSettings, folder: Path, progress: Callable[[str], None]) -> None:
    from actors.text_tower_export import export_text_tower, make_text_model
    from actors.torch_runtime import set_up_torch

    progress(f"Preparing the text model {model_name(settings)} for queries.")
    set_up_torch()
    source = resolve_model(settings)
    made_model = make_text_model(source, settings, folder / MODEL)
    dimensions = export_text_tower(folder / MODEL if made_model else source, settings, folder / TOWER)
    (folder / ENTRY).write_text(json.dumps({"made_model": made_model, "dimensions": dimensions}))


def _build_frames(settings: FrameSettings, folder: Path, progress: Callable[[str], None]) -> None:
    from actors.siglip_export import export_siglip
    from actors.torch_runtime import set_up_torch

    progress(f"Preparing the frame model {model_name(settings)} for queries.")
    set_up_torch()
    dimensions = export_siglip(resolve_model(settings), settings, folder / TOWER, folder / PICTURE_TOWER)
    (folder / ENTRY).write_text(json.dumps({"dimensions": dimensions}))


def _prepare(entry: Path, build: Callable[[Path], None], progress: Callable[[str], None]) -> None:
    """Build an entry in a folder beside it and rename that, under a lock that a killed process gives back."""
    with _locked(entry.with_name(f"{entry.name}.lock"), progress):
        if (entry / ENTRY).is_file():
            return
        building = entry.with_name(f"{entry.name}.building")
        for leftover in (building, entry):
            shutil.rmtree(leftover, ignore_errors=True)
        building.mkdir()
        build(building)
        building.rename(entry)


@contextlib.contextmanager
def _locked(file: Path, progress: Callable[[str], None]) -> Iterator[None]:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("Waiting for another process that prepares the same model.")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _text_entry(settings: TextSettings) -> Path:
    choices = {
        "pooling": settings.pooling,
        "max_tokens": settings.max_tokens,
        "precision": settings.query_precision,
    }
    return _entry(settings, choices)


def _frames_entry(settings: FrameSettings) -> Path:
    return _entry(settings, {"precision": settings.query_precision})


def _entry(settings: TextSettings | FrameSettings, choices: Mapping[str, str | int]) -> Path:
    what = json.dumps([LAYOUT, model_version(settings), choices])
    name = model_name(settings).replace("/", "--")
    return model_cache() / "prepared" / f"{name}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"


def main() -> int:
    """Prepare a profile's models in a process of its own, so that torch does not stay in the caller's memory.

    Progress goes to stderr, and the fields of PreparedModels as a JSON object to the last line of stdout. What cannot
    be prepared gives exit code 1 and its reason as the last line of stderr.
    """
    parser = argparse.ArgumentParser(description="Prepare the models of a profile.")
    parser.add_argument("--profile", default="auto", help="auto, offline, cpu or gpu")
    arguments = parser.parse_args()
    try:
        prepared = prepare_models(
            load_settings(arguments.profile), lambda line: print(line, file=sys.stderr, flush=True)
        )
    except FootageError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(asdict(prepared), default=str))
    return 0


if __name__ == "__main__":
    sys.exit(main())
