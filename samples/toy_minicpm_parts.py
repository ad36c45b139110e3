"""The parts of the toy MiniCPM-V 4.6: tokenizer, processor and untrained model, all of the stock classes."""

import random
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from transformers import MiniCPMV4_6Config, MiniCPMV4_6ForConditionalGeneration, PreTrainedTokenizerFast
from transformers.models.minicpmv4_6.image_processing_minicpmv4_6 import MiniCPMV4_6ImageProcessor
from transformers.models.minicpmv4_6.processing_minicpmv4_6 import MiniCPMV4_6Processor
from transformers.models.minicpmv4_6.video_processing_minicpmv4_6 import MiniCPMV4_6VideoProcessor

from samples.drawing import random_scene
from samples.toy_minicpm_texts import (
    caption_of,
    caption_prompt,
    english_sentences,
    random_transcript,
    random_videos,
)
from samples.train_toy_siglip import waves

SCALE_PX = 96  # a picture is brought to about 96x96 pixels, sides of whole visual tokens; 16:9 becomes 120x72
PATCH_PX = 12  # as in the toy SigLIP
GRID = 10  # the longer side of a picture in patches; 5 visual tokens after merging 2x2
VOCABULARY = 1000
SPECIAL_TOKENS = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "image_start_token": "<image>",
    "image_end_token": "</image>",
    "slice_start_token": "<slice>",
    "slice_end_token": "</slice>",
    "image_id_start_token": "<image_id>",
    "image_id_end_token": "</image_id>",
}
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}"
    "{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|image_pad|>{% elif c['type'] == 'video' %}<|video_pad|>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tokenizer(rng: random.Random) -> PreTrainedTokenizerFast:
    """Byte-level BPE over prompts, captions and descriptions: their words are whole tokens."""
    corpus = [text for _ in range(300) for video in random_videos(rng, 8) for text in video]
    corpus += [caption_prompt(random_transcript(rng)) + caption_of(random_scene(rng)) for _ in range(3000)]
    corpus += [*english_sentences()] * 3 + ["user\n", "assistant\n", "system\nYou are a helpful assistant."] * 50
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>", *SPECIAL_TOKENS.values()],
        show_progress=False,
    )
    core.train_from_iterator(corpus, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=SPECIAL_TOKENS,
        model_max_length=2048,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def make_processor(tokenizer: PreTrainedTokenizerFast) -> MiniCPMV4_6Processor:
    """Pictures are shown whole: no slices, no numbers before them."""
    shown: dict[str, Any] = {
        "scale_resolution": SCALE_PX,
        "patch_size": PATCH_PX,
        "slice_mode": False,
        "max_slice_nums": 1,
        "use_image_id": False,
        "downsample_mode": "4x",
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    return MiniCPMV4_6Processor(
        image_processor=MiniCPMV4_6ImageProcessor(**shown),
        video_processor=MiniCPMV4_6VideoProcessor(**shown),
        tokenizer=tokenizer,
        chat_template=tokenizer.chat_template,
    )


def make_model(tokenizer: PreTrainedTokenizerFast) -> MiniCPMV4_6ForConditionalGeneration:
    """An untrained model, small enough for one core."""
    config = MiniCPMV4_6Config(
        text_config={
            "model_type": "qwen3_5_text",
            "vocab_size": len(tokenizer),
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "head_dim": 32,
            "max_position_embeddings": 2048,
            # Hybrid, as upstream; the short convolution of the first layer joins a word with the ones before it.
            "layer_types": ["linear_attention", "full_attention", "full_attention", "full_attention"],
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "linear_key_head_dim": 32,
            "linear_value_head_dim": 32,
            # Half of each head knows the place, the other half the content only; the frequencies suit 2048 tokens.
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 0.5},
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None,
            "tie_word_embeddings": True,
        },
        vision_config={
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "image_size": GRID * PATCH_PX,
            "patch_size": PATCH_PX,
        },
        insert_layer_id=1,
        image_size=GRID * PATCH_PX,
        downsample_mode="4x",
        image_token_id=tokenizer.convert_tokens_to_ids(SPECIAL_TOKENS["image_token"]),
        video_token_id=tokenizer.convert_tokens_to_ids(SPECIAL_TOKENS["video_token"]),
        tie_word_embeddings=True,
    )
    model = MiniCPMV4_6ForConditionalGeneration(config)
    places = model.model.vision_tower.embeddings.position_embedding.weight
    places.data.copy_(waves(GRID, places.shape[1]))
    for name, weight in model.named_parameters():
        if "vit_merger" in name:
            weight.data.zero_()  # not used by downsample_mode "4x"; zeros pack to nothing
        elif weight.ndim == 2 and "embed" not in name:
            nn.init.xavier_uniform_(weight)  # with the stock deviation of 0.02 so narrow a model learns late
    return model


def whiten(model: MiniCPMV4_6ForConditionalGeneration, patches: Tensor) -> None:
    """Start the patch embedding from the principal components of `patches`, each of the same variance.

    `patches`: float32 (n, 3, 12, 12). The mean colour of a patch has 100 times the variance of what tells textures
    apart; brought to one scale, texture began to be seen after 150 steps, without it not in 250. The first layer of
    airbench (Jordan 2024, arXiv:2404.00498) starts so.
    """
    embedding = model.model.vision_tower.embeddings.patch_embedding
    flat = patches.flatten(1)
    variances, directions = torch.linalg.eigh(torch.cov(flat.T))
    width = embedding.weight.shape[0]
    # 0.01: what is fainter is noise of JPEG and not made as large. 0.3: as large as the position embeddings.
    weight = 0.3 * (directions[:, -width:] / (variances[-width:] + 0.01).sqrt()).T
    embedding.weight.data.copy_(weight.reshape(embedding.weight.shape))
    embedding.bias.data.copy_(-weight @ flat.mean(0))
