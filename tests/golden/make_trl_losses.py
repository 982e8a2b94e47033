"""Write `trl_losses.json`: losses, gradients and advantages as TRL's own trainer computes them.

Environment (Python 3.11, CPU, no network while it runs; not the environment of this project):

    python3 -m venv trl && trl/bin/pip install torch==2.13.0 trl==1.16.0 transformers==5.23.0 peft datasets pillow
    trl/bin/python tests/golden/make_trl_losses.py

Every case is one optimiser step of `GRPOTrainer.train()` on a tiny Qwen2 written to a temporary folder. Two methods are
replaced: `_generate_and_score_completions` hands out the fixed batch, `_get_per_token_logps_and_entropies` rows of one
leaf tensor, so that the trainer's own backward pass leaves d loss / d log-probs in it. Loss, clipping, divergence,
shuffling, splitting into micro-batches and every normalisation are TRL's. All of it runs in float64.

How TRL 1.16.0 normalises, with N = `current_gradient_accumulation_steps` (transformers does not divide again, because
`loss_is_scaled_for_ga` is true):

* grpo: mean over the micro-batch's sequences of their token means, divided by N;
* dapo and cispo: token sum / (`num_items_in_batch` / processes * N / `steps_per_generation`); `num_items_in_batch`
  counts the completion tokens of the generation batch on all processes, which here is one optimiser step;
* dr_grpo: token sum / (sequences of the micro-batch * `max_completion_length`), divided by N;
* the entropy bonus is a token mean of the micro-batch divided by N, whatever the loss (one case, N = 1).

So over equal micro-batches all losses add up to the whole step's; the loss written is that sum. The clip ratios are
TRL's metrics, means over micro-batches of token means, hence comparable at N = 1 only.

`importance_sampling_level: sequence` makes grpo, dapo and dr_grpo GSPO; their clip ratios are then means over
sequences. cispo clamps the ratio to at most `epsilon_high`, not 1 + `epsilon_high`, and has no lower bound; its clip
ratio counts tokens of positive advantage only.

Advantages come from the real `_generate_and_score_completions` after real sampling; only `_calculate_rewards` is
replaced.
"""

import json
import platform
import sys
import tempfile
from pathlib import Path

import datasets
import tokenizers
import torch
import transformers
import trl

B, T, LIMIT = 8, 7, 12  # sequences, width, sampling limit
LENGTHS = [7, 4, 1, 6, 3, 7, 2, 5]
ADVANTAGES = [1.25, -0.75, 0.5, -1.0, 0.0, -1.5, 2.0, -0.5]
REWARDS = [1.5, 0.5, 0.5, 0.25, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.1, 1.3, -0.2, 0.7]  # groups of 4


def make_inputs() -> dict[str, torch.Tensor]:
    """Log-probs around -1.2; old ones up to 0.5 away, so that both bounds bite; zeros beyond each length."""
    generator = torch.Generator().manual_seed(20250730)

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(B, T, generator=generator, dtype=torch.float64)

    log_probs = uniform(-2.5, -0.05)
    mask = torch.arange(T) < torch.tensor(LENGTHS).unsqueeze(1)  # [B, T]
    return {
        "log_probs": log_probs * mask,
        "old_log_probs": (log_probs + uniform(-0.5, 0.5)) * mask,
        "ref_log_probs": (log_probs + uniform(-0.8, 0.8)) * mask,
        "entropy": uniform(0.1, 2.0) * mask,
        "mask": mask,
        "advantages": torch.tensor(ADVANTAGES, dtype=torch.float64),
    }


def write_tiny_model(folder: str) -> None:
    """A tokenizer of 16 words and a Qwen2 of one layer, with random weights."""
    words = ["<pad>", "<eos>", "<unk>", *"abcdefghijklm"]
    model = tokenizers.models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>")
    raw = tokenizers.Tokenizer(model)
    raw.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    ).save_pretrained(folder)
    config = transformers.Qwen2Config(
        vocab_size=len(words),
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        eos_token_id=1,
        pad_token_id=0,
    )
    transformers.Qwen2ForCausalLM(config).save_pretrained(folder)


class FixedRewards(trl.GRPOTrainer):
    """TRL's trainer, with given rewards."""

    def _calculate_rewards(self, inputs, prompts, completions, completion_ids_list):
        return torch.tensor(REWARDS, dtype=torch.float64).unsqueeze(1)


class FixedLogProbs(trl.GRPOTrainer):
    """TRL's trainer, on the given batch and the given log-probs."""

    def prepare(self, batch: dict[str, torch.Tensor]) -> None:
        self.batch, self.losses = batch, []
        self.leaf = batch["log_probs"].clone().requires_grad_()

    def _generate_and_score_completions(self, inputs):
        rows = torch.arange(B)
        return {
            "prompt_ids": rows.unsqueeze(1),  # TRL shuffles the rows: the prompt's only token remembers which is which
            "prompt_mask": torch.ones(B, 1, dtype=torch.long),
            "completion_ids": torch.ones(B, T, dtype=torch.long),
            "completion_mask": self.batch["mask"].long(),
            "num_items_in_batch": self.batch["mask"].sum(),
            "advantages": self.batch["advantages"],
            "old_per_token_logps": self.batch["old_log_probs"],
            "ref_per_token_logps": self.batch["ref_log_probs"],
        }

    def _get_per_token_logps_and_entropies(self, model, input_ids, *args, **kwargs):
        rows = input_ids[:, 0]
        return self.leaf[rows], self.batch["entropy"][rows], None

    def _compute_loss(self, model, inputs):
        loss = super()._compute_loss(model, inputs)
        self.losses.append(loss.item())
        return loss


