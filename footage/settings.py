"""All settings, one small model per component. A profile is a YAML file of them; the environment overrides it.

Sources, strongest first: arguments, `FOOTAGE_SECTION__NAME` variables, the profile's YAML file, the defaults here.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from footage.decoder_settings import DecoderSettings
from footage.errors import SettingsError
from footage.log_settings import LogSettings
from footage.model_settings import (
    CaptionSettings,
    FrameSettings,
    SpeechSettings,
    SummarySettings,
    TagSettings,
    TextSettings,
)
from footage.pipeline_settings import PipelineSettings, SearchSettings
from footage.serve_settings import ServeSettings
from footage.settings_check import check_captions, check_summaries
from footage.storage_settings import QdrantSettings, S3Settings, SourceSettings
from footage.tracing_settings import TracingSettings
from footage.watch_settings import WatchSettings

PROFILES = Path(__file__).parent / "profiles"


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
    tags: TagSettings = TagSettings()
    """Tags of what is seen."""
    captions: CaptionSettings = CaptionSettings()
    """Captions of scenes."""
    summaries: SummarySettings = SummarySettings()
    """Descriptions of videos."""
    pipeline: PipelineSettings = PipelineSettings()
    """Pools and limits of the run."""
    search: SearchSettings = SearchSettings()
    """Rank fusion."""
    serve: ServeSettings = ServeSettings()
    """The search service."""
    s3: S3Settings = S3Settings()
    """S3-compatible stores, and sources unless source_s3 says otherwise."""
    source_s3: S3Settings | None = None
    """S3-compatible sources, where they are at another service than the store."""
    sources: SourceSettings = SourceSettings()
    """Videos that are not files of this machine."""
    watch: WatchSettings = WatchSettings()
    """Sources that are watched for what arrives."""
    qdrant: QdrantSettings = QdrantSettings()
    """The Qdrant server, where the index is one."""
    logs: LogSettings = LogSettings()
    """Logs of runs and of the service."""
    tracing: TracingSettings = TracingSettings()
    """Traces of videos and of searches."""

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
        SettingsError: no such profile, a value that does not fit, or values that do not fit together; the message
            names the field.
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
    check_captions(settings.captions)
    check_summaries(settings.summaries)
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
