"""An engine of a user's own, named by class path: it samples from a copy of the weights that it is handed."""

import copy

import torch
from jsonargparse import ArgumentParser

from cogito_pl.policy import Engine, EngineFactory, LiveEngine
from tests.modules.training import Recorder, TokenSumReward, data, grpo, trainer


class CopyEngine(Engine):
    def __init__(self, policy, rollout_batch_size: int, reads: int = 0):
        self.policy, self.reads = copy.deepcopy(policy), reads
        self.live = LiveEngine(self.policy, rollout_batch_size)

    def refresh(self, weights):
        own = dict(self.policy.model.named_parameters())
        with torch.no_grad():
            for name, value in weights:
                own[name].copy_(value)
        self.reads += 1

    def generate(self, requests):
        return self.live.generate(requests)

    def close(self):
        self.live.close()


def test_it_samples_what_the_live_engine_samples_after_every_update(tiny_folder, playground_folder, tmp_path):
    parser, seen = ArgumentParser(), []
    parser.add_argument("--engine", type=EngineFactory)
    own = parser.parse_object({"engine": {"class_path": f"{__name__}.CopyEngine", "init_args": {"reads": 5}}})
    for engine in (LiveEngine, parser.instantiate_classes(own).engine):
        recorder, module = Recorder(), grpo(tiny_folder, lr=0.5, engine=engine)
        trainer(tmp_path, TokenSumReward(), recorder).fit(module, data(playground_folder, rollouts_per_epoch=3))
        seen.append((recorder.rollouts, recorder.losses))
    assert seen[0] == seen[1]
    assert module.engine.reads == 5 + 3