def make_trainer(cls: type, folder: str, *, sequences: int, **settings) -> trl.GRPOTrainer:
    """A trainer of `cls` for one optimiser step over `sequences` sequences."""
    micro_batches = settings.get("gradient_accumulation_steps", 1)
    args = trl.GRPOConfig(
        output_dir=f"{folder}/out",
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        per_device_train_batch_size=sequences // micro_batches,
        num_generations=4,
        max_completion_length=LIMIT,
        use_bias_correction_kl=False,
        max_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=0,
        **settings,
    )
    data = datasets.Dataset.from_dict({"prompt": ["a b"] * sequences})
    return cls(
        model=folder, reward_funcs=lambda completions, **_: [0.0] * len(completions), args=args, train_dataset=data
    )


def run_case(folder: str, batch: dict[str, torch.Tensor], **settings) -> dict:
    """Loss and gradient of one optimiser step."""
    trainer = make_trainer(FixedLogProbs, folder, sequences=B, **settings)
    trainer.prepare(batch)
    trainer.train()
    assert len(trainer.losses) == settings["gradient_accumulation_steps"]
    metrics = trainer.state.log_history[0]
    return {
        "settings": settings,
        "loss": sum(trainer.losses),
        "gradient": trainer.leaf.grad.tolist(),
        "clip_low": metrics.get("clip_ratio/low_mean", 0.0),
        "clip_high": metrics["cispo_clip_ratio" if settings["loss_type"] == "cispo" else "clip_ratio/high_mean"],
    }


def run_advantages(folder: str, scale_rewards: str) -> dict:
    """Advantages of the fixed rewards, before TRL shuffles them."""
    trainer = make_trainer(FixedRewards, folder, sequences=len(REWARDS), scale_rewards=scale_rewards)
    trainer.model.train()
    output = trainer._generate_and_score_completions([{"prompt": "a b"}] * len(REWARDS))
    return {"scale_rewards": scale_rewards, "eps": 1e-4, "group_size": 4, "advantages": output["advantages"].tolist()}


def main() -> None:
    """Run all cases and write them beside this file."""
    torch.set_num_threads(1)
    batch = make_inputs()
    with tempfile.TemporaryDirectory() as folder:
        write_tiny_model(folder)
        cases = [
            run_case(
                folder,
                batch,
                loss_type=kind,
                beta=beta,
                epsilon=0.2,
                epsilon_high=high,
                entropy_coef=0.0,
                gradient_accumulation_steps=micro_batches,
            )
            for kind in ("grpo", "dapo", "dr_grpo")
            for beta in (0.0, 0.04)
            for high in (0.2, 0.28)
            for micro_batches in (1, 2)
        ]
        cases.append(
            run_case(
                folder,
                batch,
                loss_type="dapo",
                beta=0.04,
                epsilon=0.2,
                epsilon_high=0.28,
                entropy_coef=0.01,
                gradient_accumulation_steps=1,
            )
        )
        cases += [
            run_case(
                folder,
                batch,
                loss_type=kind,
                importance_sampling_level="sequence",
                beta=0.04,
                epsilon=0.03,
                epsilon_high=0.05,
                entropy_coef=0.0,
                gradient_accumulation_steps=micro_batches,
            )
            for kind in ("grpo", "dapo", "dr_grpo")
            for micro_batches in (1, 2)
        ]
        cases += [
            run_case(
                folder,
                batch,
                loss_type="cispo",
                beta=beta,
                epsilon_high=1.2,
                entropy_coef=0.0,
                gradient_accumulation_steps=micro_batches,
            )
            for beta in (0.0, 0.04)
            for micro_batches in (1, 2)
        ]
        cases += [
            run_case(
                folder,
                batch,
                loss_type=kind,
                beta=0.04,
                epsilon=0.2,
                epsilon_high=0.25,
                delta=1.3,
                entropy_coef=0.0,
                gradient_accumulation_steps=micro_batches,
            )
            for kind in ("grpo", "dapo", "dr_grpo")
            for micro_batches in (1, 2)
        ]
        advantages = [run_advantages(folder, scale) for scale in ("group", "none")]
    golden = {
        "versions": {
            "trl": trl.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "python": platform.python_version(),
        },
        "inputs": {name: values.tolist() for name, values in batch.items()} | {"max_completion_length": LIMIT},
        "losses": cases,
        "rewards": REWARDS,
        "advantages": advantages,
    }
    target = Path(__file__).with_name("trl_losses.json")
    target.write_text(json.dumps(golden).replace("}, {", "},\n{").replace('], "', '],\n"') + "\n")
    print(f"{len(cases)} losses and {len(advantages)} advantages in {target}", file=sys.stderr)


if __name__ == "__main__":
    main()
