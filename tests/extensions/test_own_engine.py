"""An engine of a user's own, named by class path: it samples from a copy of the weights that it is handed."""

import copy

import torch

from cogito_pl.policy import Engine, LiveEngine
from tests.modules.training import Recorder, TokenSumReward, data, grpo, trainer


class CopyEngine(Engine):
    def __init__(self, policy, rollout_batch_size: int, reads: int = 0):
        self.policy, self.reads = copy.deepcopy(policy), reads
        self.live = LiveEngine(self.policy, rollout_batch_size)

    def refresh(self, weights):
        with torch.no_grad():
            own = dict(self.policy.model.named_parameters())
            for name, value in weights:
                own[name].copy_(value)
        self.reads += 1

    def generate(self, requests):
        return self.live.generate(requests)

    def close(self):
        self.live.close()


def test_a_run_with_it_samples_what_the_live_engine_samples_after_every_update(
    tiny_folder, playground_folder, tmp_path
):
    seen = []
    for engine in (LiveEngine, CopyEngine):
        recorder, module = Recorder(), grpo(tiny_folder, lr=0.5, engine=engine)
        trainer(tmp_path, TokenSumReward(), recorder).fit(module, data(playground_folder, rollouts_per_epoch=3))
        seen.append((recorder.rollouts, recorder.losses))
    assert seen[0] == seen[1]
    assert module.engine.reads == 5 + 3
