"""All settings, one small model per component. A profile is a YAML file of them; the environment overrides it.

Sources, strongest first: arguments, `FOOTAGE_SECTION__NAME` variables, the profile's YAML file, the defaults here.
"""

import os
import shutil
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from footage.errors import SettingsError

PROFILES = Path(__file__).parent / "profiles"


class Section(BaseModel):
    """Base of a group of settings: a misspelled name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DecoderLimits(Section):
    """What one video may ask of a decoder process before it is refused or ended."""

    max_pixels: int = Field(default=66_400_000, gt=0)
    """Width x height; the default admits 8K (7680 x 8640 for stereo) and refuses decompression bombs."""
    max_duration_s: float = Field(default=172_800, gt=0)
    """Length of one video; 48 hours."""
    max_untimed_s: float = Field(default=3600, gt=0)
    """Length of a video without time stamps. It is one span, so its whole sound is held: 115 MB for an hour."""
    max_streams: int = Field(default=64, gt=0)
    """Streams in one container."""
    address_space_mib: int = Field(default=4096, ge=512)
    """RLIMIT_AS of the decoder process. Python with PyAV and OpenCV maps about 1 GiB before the first frame."""
    cpu_base_s: float = Field(default=60, gt=0)
    """CPU seconds a span may take on top of its share per media second."""
    cpu_per_media_s: float = Field(default=6, gt=0)
    """CPU seconds per second of media: 4K HEVC takes about 2 on one slow core."""
    wall_base_s: float = Field(default=120, gt=0)
    """Wall-clock seconds a span may take on top of its share per media second."""
    wall_per_media_s: float = Field(default=8, gt=0)
    """Wall-clock seconds per second of media."""


class DecoderSettings(Section):
    """How videos are cut into spans and scenes, and which pictures of a scene are kept."""

    span_s: float = Field(default=300, gt=0)
    """Length of a span: the unit of work, retry and commit."""
    min_scene_s: float = Field(default=0.6, gt=0)
    """Shortest time between two cuts (PySceneDetect's own sweep found 0.6 s best on hard cuts)."""
    max_shot_s: float = Field(default=15, gt=1)
    """A shot without a cut is divided at multiples of this; no scene is longer than twice it."""
    cut_score: float = Field(default=15, gt=0)
    """Least frame score of a cut: PySceneDetect's AdaptiveDetector default for min_content_val."""
    cut_ratio: float = Field(default=3.5, gt=1)
    """A cut scores this many times the mean of its neighbours (best in PySceneDetect's sweep, window 3)."""
    analysis_width_px: int = Field(default=160, ge=32)
    """Frames are scored at this width."""
    key_frames_per_scene: int = Field(default=3, ge=1, le=16)
    """At most this many key frames of a scene are kept."""
    key_frame_interval_s: float = Field(default=0.5, gt=0)
    """Key frame candidates lie on this grid of video time; below min_scene_s, so that every scene has one."""
    key_frame_max_px: int = Field(default=768, ge=96)
    """Longer side of a key frame."""
    thumbnail_px: int = Field(default=320, ge=32)
    """Longer side of a thumbnail."""
    jpeg_quality: int = Field(default=85, ge=1, le=100)
    """Quality of key frames and thumbnails."""
    limits: DecoderLimits = DecoderLimits()
    """What one video may ask of a decoder process."""

    @model_validator(mode="after")
    def _marks_are_far_apart(self) -> "DecoderSettings":
        if self.max_shot_s < 2 * self.min_scene_s:  # a mark would make scenes shorter than min_scene_s
            raise ValueError(f"max_shot_s must be at least twice min_scene_s ({self.min_scene_s})")
        return self


class ModelSettings(Section):
    """Where a model comes from and where it runs."""

    model: str
    """A hub name (`owner/name`), a folder, `package:NAME` (inside an installed package), or `project:FOLDER`."""
    revision: str | None = None
    """Commit of the hub repository; None takes the cached default."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the model runs."""
    toy: bool = False
    """True for a model that only knows drawn scenes; everything that shows its output says so."""


class SpeechSettings(ModelSettings):
    """Speech recognition by faster-whisper."""

    model: str = "Systran/faster-whisper-small"
    """See ModelSettings."""
    compute_type: Literal["int8", "int8_float16", "float16", "float32"] = "int8"
    """CTranslate2 arithmetic."""
    language: str | None = None
    """Language spoken (ISO 639-1); None detects it."""
    beam_size: int = Field(default=5, ge=1)
    """Beams of the decoder; 1 is greedy."""
    cpu_threads: int = Field(default=1, ge=1)
    """Threads on a CPU: one per actor, since actors are many."""


class TextSettings(ModelSettings):
    """Text embedding by the BGE-M3 class: dense and sparse."""

    model: str = "BAAI/bge-m3"
    """See ModelSettings."""
    pooling: Literal["cls", "mean"] = "cls"
    """How token vectors become the dense one: BGE-M3 takes the first, MiniLM the mean."""
    use_fp16: bool = False
    """Half precision, on a GPU."""
    batch_size: int = Field(default=8, ge=1)
    """Texts per model batch."""
    max_tokens: int = Field(default=512, ge=8)
    """Longer texts are cut off here."""


class FrameSettings(ModelSettings):
    """Image embedding by SigLIP."""

    model: str = "google/siglip2-base-patch16-224"
    """See ModelSettings."""
    use_fp16: bool = False
    """Half precision, on a GPU."""
    batch_size: int = Field(default=16, ge=1)
    """Key frames per model batch."""


class PipelineSettings(Section):
    """How the stages run on Ray."""

    fuse: bool = True
    """Run the model stages in one actor: one torch process per node, half the memory. False: a pool for each."""
    decoders: int = Field(default=2, ge=1)
    """Decoder actors of a machine without a cluster."""
    model_actors: int = Field(default=1, ge=1)
    """Actors of each model pool. On a CPU one fused actor keeps a core busy with speech; a second one takes about
    0.8 GiB more."""
    decoder_num_cpus: float = Field(default=0.1, gt=0)
    """CPU share of a decoder. A pool that waits for a whole CPU on two cores never starts."""
    model_num_cpus: float = Field(default=0.1, gt=0)
    """CPU share of a model actor."""
    speech_num_gpus: float = Field(default=0, ge=0)
    """GPU share of a Transcriber."""
    text_num_gpus: float = Field(default=0, ge=0)
    """GPU share of a TextEmbedder."""
    frames_num_gpus: float = Field(default=0, ge=0)
    """GPU share of a FrameEmbedder."""
    retries: int = Field(default=2, ge=0)
    """How often a span is tried again after its worker died."""
    max_lost_spans: int = Field(default=100, ge=0)
    """A run ends when more spans than this were lost to dead workers or to errors that are not the videos'."""
    block_mib: int = Field(default=8, ge=1)
    """Ray Data's target block size. Small blocks stream."""
    object_store_mib: int = Field(default=512, ge=100)
    """Shared memory of a Ray that this program starts itself."""
    watchdog_base_s: float = Field(default=120, gt=0)
    """Seconds a stage may take for a span on top of its share per media second."""
    watchdog_per_media_s: float = Field(default=20, gt=0)
    """Seconds per second of media; past the limit the actor ends itself and the span is tried again."""
    watchdog_start_s: float = Field(default=900, gt=0)
    """Seconds an actor may take to load its models."""


class SearchSettings(Section):
    """How the lists of a search are fused."""

    rrf_k: float = Field(default=60, gt=0)
    """Constant of reciprocal-rank fusion (Cormack, Clarke and Buettcher 2009 use 60)."""
    transcript_weight: float = Field(default=1.0, ge=0)
    """Weight of the list of scenes whose words mean something similar."""
    transcript_sparse_weight: float = Field(default=1.0, ge=0)
    """Weight of the list of scenes with the same words."""
    visual_weight: float = Field(default=1.0, ge=0)
    """Weight of the list of scenes that look like the query."""
    transcript_floor: float = Field(default=-1.0, ge=-1, le=1)
    """Scenes whose words are less similar to the query (cosine) are not in the list of meaning. A dense list ranks
    every scene, related or not, and fusion sees ranks only. The value belongs to the text model; -1 means none."""
    candidates: int = Field(default=100, ge=1)
    """Length of each list before fusion."""
    index_wait_s: float = Field(default=3, ge=0)
    """How long a search waits for the embedded index before it says who holds it."""


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="FOOTAGE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    profile: str = "offline"
    """Name of the profile that these settings came from."""
    decoder: DecoderSettings = DecoderSettings()
    """Decoding, cuts and key frames."""
    speech: SpeechSettings = SpeechSettings()
    """Speech recognition."""
    text: TextSettings = TextSettings()
    """Text embedding."""
    frames: FrameSettings = FrameSettings()
    """Image embedding."""
    pipeline: PipelineSettings = PipelineSettings()
    """Pools and limits of the run."""
    search: SearchSettings = SearchSettings()
    """Rank fusion."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment is stronger than the profile, which load_settings() passes as arguments."""
        return (env_settings, init_settings)


def has_gpu() -> bool:
    """Whether an NVIDIA driver answers on this machine; asked without importing torch."""
    return Path("/proc/driver/nvidia/version").exists() and shutil.which("nvidia-smi") is not None


def resolve_profile(name: str) -> str:
    """The profile that `auto` stands for on this machine; other names are themselves."""
    if name == "auto":
        return "gpu" if has_gpu() else "cpu"
    return name


def load_settings(profile: str = "auto") -> Settings:
    """The settings of a profile, with what the environment overrides.

    Raises:
        SettingsError: no such profile, or a value that does not fit; the message names the field.
    """
    name = resolve_profile(profile)
    path = PROFILES / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PROFILES.glob("*.yaml")))
        raise SettingsError(f"There is no profile {name!r}; take one of: auto, {known}.")
    _check_variables()
    values: dict[str, Any] = yaml.safe_load(path.read_text()) or {}
    try:
        settings = Settings(**{**values, "profile": name})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        variable = "FOOTAGE_" + field.replace(".", "__").upper()
        where = f"the variable {variable}" if variable in os.environ else f"profile {name}"
        raise SettingsError(f"The setting {field} of {where} is wrong: {first['msg']}.") from error
    except UnreadableVariable as error:
        raise SettingsError(f"A FOOTAGE_ variable cannot be read: {error}.") from error
    # FOOTAGE_PROFILE chooses among profiles before this; it does not rename the one that was loaded.
    return settings.model_copy(update={"profile": name})


def _check_variables() -> None:
    """Refuse a variable of a section that does not exist; pydantic checks the names within a section only."""
    for variable in sorted(os.environ):
        if variable.startswith("FOOTAGE_") and "__" in variable:
            section = variable.removeprefix("FOOTAGE_").split("__")[0].lower()
            if section not in Settings.model_fields:
                known = ", ".join(name for name in Settings.model_fields if name != "profile")
                raise SettingsError(f"The variable {variable} sets nothing: the sections are {known}.")
