"""Which rows of a rollout are trained on: prioritised advantage distillation (PAD).

ReVisual-R1 (arXiv 2506.04207, eq. 4 and algorithm 1) keeps the N completions of a rollout whose advantage is neither
too small nor too large, and samples among them by its size a_i = |A_i|:

    E = {i : low <= a_i <= high}         p_i = w_i / sum_{j in E} w_j,  i in E

The paper and the released code differ, so each difference is a field of `DistillationRule`:

                  paper                                official (the released code)
    w_i           exp(a_i / tau)                       (a_i + 1e-8)^alpha
    bounds        low = 0.03, no upper one; both of    low = 0.03, high = 0.97; neither of them
                  them belong to E                     belongs to E
    rows drawn    min(ceil(rho N), |E|), rho = 0.5,    floor(rho N), rho = 1.5,
                  without replacement                  with replacement

The paper gives no numbers for `low`, `high` and rho; those of `paper` are ours: any `low` in (0, 1/sqrt(G)) keeps all
rows of a group of G whose rewards differ, and an upper bound would take the rare ones away. With rho >= 1 and without
replacement all of E is taken, and the weights do nothing.

Advantages stay as they are, without a correction for how a row was drawn: a deliberate bias towards large ones.
Deviations: a row that is drawn k times counts k times in the one update that it belongs to, so the number of updates
stays; in the code, 1.5 N rows make half as many updates again, with copies of a row in several. Where E is empty
nothing is drawn, as in the paper; the code trains on everything then.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import torch
from torch import Generator, Tensor

Variant = Literal["paper", "official"]
Mode = Literal["full", "filter_only", "random", "off"]
ROUNDING = 1e-9
"""By how much rho N may miss a whole number and still be it."""


@dataclass(frozen=True, kw_only=True)
class DistillationRule:
    """Which rows are taken, and how.

    Args:
        mode: `full` draws from E by the weights; `filter_only` takes all of E once; `random` draws as many rows as
            `full` does, from all of them alike; `off` takes every row once.
        low: Least size of an advantage.
        high: Greatest size of an advantage.
        strict: An advantage of exactly `low` or `high` is left out.
        weight: `softmax` of a_i / tau, or the `power` a_i^alpha.
        alpha: Exponent of `power`.
        share: rho, the rows to draw as a share of the rollout.
        replacement: A row may be drawn several times.
        temperature: tau of `softmax` in the first rollout of the run.
        final_temperature: tau in the last rollout; linear in between.
    """

    mode: Mode = "full"
    low: float = 0.03
    high: float = math.inf
    strict: bool = False
    weight: Literal["softmax", "power"] = "softmax"
    alpha: float = 1.5
    share: float = 0.5
    replacement: bool = False
    temperature: float = 1.0
    final_temperature: float = 0.3

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        if self.mode not in get_args(Mode):
            raise ValueError(f"mode={self.mode!r} is unknown; choose one of {', '.join(get_args(Mode))}")
        if not 0 <= self.low < self.high:
            raise ValueError(f"low={self.low} and high={self.high} leave nothing over; choose 0 <= low < high")
        if not 0 < self.share < math.inf:
            raise ValueError(f"share={self.share} draws nothing; choose a number above 0")
        if not 0 <= self.alpha < math.inf:
            raise ValueError(f"alpha={self.alpha} must be a number of 0 or more; 0 draws all alike")
        for name in ("temperature", "final_temperature"):
            if not 0 < (value := getattr(self, name)) < math.inf:
                raise ValueError(f"{name}={value} is no temperature; choose a number above 0")

    def effective(self, sizes: Tensor) -> Tensor:
        """Whether each |A_i| of `sizes` (`[N]`) is within the bounds, `[N]` of bool."""
        if self.strict:
            return (sizes > self.low) & (sizes < self.high)
        return (sizes >= self.low) & (sizes <= self.high)

    def temperature_at(self, progress: float) -> float:
        """The tau at a progress from 0, the first rollout of the run, to 1, the last one."""
        return self.temperature + (self.final_temperature - self.temperature) * progress

    def log_weights(self, sizes: Tensor, temperature: float) -> Tensor:
        """The log w_i of each |A_i| of `sizes` (`[N]`), in float64; `temperature` is the tau of `softmax`."""
        sizes = sizes.double()
        return sizes / temperature if self.weight == "softmax" else self.alpha * (sizes + 1e-8).log()

    def drawn(self, rows: int, effective: int) -> int:
        """How many rows are drawn from a rollout of `rows`, of which so many are effective."""
        if not effective:
            return 0
        wanted = rows * self.share
        whole = math.floor(wanted + ROUNDING) if self.weight == "power" else math.ceil(wanted - ROUNDING)
        return whole if self.replacement else min(whole, effective)


PRESETS: dict[Variant, DistillationRule] = {
    "paper": DistillationRule(),
    "official": DistillationRule(high=0.97, strict=True, weight="power", share=1.5, replacement=True),
}


def rule_of(variant: Variant, **changes: Any) -> DistillationRule:
    """The rule of a variant, with the `changes` that are not None. Raises ValueError for settings that make no rule."""
    if variant not in PRESETS:
        raise ValueError(f"variant={variant!r} is unknown; choose one of {', '.join(PRESETS)}")
    return replace(PRESETS[variant], **{name: value for name, value in changes.items() if value is not None})


def distilled_counts(
    sizes: Tensor,  # [N] |A_i| of all rows of a rollout, on all ranks
    effective: Tensor,  # [N] bool, the rows of E
    rule: DistillationRule,
    *,
    temperature: float,
    generator: Generator,
) -> Tensor:
    """How often each row is taken, `[N]` integers on the CPU."""
    if rule.mode in ("filter_only", "off"):
        return (effective if rule.mode == "filter_only" else torch.ones_like(effective)).long().cpu()
    wanted = rule.drawn(len(sizes), int(effective.sum()))
    logits = torch.zeros(len(sizes), dtype=torch.float64)
    if rule.mode == "full":
        logits = rule.log_weights(sizes.cpu(), temperature).masked_fill(~effective.cpu(), -math.inf)
    counts = torch.zeros(len(sizes), dtype=torch.long)
    if not wanted:
        return counts
    drawn = draw(logits, wanted, replacement=rule.replacement, generator=generator)
    return counts.index_add(0, drawn, torch.ones_like(drawn))


def draw(logits: Tensor, count: int, *, replacement: bool, generator: Generator) -> Tensor:
    """`count` places of `logits` (`[N]`, float64), drawn one after the other with p = softmax(logits).

    Without replacement by the Gumbel-top-k trick (arXiv 1903.06059), which stays in log space: no p rounds to zero.
    """
    if replacement:
        return torch.multinomial(logits.softmax(0), count, replacement=True, generator=generator)
    exponential = torch.empty_like(logits).exponential_(generator=generator)
    return (logits - exponential.log()).topk(count).indices
