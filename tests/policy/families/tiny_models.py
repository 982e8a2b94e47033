"""Folders of tiny random models of several architectures, each with a processor that needs no torchvision."""

import math
from pathlib import Path

import torch
from torch import nn
from transformers import (
    AutoModelForImageTextToText,
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    Gemma3Config,
    Gemma3ImageProcessorPil,
    Gemma3Processor,
    GenerationConfig,
    Idefics3Config,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    LlavaConfig,
    LlavaProcessor,
    Qwen2VLConfig,
    Qwen2VLImageProcessorPil,
    Qwen3VLConfig,
)

from cogito_pl.playground.tokenizer import CHAT_TEMPLATE, SPECIAL_TOKENS, build_tokenizer

IDS = {name.strip("<|>"): place for place, name in enumerate(SPECIAL_TOKENS)}
END_OF_TURN, END_OF_TEXT = IDS["im_end"], IDS["endoftext"]
ENDS = {"bos_token_id": None, "eos_token_id": END_OF_TURN, "pad_token_id": END_OF_TEXT}
TEXT = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4} | {
    "num_key_value_heads": 2, "max_position_embeddings": 1024, **ENDS,
}  # fmt: skip
QWEN_IDS = {f"{name}_token_id": IDS[f"{name}_pad"] for name in ("image", "video")} | {
    f"vision_{side}_token_id": IDS[f"vision_{side}"] for side in ("start", "end")
}


def save(folder: Path, config, processor, seed: int = 0) -> Path:
    """Writes a model with weights from N(0, 1 / fan_in), which make even a narrow model look at its images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForImageTextToText.from_config(config).float()
        draw = torch.Generator().manual_seed(seed)
        table = model.get_input_embeddings().weight
        for module in model.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.05, generator=draw)
            elif isinstance(module, nn.Linear | nn.Conv2d | nn.Conv3d) and module.weight is not table:
                nn.init.normal_(module.weight, std=1 / math.sqrt(module.weight[0].numel()), generator=draw)
        for name, parameter in model.named_parameters():
            if name.endswith("mm_input_projection_weight"):  # Gemma's, which starts at zero
                nn.init.normal_(parameter, std=1 / math.sqrt(len(parameter)), generator=draw)
    model.generation_config = GenerationConfig(eos_token_id=[END_OF_TURN, END_OF_TEXT], pad_token_id=END_OF_TEXT)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


class Parts:
    """A tokenizer and an image processor, which is all that a folder of the Qwen family needs."""

    def __init__(self, patch: int) -> None:
        self.tokenizer = build_tokenizer()
        sizes = {"patch_size": patch, "merge_size": 2, "temporal_patch_size": 2}
        self.images = Qwen2VLImageProcessorPil(**sizes, min_pixels=(2 * patch) ** 2, max_pixels=48 * (2 * patch) ** 2)

    def save_pretrained(self, folder: Path) -> None:
        self.tokenizer.save_pretrained(folder)
        self.images.save_pretrained(folder)


def save_qwen2_vl(folder: Path) -> Path:
    parts = Parts(patch=14)
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1000.0}
    text = TEXT | {"vocab_size": len(parts.tokenizer), "rope_parameters": rope}
    vision = {"depth": 2, "embed_dim": 32, "num_heads": 2, "mlp_ratio": 2, "patch_size": 14, "hidden_size": 64}
    return save(folder, Qwen2VLConfig(text_config=text, vision_config=vision, **QWEN_IDS), parts)


def save_qwen3_vl(folder: Path) -> Path:
    parts = Parts(patch=16)
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "mrope_interleaved": True, "rope_theta": 1000.0}
    text = TEXT | {"vocab_size": len(parts.tokenizer), "head_dim": 16, "rope_parameters": rope}
    vision = {
        "depth": 3, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 16,
        "out_hidden_size": 64, "num_position_embeddings": 36, "deepstack_visual_indexes": [0, 1],
    }  # fmt: skip
    config = Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **QWEN_IDS)
    return save(folder, config, parts)


def save_llava(folder: Path) -> Path:
    tokenizer = build_tokenizer()
    square = {"height": 56, "width": 56}
    images = CLIPImageProcessorPil(size={"shortest_edge": 56}, crop_size=square)
    processor = LlavaProcessor(
        images,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        image_token="<|image_pad|>",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=2, image_size=56, patch_size=14
    )
    text = TEXT | {"model_type": "llama", "vocab_size": len(tokenizer)}
    config = LlavaConfig(text_config=text, vision_config=vision, image_token_id=IDS["image_pad"])
    return save(folder, config, processor)


def save_gemma3(folder: Path) -> Path:
    """Sliding windows shorter than the prompts, and image tokens that see each other both ways."""
    tokenizer = build_tokenizer()
    named = {"boi_token": "<|vision_start|>", "eoi_token": "<|vision_end|>", "image_token": "<|image_pad|>"}
    tokenizer._set_model_specific_special_tokens(special_tokens=named)
    tokenizer.init_kwargs |= named
    template = CHAT_TEMPLATE.replace("<|vision_start|><|image_pad|><|vision_end|>", "<|vision_start|>")
    images = Gemma3ImageProcessorPil(size={"height": 56, "width": 56})
    processor = Gemma3Processor(images, tokenizer, chat_template=template, image_seq_length=4)
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2} | {
        "image_size": 56, "patch_size": 14,
    }  # fmt: skip
    text = TEXT | {"vocab_size": len(tokenizer), "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 16}
    layers = ["sliding_attention", "full_attention"] * 2
    config = Gemma3Config(
        text_config=text | {"layer_types": layers},
        vision_config=vision,
        mm_tokens_per_image=4,
        image_token_id=IDS["image_pad"],
        boi_token_id=IDS["vision_start"],
        eoi_token_id=IDS["vision_end"],
        **ENDS,
    )
    return save(folder, config, processor)


def save_idefics3(folder: Path) -> Path:
    """Images cut into as many tiles as their sizes make, and thus pixels of another shape for every prompt."""
    tokenizer = build_tokenizer()
    tags = ["<global-img>", *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))]
    tokenizer.add_tokens(tags, special_tokens=True)
    images = Idefics3ImageProcessorPil(
        size={"longest_edge": 56}, max_image_size={"longest_edge": 28}, do_image_splitting=True
    )
    template = CHAT_TEMPLATE.replace("<|vision_start|><|image_pad|><|vision_end|>", "<image>")
    processor = Idefics3Processor(images, tokenizer, image_seq_len=4, chat_template=template)
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2} | {
        "image_size": 28, "patch_size": 7,
    }  # fmt: skip
    text = TEXT | {"model_type": "llama", "vocab_size": len(tokenizer)}
    token = tokenizer.convert_tokens_to_ids("<image>")
    config = Idefics3Config(
        text_config=text, vision_config=vision, image_token_id=token, scale_factor=2, pad_token_id=END_OF_TEXT
    )
    return save(folder, config, processor)
