"""What can be set about a policy and about sampling from it. Knows no model."""

from dataclasses import dataclass
from typing import Literal

from cogito_pl.policy.families import Family, check_family


@dataclass(frozen=True, kw_only=True)
class LoRAConfig:
    """Low-rank adapters beside every linear layer of the parts that are not frozen; nothing else learns.

    Args:
        rank: Rank of an adapter.
        alpha: Its output is multiplied by alpha / rank.
        seed: Of its starting weights.
    """

    rank: int = 16
    alpha: float = 32.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a rank below one."""
        if self.rank < 1:
            raise ValueError(f"policy.lora.rank={self.rank} must be at least 1; leave policy.lora out to train weights")


@dataclass(frozen=True, kw_only=True)
class PolicyConfig:
    """Which model, how it is prompted, which parts learn.

    Args:
        name: Folder of a transformers image-text-to-text model (or a Hub id): architecture, tokenizer, image processor.
        family: What is specific to the model's architecture: `qwen2_5_vl`, `qwen3_vl`, `generic` (any other model of
            transformers), by the model's own `model_type` (`auto`), or the class_path of a family of your own.
        init_from: Where the weights come from, if not from `name`: a model folder, or a Lightning checkpoint of a run
            of the same model.
        system_prompt: System message; none when empty.
        instruction: Text after every question, such as the answer format that is asked for.
        max_prompt_tokens: A longer prompt, image tokens included, is refused when the data are read; never cut.
        min_pixels: Smaller images are enlarged to about this many pixels; the model's own value when null.
        max_pixels: Larger images are reduced to about this many pixels; the model's own value when null.
        lora: Train low-rank adapters in the place of the weights.
        freeze: Parts that do not learn: `vision`, `projector`, `language`, `embeddings`, `head`.
        dtype: Type of the weights in memory. Mixed precision is `trainer.precision`.
        attention: Attention implementation of transformers.
        gradient_checkpointing: Recompute activations in the backward pass, for memory.
        layout: How sequences that share a prompt lie in a forward: `shared` rows with a mask, `single` rows, `padded`
            whole sequences with whole logits, or per prompt what costs fewer FLOPs (`auto`).
        max_row_tokens: Longest shared row, and most tokens of one forward: bounds activations and the mask.
        prompt_cache_mib: Encoded prompts that are kept, oldest dropped first, for problems that are drawn again.
        feature_cache_mib: Image features that are kept while the vision tower is frozen.
        decode: Cache of a rollout: `dynamic` lets finished completions go; `static` has fixed shapes, and on CUDA its
            step is compiled and captured.
        offload_reference: Keep the reference policy in main memory between rollouts; with LoRA it has no copy.
    """

    name: str
    family: Family | str = "auto"
    init_from: str | None = None
    system_prompt: str = ""
    instruction: str = ""
    max_prompt_tokens: int = 2048
    min_pixels: int | None = None
    max_pixels: int | None = None
    lora: LoRAConfig | None = None
    freeze: tuple[Literal["vision", "projector", "language", "embeddings", "head"], ...] = ()
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    gradient_checkpointing: bool = False
    layout: Literal["auto", "shared", "single", "padded"] = "auto"
    max_row_tokens: int = 8192
    prompt_cache_mib: int = 256
    feature_cache_mib: int = 512
    decode: Literal["dynamic", "static"] = "dynamic"
    offload_reference: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError where settings contradict each other."""
        check_family(self.family)
        if self.max_prompt_tokens < 1:
            raise ValueError(f"policy.max_prompt_tokens={self.max_prompt_tokens} leaves no room for a prompt; raise it")
        if self.decode == "static" and self.attention != "sdpa":
            raise ValueError(f"policy.decode=static needs policy.attention=sdpa, not {self.attention}")
        if self.min_pixels and self.max_pixels and self.min_pixels > self.max_pixels:
            raise ValueError(
                f"policy.min_pixels={self.min_pixels} is above policy.max_pixels={self.max_pixels}; swap them"
            )


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """How a completion is drawn.

    Args:
        max_tokens: Completions are cut after this many tokens, the end token included.
        temperature: Softmax temperature; 1 samples the policy itself, 0 takes the likeliest token.
        top_p: Smallest set of likeliest tokens with at least this probability; 1 keeps all.
        top_k: The k likeliest tokens; 0 keeps all.
    """

    max_tokens: int = 1024
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError when a value is outside its range."""
        if self.max_tokens < 1:
            raise ValueError(f"sampling.max_tokens={self.max_tokens} allows no completion; it must be at least 1")
        if self.temperature < 0:
            raise ValueError(f"sampling.temperature={self.temperature} is negative; 0 is greedy, 1 samples the policy")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"sampling.top_p={self.top_p} is outside (0, 1]; 1 switches it off")
        if self.top_k < 0:
            raise ValueError(f"sampling.top_k={self.top_k} is negative; 0 switches it off")
