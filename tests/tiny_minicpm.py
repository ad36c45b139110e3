"""A random MiniCPM-V 4.6 of some hundred thousand parameters, in the file layout of openbmb/MiniCPM-V-4.6.

That is: config.json, generation_config.json, model.safetensors, preprocessor_config.json, tokenizer.json,
tokenizer_config.json and chat_template.jinja. (save_pretrained of transformers 5 would write a processor_config.json.)
"""

import json
from pathlib import Path
from typing import Any

PICTURE_PX = 112
PATCH_PX = 14
MARKS = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "image_start_token": "<image>",
    "image_end_token": "</image>",
    "slice_start_token": "<slice>",
    "slice_end_token": "</slice>",
    "image_id_start_token": "<image_id>",
    "image_id_end_token": "</image_id>",
}
# The keys that the real one has; everything else is left to the classes.
PREPROCESSOR = {
    "image_processor_type": "MiniCPMV4_6ImageProcessor",
    "processor_class": "MiniCPMV4_6Processor",
    "max_slice_nums": 4,
    "scale_resolution": PICTURE_PX,
    "patch_size": PATCH_PX,
    "use_image_id": True,
    "slice_mode": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
# What Qwen's templates do with a conversation of texts and pictures, and no more.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}<|im_start|>{{ message.role }}\n"
    "{%- if message.content is string -%}{{ message.content }}{%- else -%}"
    "{%- for part in message.content -%}"
    "{%- if part.type == 'image' -%}<|image_pad|>{%- else -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}<|im_end|>\n"
    "{%- endfor -%}{%- if add_generation_prompt -%}<|im_start|>assistant\n{%- endif -%}"
)
WORDS = [
    "Describe what is seen in these frames of one video scene. In the scene somebody says:",
    "a red circle on a blue background. a large green square! where is the boat?",
]


def make_minicpm(folder: Path, *, layer_types: tuple[str, ...] = ("linear_attention", "full_attention")) -> Path:
    """Weights, configuration, tokenizer and processor; the same each time.

    Args:
        folder: where they go; made if it is not there.
        layer_types: of the language model; by default one layer of each kind that the real one has.
    """
    import torch
    from transformers import MiniCPMV4_6Config, MiniCPMV4_6ForConditionalGeneration

    tokenizer = _tokenizer()
    text = {
        "model_type": "qwen3_5_text",
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": len(layer_types),
        "layer_types": list(layer_types),
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 16,
        "linear_value_head_dim": 16,
        "max_position_embeddings": 2048,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": None,
        "tie_word_embeddings": True,
    }
    vision = {
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": PICTURE_PX,
        "patch_size": PATCH_PX,
    }
    config = MiniCPMV4_6Config(
        text_config=text,
        vision_config=vision,
        insert_layer_id=0,
        image_size=PICTURE_PX,
        image_token_id=tokenizer.image_token_id,
        video_token_id=tokenizer.video_token_id,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    model = MiniCPMV4_6ForConditionalGeneration(config)
    with torch.no_grad():
        # As made, it repeats one token whatever it sees. With larger weights, most of all those through which pictures
        # come to the words, it writes another text for each colour.
        for name, weight in model.named_parameters():
            if weight.ndim >= 2:
                torch.nn.init.normal_(weight, std=1.5 / weight.shape[-1] ** 0.5)
            if "patch_embedding.weight" in name:
                weight *= 4
            if "language_model" in name and name.endswith(("v_proj.weight", "o_proj.weight", "out_proj.weight")):
                weight *= 3
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>", *MARKS.values()],
        show_progress=False,
    )
    core.train_from_iterator(WORDS * 20, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=MARKS,
        model_max_length=2048,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
