"""What one GRPO optimiser step on a stated workload costs: FLOPs, CPU seconds, peak memory.

    python -m benchmarks.grpo_step --workload benchmarks/workload.json            # CPU seconds and peak memory
    python -m benchmarks.grpo_step --workload benchmarks/workload.json --flops    # FLOPs (exact, slower)

Float32, one thread, every parameter trained (the vision tower too), AdamW, no activation checkpointing, no group
skipped. The step is the real one: `GRPOModule` under Lightning, from images to updated weights. Prints one JSON object
with the keys that the harness of TRL prints, so that both lines can stand in one table. Compare CPU seconds only side
by side, with OMP_WAIT_POLICY=passive, on a quiet machine.
"""

import argparse
import json
import resource
import tempfile
import time
import warnings
from pathlib import Path

import lightning.pytorch as L
import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from benchmarks.flops import count_flops
from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.modules import GRPOModule, RolloutCallback
from cogito_pl.policy import PolicyConfig, SamplingConfig
from cogito_pl.problem import LazyImage, Problem
from cogito_pl.rl.losses import LossConfig
from cogito_pl.rl.schedule import RolloutSchedule

SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{% for block in message.content %}"
    "{% if block.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ block.text }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class StepClock(RolloutCallback):
    """Rewards as the workload does, and marks every optimiser step, rollout included."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, float]] = []
        self.lengths: list[float] = []

    def on_rewards(self, trainer, module, rollout):
        """A number that differs between the completions of a group, so that no group is without signal."""
        self.lengths.append(float(rollout.lengths.float().mean()))
        return rollout.with_rewards(torch.tensor([float(len(text) % 7) for text in rollout.texts]))

    def on_train_start(self, trainer, module) -> None:
        """Starts the clock."""
        self._mark()

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx) -> None:
        """Marks the end of a step."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            self._mark()

    def _mark(self) -> None:
        self.marks.append((time.process_time(), time.perf_counter()))


class Images(ReasoningDataModule):
    """The workload's problems, made in memory."""

    def __init__(self, workload: dict, count: int) -> None:
        super().__init__()
        side = workload["image_px"]
        self.rollouts_per_epoch = count // workload["prompts_per_step"]
        self.train_problems = [
            Problem(
                id=str(seed),
                question="<image>" + workload["question"],
                answer="0",
                kind="text",
                images=(LazyImage.of(Image.fromarray(noise(seed, side))),),
            )
            for seed in range(count)
        ]

    def setup(self, stage: str) -> None:
        """Nothing is read."""


def noise(seed: int, side: int) -> np.ndarray:
    """An image of random pixels, `[side, side, 3]`."""
    return np.random.RandomState(seed).randint(0, 255, (side, side, 3), dtype=np.uint8)


def write_model(workload: dict, folder: Path) -> None:
    """Writes the model that the workload describes, with a byte-level tokenizer, as a Qwen2.5-VL folder."""
    text, spec = dict(workload["model"]["text"]), workload["model"]
    sections = text.pop("mrope_section")
    config = Qwen2_5_VLConfig(
        text_config=text
        | {
            "rope_parameters": {"rope_type": "default", "mrope_section": sections, "rope_theta": 10000.0},
            "max_position_embeddings": 8192,
            "bos_token_id": None,
            "eos_token_id": 2,
            "pad_token_id": 0,
        },
        vision_config=spec["vision"] | {"out_hidden_size": text["hidden_size"], "temporal_patch_size": 2},
        image_token_id=5,
        video_token_id=6,
        vision_start_token_id=3,
        vision_end_token_id=4,
    )
    torch.manual_seed(spec["seed"])
    model = Qwen2_5_VLForConditionalGeneration(config).to(getattr(torch, workload["dtype"]))
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=spec["init_std"])
    model.generation_config = GenerationConfig(eos_token_id=2, pad_token_id=0)
    model.save_pretrained(folder)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(SPECIAL + alphabet)}, merges=[]))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=SPECIAL[0],
        eos_token=SPECIAL[2],
        additional_special_tokens=SPECIAL[1:],
        chat_template=TEMPLATE,
    ).save_pretrained(folder)
    Qwen2VLImageProcessorPil(min_pixels=28 * 28, max_pixels=workload["image_px"] ** 2).save_pretrained(folder)


def main() -> None:
    """Runs the workload and prints the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", default="benchmarks/workload.json", help="JSON file that describes the workload")
    parser.add_argument("--flops", action="store_true", help="count FLOPs instead of seconds")
    parser.add_argument("--group-size", type=int, help="completions per prompt, in place of the workload's")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    workload = json.loads(Path(options.workload).read_text())
    prompts, group = workload["prompts_per_step"], options.group_size or workload["group_size"]
    torch.set_num_threads(workload["threads"])
    steps = workload["warmup_steps"] + workload["optimizer_steps"]
    with tempfile.TemporaryDirectory() as folder:
        write_model(workload, Path(folder))
        module = GRPOModule(
            policy=PolicyConfig(name=folder, dtype=workload["dtype"], max_pixels=workload["image_px"] ** 2),
            schedule=RolloutSchedule(prompts=prompts, group_size=group, micro_batch=group),
            sampling=SamplingConfig(max_tokens=workload["completion_tokens"], temperature=workload["temperature"]),
            loss=LossConfig(kl_coef=workload["beta"]),
            optimizer=lambda parameters: torch.optim.AdamW(parameters, lr=1e-6),
        )
        clock = StepClock()
        trainer = L.Trainer(
            accelerator="cpu", max_epochs=1, callbacks=[clock], logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, reload_dataloaders_every_n_epochs=1,
            use_distributed_sampler=False, num_sanity_val_steps=0, gradient_clip_val=1.0, default_root_dir=folder,
        )  # fmt: skip

        def run() -> None:
            trainer.fit(module, Images(workload, prompts * steps))

        flops = count_flops(run) / steps if options.flops else run()
    mean_length = sum(clock.lengths) / len(clock.lengths)
    if mean_length < 0.97 * workload["completion_tokens"]:
        raise SystemExit(f"completions have {mean_length:.1f} tokens on average: this is not the stated workload")
    kept = clock.marks[workload["warmup_steps"] :]
    timed = len(kept) - 1
    print(
        json.dumps(
            {
                "peer": "cogito_pl",
                "workload": workload["name"],
                "group_size": group,
                "gflop_per_step": round(flops / 1e9, 1) if options.flops else None,
                "cpu_s_per_step": None if options.flops else round((kept[-1][0] - kept[0][0]) / timed, 3),
                "wall_s_per_step": None if options.flops else round((kept[-1][1] - kept[0][1]) / timed, 3),
                "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "mean_completion_tokens": clock.lengths,
            }
        )
    )


if __name__ == "__main__":
    main()
