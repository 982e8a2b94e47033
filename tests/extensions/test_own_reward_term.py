"""A reward term of a user's own: completions are paid for being short, in the stages that the YAML names."""

import pytest
import torch

from cogito_pl.data.curriculum import Stage
from cogito_pl.modules import RewardTerm, RolloutCallback
from tests.modules.training import data, grpo, trainer


class Brevity(RewardTerm):
    """1 for an empty completion, 0 for one of `longest` tokens."""

    name = "brevity"

    def __init__(self, longest: int, weight: float = 1.0, stages: tuple[str, ...] | None = None):
        super().__init__(weight, stages)
        self.longest = longest

    def term(self, rollout):
        return 1 - rollout.lengths / self.longest


class Kept(RolloutCallback):
    def on_rollout_end(self, trainer, module, rollout):
        self.rollout = rollout


@pytest.mark.parametrize(
    ("weight", "stages", "acts"), [(2.0, None, True), (0.5, ("late",), True), (2, ("early",), False)]
)
def test_the_term_enters_the_reward_with_its_weight_in_its_stages(
    tiny_folder, playground_folder, tmp_path, weight, stages, acts
):
    kept, problems = Kept(), data(playground_folder, stages=(Stage(name="early"), Stage(name="late")))
    run = trainer(tmp_path, Brevity(48, weight, stages), kept, max_epochs=2)
    run.fit(grpo(tiny_folder), problems)
    terms, term = kept.rollout.reward_terms, 1 - kept.rollout.lengths / 48
    assert torch.allclose(kept.rollout.rewards, terms["accuracy"] + 0.5 * terms["format"] + acts * weight * term)
    assert run.callback_metrics["applied/brevity"] == acts * (term != 0).double().mean()
