"""A checkpoint that brings its own code, as MiniCPM-V 2.6 does: it names the colours of the pictures that it is shown.

Its class takes what the `.chat` of 2.6 takes, and nothing else; its one weight is the table of colours.
"""

import json
from pathlib import Path

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 128, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "orange": (255, 165, 0),
    "pink": (255, 192, 203),
}
CONFIGURATION = """
from transformers import PretrainedConfig


class TinyChatConfig(PretrainedConfig):
    model_type = "tiny_chat"

    def __init__(self, colour_names=(), **others):
        self.colour_names = list(colour_names)
        super().__init__(**others)
"""
MODELING = """
import numpy
import torch
from PIL import Image
from transformers import PreTrainedModel

from .configuration_tiny_chat import TinyChatConfig


class TinyChat(PreTrainedModel):
    config_class = TinyChatConfig
    _supports_sdpa = True

    def __init__(self, config):
        super().__init__(config)
        self.colours = torch.nn.Linear(3, len(config.colour_names), bias=False)
        self.post_init()

    def _init_weights(self, module):
        pass

    @torch.no_grad()
    def chat(self, image, msgs, tokenizer, sampling, max_new_tokens, use_image_id, max_slice_nums):
        assert image is None and sampling is False and use_image_id is False and max_slice_nums == 2
        (message,) = msgs
        assert message["role"] == "user"
        *pictures, prompt = message["content"]
        assert isinstance(prompt, str) and all(isinstance(picture, Image.Image) for picture in pictures)
        if pictures:
            names = [self.config.colour_names[self.nearest(picture)] for picture in pictures]
            answer = "The picture is " + ", then ".join(names) + "."
            if "somebody says" in prompt:
                answer += " Somebody says " + prompt.rpartition("says: ")[2]
        else:
            answer = "You said: " + prompt
        ids = tokenizer(answer)["input_ids"][:max_new_tokens]
        return tokenizer.decode(ids, skip_special_tokens=True).strip()

    def nearest(self, picture):
        mean = torch.tensor(numpy.asarray(picture).mean(axis=(0, 1)), dtype=self.dtype)
        return int((self.colours.weight - mean).abs().sum(dim=1).argmin())
"""


def make_chat_model(folder: Path) -> Path:
    """Code, configuration, tokenizer and weights; the same each time."""
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "configuration_tiny_chat.py").write_text(CONFIGURATION)
    (folder / "modeling_tiny_chat.py").write_text(MODELING)
    classes = {
        "AutoConfig": "configuration_tiny_chat.TinyChatConfig",
        "AutoModel": "modeling_tiny_chat.TinyChat",
    }
    config = {"model_type": "tiny_chat", "architectures": ["TinyChat"], "auto_map": classes, "torch_dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config | {"colour_names": list(COLOURS)}))
    # Bytes are its tokens: a letter takes one.
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<unk>": 0} | {letter: number for number, letter in enumerate(alphabet, 1)}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.save(str(folder / "tokenizer.json"))
    # Written by hand: transformers 5 would name a class that the 4 of this model's environment does not know.
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
    weights = {"colours.weight": torch.tensor(list(COLOURS.values()), dtype=torch.float32)}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder
