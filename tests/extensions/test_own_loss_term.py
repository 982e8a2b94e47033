"""A loss term of your own: penalise tokens whose entropy falls below a floor, named in YAML by `class_path`."""

import torch
from jsonargparse import ArgumentParser

from cogito_pl.rl.loss_terms import LossTerm, TokenValues
from cogito_pl.rl.losses import LossConfig, UpdateSize, policy_loss

YAML = f"""
aggregation: grpo
terms:
  - class_path: {__name__}.EntropyFloor
    init_args: {{floor: 0.5, weight: 0.2}}
"""


class EntropyFloor(LossTerm):
    """max(0, floor - H) of each token."""

    name, needs_entropy = "entropy_floor", True

    def __init__(self, floor: float, weight: float = 1.0) -> None:
        super().__init__(weight)
        self.floor = floor

    def __call__(self, tokens: TokenValues) -> torch.Tensor:
        return (self.floor - tokens.entropy).clamp(min=0)  # [B, T]


def test_an_own_term_raises_the_entropy_of_the_tokens_below_its_floor(tmp_path):
    (tmp_path / "loss.yaml").write_text(YAML)
    parser = ArgumentParser()
    parser.add_argument("--loss", type=LossConfig)
    config = parser.instantiate(parser.parse_args([f"--loss={tmp_path / 'loss.yaml'}"])).loss
    log_probs, entropy = torch.full((1, 4), -1.0), torch.tensor([[0.1, 0.4, 0.6, 0.2]], requires_grad=True)
    mask, size = torch.tensor([[True, True, True, False]]), UpdateSize(sequences=1, tokens=3, max_tokens=8)
    terms = policy_loss(log_probs, log_probs, torch.zeros(1), mask, config=config, size=size, entropy=entropy)
    terms.total.backward()
    torch.testing.assert_close(entropy.grad, torch.tensor([[-0.2 / 3, -0.2 / 3, 0.0, 0.0]]))
    torch.testing.assert_close(terms.sums["entropy_floor"], torch.tensor(0.5))
