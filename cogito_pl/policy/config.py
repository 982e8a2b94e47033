"""Settings of a policy and of sampling from it."""

from dataclasses import dataclass
from typing import Literal

from cogito_pl.policy.families import Family, check_family


@dataclass(frozen=True, kw_only=True)
class LoRAConfig:
    """Low-rank adapters on the linear layers of language model and vision tower; nothing else is trained.

    Args:
        rank: Rank of an adapter.
        alpha: Its output is multiplied by alpha / rank.
        seed: Seed of its starting weights.
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
    """Which model, how it is prompted, which parts are trained.

    Args:
        name: Folder of a transformers image-text-to-text model (or a Hub id): architecture, tokenizer, image processor.
        family: What is specific to the model's architecture: `qwen2_5_vl`, `qwen3_vl`, `generic` (any other model of
            transformers), by the model's own `model_type` (`auto`), or the class_path of a family of your own.
        init_from: Where the weights come from, if not from `name`: a model folder, or of a run of the same model a
            Lightning checkpoint or a weights file of its hand-off.
        system_prompt: System message; none when empty.
        instruction: Text after every question, such as the answer format that is asked for.
        max_prompt_tokens: A longer prompt, image tokens included, is refused when the data are read; never cut.
        min_pixels: Smaller images are enlarged to about this many pixels; the model's own value when null.
        max_pixels: Larger images are reduced to about this many pixels; the model's own value when null.
        lora: Train low-rank adapters instead of the weights.
        freeze: Parts that are not trained: `vision`, `projector`, `language`, `embeddings`, `head`.
        dtype: Type of the weights in memory. Mixed precision is `trainer.precision`.
        attention: Attention implementation of transformers.
        gradient_checkpointing: Recompute activations in the backward pass, for memory.
        layout: How sequences are laid out in a training forward: `shared` puts several completions behind one copy of
            their prompt, with a mask; `single` forwards one completion per row; `padded` forwards whole sequences with
            whole logits; `auto` takes per prompt what costs fewest FLOPs, and `padded` for the generic family;
            `packed` puts what `auto` takes behind each other, up to `max_row_tokens` and without padding, and computes
            attention of each by itself: fewest forwards where lengths differ.
        max_row_tokens: Longest shared or packed row, and most tokens of one forward: bounds activations and the mask.
        prompt_cache_mib: Memory for encoded prompts of problems that are drawn again; the oldest are dropped first.
        feature_cache_mib: Memory for image features that are kept while the vision tower is frozen.
        decode: Key-value cache of sampling: `dynamic` drops finished completions; `static` has fixed shapes, and on
            CUDA its step is compiled and captured as a graph.
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
    layout: Literal["auto", "shared", "single", "packed", "padded"] = "auto"
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
        for name in ("min_pixels", "max_pixels"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(
                    f"policy.{name}={value} is no size of an image; leave it out for the model's own value"
                )
        if self.min_pixels and self.max_pixels and self.min_pixels > self.max_pixels:
            raise ValueError(
                f"policy.min_pixels={self.min_pixels} is above policy.max_pixels={self.max_pixels}; swap them"
            )


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """How a completion is sampled.

    Args:
        max_tokens: Completions are cut after this many tokens, the end token included.
        temperature: Softmax temperature; 1 samples the policy itself, 0 takes the likeliest token.
        top_p: Smallest set of likeliest tokens with at least this probability; 1 keeps all.
        top_k: The k likeliest tokens; 0 keeps all.
        stream: Number of the random stream: another one samples other completions of the same prompts in the same
            order, so that a run can be repeated with nothing changed but the luck of its sampling.
    """

    max_tokens: int = 1024
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    stream: int = 0

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
