"""Random models of a few thousand parameters, in the shapes of the real ones that no package carries."""

from pathlib import Path

TEXTS = [
    "a red circle on a blue background",
    "Please replace the front brake pads before you change the oil",
    "the quarterly budget meeting starts on Tuesday",
    "Das Boot liegt am Abend still im Hafen",
    "고양이가 창문 옆에서 자고 있습니다",
]


def make_m3(folder: Path) -> Path:
    """A BGE-M3: XLM-RoBERTa with a sparse and a ColBERT head whose weights are random but fixed."""
    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

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
    names = {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>"}
    names |= {"unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, model_max_length=512, **names)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    XLMRobertaModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for head, outputs in (("colbert_linear.pt", 32), ("sparse_linear.pt", 1)):
        torch.save(torch.nn.Linear(32, outputs).state_dict(), folder / head)
    return folder


def make_siglip2(folder: Path) -> Path:
    """A fixed-resolution SigLIP 2: SigLIP's model with a Gemma-like tokenizer that is wholly in tokenizer.json."""
    import torch
    from transformers import Siglip2Tokenizer, SiglipConfig, SiglipImageProcessorPil, SiglipModel, SiglipProcessor

    vocabulary = {token: index for index, token in enumerate(["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁"])}
    for letter in "abcdefghijklmnopqrstuvwxyz0123456789.,!?":
        vocabulary[letter] = len(vocabulary)
    tokenizer = Siglip2Tokenizer(vocab=vocabulary, merges=[], add_eos_token=True, padding_side="right")
    text = {"vocab_size": len(vocabulary), "max_position_embeddings": 16, "projection_size": 24}
    text |= {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}
    size = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    model = SiglipModel(SiglipConfig(text_config=text | size, vision_config={"image_size": 32, "patch_size": 8} | size))
    model.save_pretrained(folder)
    pictures = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    SiglipProcessor(image_processor=pictures, tokenizer=tokenizer).save_pretrained(folder)
    return folder
