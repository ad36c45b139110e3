"""A multilingual Whisper of random weights, in the file layout of the real ones for CTranslate2.

What it says and which language it names is chance, but always the same: it shows which code runs, and that what was
chosen arrives, never how well anything is understood. No package carries a multilingual Whisper.
"""

import json
from pathlib import Path

TEXT_TOKENS = 50_257  # multilingual Whispers have 51,865 tokens with the controls and times
# In the order of openai/whisper's tokenizer: https://github.com/openai/whisper/blob/main/whisper/tokenizer.py
ORDER = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml"
    " cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am"
    " yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su"
)
LANGUAGES = ORDER.split()
TASKS = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
CONTROLS = ["endoftext", "startoftranscript", *LANGUAGES, *TASKS]
TIMES = [f"{step * 0.02:.2f}" for step in range(1501)]


def make_whisper(folder: Path, quantization: str = "float32", mel_bands: int = 80) -> Path:
    """Writes the model: model.bin, config.json, vocabulary.json, tokenizer.json, preprocessor_config.json.

    Args:
        folder: is made.
        quantization: how the weights are stored: float32, float16, int8, int8_float16.
        mel_bands: of the spectrogram; large-v3 has 128, the others 80.
    """
    import torch
    from ctranslate2.converters import TransformersConverter
    from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    source = folder.with_name(f"{folder.name}-transformers")
    source.mkdir(parents=True)
    _write_tokenizer(source)
    config = WhisperConfig(
        vocab_size=TEXT_TOKENS + len(CONTROLS) + len(TIMES),
        num_mel_bins=mel_bands,
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        # 25 times the usual spread: with that the sound decides which language is named, not only the token before.
        init_std=0.5,
        bos_token_id=TEXT_TOKENS,
        eos_token_id=TEXT_TOKENS,
        pad_token_id=TEXT_TOKENS,
        decoder_start_token_id=TEXT_TOKENS + 1,
    )
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        suppress_tokens=[],
        begin_suppress_tokens=[TEXT_TOKENS],
        alignment_heads=[[1, 0], [1, 1]],
        lang_to_id={f"<|{code}|>": TEXT_TOKENS + 2 + place for place, code in enumerate(LANGUAGES)},
    )
    model.save_pretrained(source)
    WhisperFeatureExtractor(feature_size=mel_bands).save_pretrained(source)
    files = ["tokenizer.json", "preprocessor_config.json"]
    TransformersConverter(str(source), copy_files=files).convert(str(folder), quantization=quantization)
    return folder


def _write_tokenizer(folder: Path) -> None:
    """A byte-level tokenizer whose text tokens are the 256 bytes and invented words, numbered as in Whisper."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    invented = [f"Ġword{number}" for number in range(TEXT_TOKENS - len(letters) - 1)]
    # The empty token is the last before the controls in the real ones too: CTranslate2 takes a model without it for an
    # English one, whatever the number of tokens.
    tokens = {token: number for number, token in enumerate([*letters, *invented, ""])}
    core = Tokenizer(models.BPE(vocab=tokens, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in CONTROLS])
    core.add_tokens([AddedToken(f"<|{time}|>", special=False) for time in TIMES])
    core.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
