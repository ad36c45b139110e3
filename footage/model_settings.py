"""Settings of the models: where each comes from, where it runs, and what is asked of it."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from footage.setting_section import Section


class ModelSettings(Section):
    """Where a model comes from and where it runs."""

    model: str
    """A hub name (`owner/name`), a folder, `package:NAME` (inside an installed package), or `project:FOLDER`."""
    revision: str | None = None
    """Commit of the hub repository; None takes the one in footage/model_catalogue.py, else `main`."""
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
    """Language spoken (ISO 639-1); None, or `auto`, detects it for each video."""
    beam_size: int = Field(default=5, ge=1)
    """Beams of the decoder; 1 is greedy."""
    cpu_threads: int = Field(default=1, ge=1)
    """Threads on a CPU: one per actor, since actors are many."""
    batch_size: int = Field(default=1, ge=1)
    """Pieces of sound per model batch; above 1 speech is cut at pauses into pieces that are heard side by side, which
    only a GPU gains from."""
    vad: bool = True
    """Leave out what is no speech before Whisper hears it. Without it silence becomes words (tiny.en hears " You")."""
    vad_threshold: float = Field(default=0.5, gt=0, lt=1)
    """Least probability of speech, by Silero VAD: the default of faster-whisper."""
    vad_min_silence_ms: int = Field(default=2000, ge=0)
    """A pause shorter than this does not divide speech: the default of faster-whisper."""
    no_speech_threshold: float = Field(default=0.6, ge=0, le=1)
    """A window whose probability of holding no speech is above this, and that is also decoded with little confidence
    (min_logprob), is silent: Radford et al. 2022, section 4.5."""
    min_logprob: float = Field(default=-1.0, le=0)
    """Least mean log probability of a window's tokens; see no_speech_threshold."""
    max_compression: float = Field(default=2.4, gt=1)
    """A text that zlib shrinks further than this is a loop and left out: Radford et al. 2022, section 4.5."""
    repetition_penalty: float = Field(default=1.0, ge=1)
    """Above 1 makes words that were said less likely; 1 is off."""
    no_repeat_ngram_size: int = Field(default=0, ge=0)
    """No run of so many tokens may come twice in a window; 0 is off."""

    @field_validator("language")
    @classmethod
    def _auto_is_none(cls, language: str | None) -> str | None:
        return None if language in ("auto", "") else language


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
    query_precision: Literal["fp32", "fp16", "int8"] = "fp32"
    """Weights of the copy that encodes queries."""


class FrameSettings(ModelSettings):
    """Image embedding by SigLIP."""

    model: str = "google/siglip2-base-patch16-224"
    """See ModelSettings."""
    use_fp16: bool = False
    """Half precision, on a GPU."""
    batch_size: int = Field(default=16, ge=1)
    """Key frames per model batch."""
    query_precision: Literal["fp32", "fp16", "int8"] = "fp32"
    """Weights of the copy that encodes queries."""


class TagSettings(Section):
    """Zero-shot tags of what is seen, by the frame model."""

    vocabulary: str | None = "project:footage/vocabularies/default.yaml"
    """A YAML file of tags in groups, or `project:FILE` for one of footage's own; None: no tags."""
    threshold: float = Field(default=0.1, ge=0, le=1)
    """Least probability of a tag by SigLIP's own sigmoid. The value belongs to the frame model."""
    most: int = Field(default=12, ge=1)
    """At most this many tags of a scene, the most probable ones."""


class EndpointSettings(Section):
    """An OpenAI-compatible server, such as vLLM."""

    url: str | None = None
    """Base URL with its version, such as http://127.0.0.1:8000/v1."""
    api_key: SecretStr | None = None
    """Sent as a bearer token; set it by the environment, never in a profile."""
    concurrency: int = Field(default=8, ge=1)
    """Requests under way at once, for each actor."""
    timeout_s: float = Field(default=120, gt=0)
    """How long one request may take."""
    retries: int = Field(default=4, ge=0)
    """How often a request is tried again after 408, 409, 425, 429, 5xx, a time-out or a lost connection."""
    backoff_s: float = Field(default=1, ge=0)
    """First pause before another try; it doubles each time, is spread by chance, and gives way to a longer Retry-After,
    up to a minute."""


class CaptionSettings(ModelSettings):
    """Captions of scenes by a vision-language model, MiniCPM-V."""

    adapter: Literal["off", "native", "http", "chat"] = "off"
    """How the model is run: `native` by transformers (MiniCPM-V 4.6 and newer), `http` by an OpenAI-compatible server,
    `chat` by the remote code of MiniCPM-V 2.6 in an environment of its own."""
    model: str = "openbmb/MiniCPM-V-4.6"
    """See ModelSettings; for `http` the name that the server knows."""
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """Arithmetic on a GPU; on a CPU always float32."""
    int4: bool = False
    """Weights are quantised to 4 bits (bitsandbytes, `chat` on a GPU only)."""
    prompt: str = (
        "Describe what is seen in these frames of one video scene in one or two sentences. Say what is there, where"
        " it happens and what happens.{said}"
    )
    """What the model is asked. `{said}` stands for `said`, or for nothing where nothing is said in the scene."""
    said: str = ' In the scene somebody says: "{transcript}"'
    """How the prompt tells what is said; `{transcript}` stands for it."""
    transcript_chars: int = Field(default=600, ge=0)
    """At most so many characters of the transcript go into the prompt; 0 leaves it out."""
    frames_per_scene: int = Field(default=3, ge=1, le=16)
    """At most this many key frames of a scene are shown, evenly chosen."""
    max_new_tokens: int = Field(default=120, ge=8)
    """A caption ends here at the latest."""
    max_prompt_tokens: int = Field(default=4096, ge=64)
    """A longer prompt loses the end of what is said first."""
    batch_size: int = Field(default=4, ge=1)
    """Scenes per model batch."""
    endpoint: EndpointSettings = EndpointSettings()
    """Where the server of `http` is."""


class SummarySettings(Section):
    """Descriptions of whole videos from their captions and transcripts."""

    adapter: Literal["off", "captioner", "http"] = "off"
    """Who writes: the captioner's own language model (captions.adapter must be `native` or `http`), or another
    OpenAI-compatible server."""
    model: str | None = None
    """For `http`: the name that the server knows."""
    prompt: str = (
        "These are scenes of one video, in order: what is seen, and what is said.\n{scenes}\nDescribe the whole video"
        " in at most five sentences: what it is about, where it happens, who is in it, how it goes on."
    )
    """What the model is asked; `{scenes}` stands for the lines of the scenes."""
    max_input_chars: int = Field(default=12_000, ge=200)
    """The lines of the scenes together; of a longer video scenes are left out evenly over its whole length."""
    max_scene_chars: int = Field(default=400, ge=40)
    """What one scene may take of it."""
    max_new_tokens: int = Field(default=300, ge=8)
    """A description ends here at the latest."""
    endpoint: EndpointSettings = EndpointSettings()
    """Where the server of `http` is."""
    toy: bool = False
    """See ModelSettings."""
