"""A draw order of your own: prefer the problems that the policy fails, named in YAML by `class_path`."""

import random

from jsonargparse import ArgumentParser

from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.draw_order import DrawOrder, DrawOutcome, Mixture
from tests.modules.training import Recorder, grpo, trainer


class FailedFirst(DrawOrder):
    """Draws a problem that was failed when last seen with probability `share`, otherwise the next of the mixture."""

    def __init__(self, context, share: float = 0.5):
        self.mixture, self.share, self.random = Mixture(context), share, random.Random(context.seed)
        self.failed: set[int] = set()

    def __call__(self, number):
        again = self.failed and self.random.random() < self.share
        return self.random.choice(sorted(self.failed)) if again else self.mixture(number)

    def observe(self, outcomes):
        for outcome in outcomes:
            (self.failed.add if outcome.accuracy < 1 else self.failed.discard)(outcome.index)

    def state_dict(self):
        return {"failed": sorted(self.failed), "random": self.random.getstate()}

    def load_state_dict(self, state):
        self.failed = set(state["failed"])
        self.random.setstate(state["random"])


class Observe(Recorder):
    def on_rollout_end(self, trainer, module, rollout):
        super().on_rollout_end(trainer, module, rollout)
        data, correct = trainer.datamodule, rollout.correct.view(len(rollout.draws), -1).float().mean(1).tolist()
        data.observe([DrawOutcome(n, data.index_of(n), c, 0.0) for n, c in zip(rollout.draws, correct, strict=True)])


def test_problems_that_were_failed_come_again(tiny_folder, playground_folder, tmp_path):
    yaml = tmp_path / "data.yaml"
    yaml.write_text(f"""
train: [{{path: {playground_folder}, subset: train}}]
rollouts_per_epoch: 4
draw_order: {{class_path: {__name__}.FailedFirst, init_args: {{share: 1.0}}}}
""")
    parser = ArgumentParser()
    parser.add_argument("--data", type=ReasoningDataModule)
    data = parser.instantiate(parser.parse_args([f"--data={yaml}"])).data
    seen = Observe()
    trainer(tmp_path, seen).fit(grpo(tiny_folder), data)
    first, *later = [set(ids) for _, _, ids, _ in seen.rollouts]
    assert len(first) == 2
    assert all(ids <= first for ids in later)  # the untrained model fails them every time
