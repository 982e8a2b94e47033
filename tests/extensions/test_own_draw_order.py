"""A draw order of your own: prefer the problems that the policy fails, named in YAML by `class_path`."""

import random

from jsonargparse import ArgumentParser

from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.draw_order import DrawOrder, Mixture
from tests.modules.training import Recorder, grpo, trainer


class FailedFirst(DrawOrder):
    """Draws a problem that was failed when last seen with probability `share`, otherwise the next of the mixture."""

    def __init__(self, context, share: float = 0.5):
        self.mixture, self.seed, self.share, self.failed = Mixture(context), context.seed, share, set()

    def __call__(self, number):
        dice = random.Random(f"{self.seed} {number}")
        return dice.choice(sorted(self.failed)) if self.failed and dice.random() < self.share else self.mixture(number)

    def observe(self, outcomes):
        for outcome in outcomes:
            (self.failed.add if outcome.accuracy < 1 else self.failed.discard)(outcome.index)

    def state_dict(self):
        return {"failed": sorted(self.failed)}

    def load_state_dict(self, state):
        self.failed = set(state["failed"])


def test_problems_that_were_failed_come_again(tiny_folder, playground_folder, tmp_path):
    parser, source = ArgumentParser(), {"path": str(playground_folder), "subset": "train"}
    parser.add_class_arguments(ReasoningDataModule, "data")
    order = {"class_path": f"{__name__}.FailedFirst", "init_args": {"share": 1.0}}  # as in YAML
    data = parser.instantiate(parser.parse_object({"data": {"train": [source], "draw_order": order}})).data
    trainer(tmp_path, seen := Recorder(), limit_train_batches=8).fit(grpo(tiny_folder), data)
    first, *later = [set(ids) for _, _, ids, _ in seen.rollouts]
    assert later and all(ids <= first for ids in later)  # noqa: PT018  the untrained model fails every problem
