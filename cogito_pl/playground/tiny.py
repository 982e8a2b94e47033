"""A Qwen2.5-VL of 1.1 million parameters: the real architecture, small enough to be trained on a CPU."""

import math
from pathlib import Path

import torch
from torch import nn
from transformers import GenerationConfig, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from cogito_pl.playground.drawing import CELL, PAPER
from cogito_pl.playground.tokenizer import SPECIAL_TOKENS, build_tokenizer

END_OF_TEXT, END_OF_TURN = SPECIAL_TOKENS.index("<|endoftext|>"), SPECIAL_TOKENS.index("<|im_end|>")
MOST_CELLS = 64
"""Images of more cells than this are scaled down."""


def build_config(vocab_size: int) -> Qwen2_5_VLConfig:
    """The sizes of the tiny model.

    Args:
        vocab_size: Rows of the embedding table, which the output head shares.
    """
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": vocab_size,
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 1024,
            # Sections count pairs of the 32-wide heads: time, height, width.
            "rope_parameters": {"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 1000.0},
            "bos_token_id": None,
            "eos_token_id": END_OF_TURN,
            "pad_token_id": END_OF_TEXT,
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 96,
            "intermediate_size": 192,
            "num_heads": 4,
            "patch_size": CELL // 2,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 4 * CELL,
            "fullatt_block_indexes": [1],
            "out_hidden_size": 128,
        },
        image_token_id=SPECIAL_TOKENS.index("<|image_pad|>"),
        video_token_id=SPECIAL_TOKENS.index("<|video_pad|>"),
        vision_start_token_id=SPECIAL_TOKENS.index("<|vision_start|>"),
        vision_end_token_id=SPECIAL_TOKENS.index("<|vision_end|>"),
        tie_word_embeddings=True,
    )


def build_model(seed: int = 0) -> Qwen2_5_VLForConditionalGeneration:
    """The untrained model in float32.

    Weights are drawn from N(0, 1 / fan_in): with the usual standard deviation of 0.02, a model this narrow does not
    learn to use its images.

    Args:
        seed: Decides the initial weights; the state of the global generator of torch does not change.
    """
    with torch.random.fork_rng(devices=[]):
        model = Qwen2_5_VLForConditionalGeneration(build_config(len(build_tokenizer()))).float()
        draw = torch.Generator().manual_seed(seed)
        for module in model.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.05, generator=draw)
            elif isinstance(module, nn.Linear | nn.Conv3d) and module.weight is not model.get_input_embeddings().weight:
                nn.init.normal_(module.weight, std=1 / math.sqrt(module.weight[0].numel()), generator=draw)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    model.generation_config = GenerationConfig(eos_token_id=[END_OF_TURN, END_OF_TEXT], pad_token_id=END_OF_TEXT)
    return model


def build_image_processor() -> Qwen2VLImageProcessorPil:
    """Cuts an image into patches of half a cell; no image of the playground is ever scaled.

    The background becomes zero, so that a patch contains ink only: the tiny model then names every shape after 300
    batches of 40 captions; with the mean of photographs it names hardly any by then.
    """
    return Qwen2VLImageProcessorPil(
        patch_size=CELL // 2,
        merge_size=2,
        temporal_patch_size=2,
        min_pixels=CELL**2,
        max_pixels=MOST_CELLS * CELL**2,
        image_mean=[channel / 255 for channel in PAPER],
        image_std=[0.25, 0.25, 0.25],
    )


def save_tiny(folder: str | Path, seed: int = 0) -> None:
    """Writes the untrained model with tokenizer, chat template and image processor, as any Qwen2.5-VL folder.

    Args:
        folder: Created when missing; files of the same names are replaced.
        seed: Decides the initial weights.
    """
    build_model(seed).save_pretrained(folder)
    build_tokenizer().save_pretrained(folder)
    build_image_processor().save_pretrained(folder)
