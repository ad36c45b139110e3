"""Random models of a few thousand parameters, in the shapes and file layouts of the real ones that no package carries.

What they say is chance, but always the same: they show which code runs, and never how well anything is understood.
"""

import json
from pathlib import Path
from typing import Any, Literal

TEXTS = [
    "a red circle on a blue background",
    "Please replace the front brake pads before you change the oil",
    "the quarterly budget meeting starts on Tuesday",
    "Das Boot liegt am Abend still im Hafen",
    "고양이가 창문 옆에서 자고 있습니다",
]
M3_SPECIAL = {
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "mask_token": "<mask>",
    "pad_token": "<pad>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
}
GEMMA_SPECIAL = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?"


def make_m3(folder: Path, weights: Literal["pytorch_model.bin", "model.safetensors"] = "pytorch_model.bin") -> Path:
    """A BGE-M3: XLM-RoBERTa with a sparse and a ColBERT head whose weights are random but fixed.

    The files are those of https://huggingface.co/BAAI/bge-m3, whose weights are a pickle (pytorch_model.bin).
    """
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaModel

    folder.mkdir(parents=True)
    tokens = _write_m3_tokenizer(folder)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=tokens,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        architectures=["XLMRobertaModel"],
    )
    model = XLMRobertaModel(config)
    if weights == "pytorch_model.bin":
        config.save_pretrained(folder)
        torch.save(model.state_dict(), folder / weights)
    else:
        model.save_pretrained(folder)
    for head, outputs in (("colbert_linear.pt", 32), ("sparse_linear.pt", 1)):
        torch.save(torch.nn.Linear(32, outputs).state_dict(), folder / head)
    return folder


def make_siglip2(folder: Path) -> Path:
    """A fixed-resolution SigLIP 2: SigLIP's model with Gemma's tokenizer, which is wholly in tokenizer.json.

    The files are those of https://huggingface.co/google/siglip2-base-patch16-224. Like there, the tokenizer's settings
    ask for small letters and its file does not make them.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    folder.mkdir(parents=True)
    vocabulary = {token: index for index, token in enumerate(["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁"])}
    for letter in LETTERS:
        vocabulary[letter] = len(vocabulary)
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    core.normalizer = normalizers.Replace(" ", "▁")
    core.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    core.post_processor = processors.TemplateProcessing(
        single="$A <eos>", pair="$A <eos> $B <eos>", special_tokens=[("<eos>", 1)]
    )
    core.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    core.save(str(folder / "tokenizer.json"))
    settings = {
        "add_bos_token": False,
        "add_eos_token": True,
        "do_lower_case": True,
        "model_input_names": ["input_ids"],
        "padding_side": "right",
        "processor_class": "SiglipProcessor",
        "tokenizer_class": "GemmaTokenizer",
    }
    _write_json(folder / "tokenizer_config.json", settings | GEMMA_SPECIAL)
    _write_json(folder / "special_tokens_map.json", GEMMA_SPECIAL)
    _write_siglip(folder, {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}, len(vocabulary))
    return folder


def make_siglip(folder: Path) -> Path:
    """A SigLIP 1 with its SentencePiece tokenizer: the files of
    https://huggingface.co/google/siglip-so400m-patch14-384.
    """
    folder.mkdir(parents=True)
    tokens = _write_pieces(folder / "spiece.model", {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1})
    names = {"eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>"}
    settings = {
        "do_lower_case": True,
        "model_input_names": ["input_ids"],
        "model_max_length": 64,
        "processor_class": "SiglipProcessor",
        "tokenizer_class": "SiglipTokenizer",
    }
    _write_json(folder / "tokenizer_config.json", settings | names)
    _write_json(folder / "special_tokens_map.json", names)
    _write_siglip(folder, {"pad_token_id": 1, "eos_token_id": 1, "bos_token_id": 1}, tokens)
    return folder


def _write_siglip(folder: Path, ids: dict[str, int], tokens: int) -> None:
    import torch
    from transformers import SiglipConfig, SiglipModel

    text = {"vocab_size": tokens, "max_position_embeddings": 64, "projection_size": 24} | ids
    size = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    model = SiglipModel(SiglipConfig(text_config=text | size, vision_config={"image_size": 32, "patch_size": 8} | size))
    with torch.no_grad():
        # About google/siglip2-base-patch16-224's own; a new model's are 0, which makes every tag as probable.
        model.logit_scale.fill_(4.7)
        model.logit_bias.fill_(-16.7)
    model.save_pretrained(folder)
    pictures = {
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_processor_type": "SiglipImageProcessor",
        "image_std": [0.5, 0.5, 0.5],
        "processor_class": "SiglipProcessor",
        "resample": 2,
        "rescale_factor": 1 / 255,
        "size": {"height": 32, "width": 32},
    }
    _write_json(folder / "preprocessor_config.json", pictures)


def _write_m3_tokenizer(folder: Path) -> int:
    """XLM-RoBERTa's, as SentencePiece and as tokenizer.json. Returns how many tokens it has."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    core = Tokenizer(models.Unigram())
    core.normalizer = normalizers.NFKC()
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=special, unk_token="<unk>", show_progress=False)
    core.train_from_iterator(TEXTS * 20, trainer)
    # The spaces in the pair's template are needed: without them its tokens are not found.
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    core.save(str(folder / "tokenizer.json"))
    _write_pieces(folder / "sentencepiece.bpe.model", {"bos_id": 0, "pad_id": 1, "eos_id": 2, "unk_id": 3})
    settings = {"model_max_length": 512, "tokenizer_class": "XLMRobertaTokenizer"}
    _write_json(folder / "tokenizer_config.json", settings | M3_SPECIAL)
    _write_json(folder / "special_tokens_map.json", M3_SPECIAL)
    return int(core.get_vocab_size())


def _write_pieces(file: Path, ids: dict[str, int]) -> int:
    """Train a small SentencePiece model. Returns how many pieces it has."""
    import io

    from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

    written = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter([text.lower() for text in TEXTS] * 20),
        model_writer=written,
        vocab_size=200,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
        **ids,
    )
    file.write_bytes(written.getvalue())
    return int(SentencePieceProcessor(model_proto=written.getvalue()).get_piece_size())


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2))
