"""Small scorings for the tests: verdicts that an untrained model earns too."""

import lightning.pytorch as L

from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.source import Source
from cogito_pl.difficulty import PISM
from cogito_pl.modules import ScoreModule
from cogito_pl.policy import PolicyConfig, SamplingConfig
from cogito_pl.rewards import Grade, RewardResult
from cogito_pl.seeds import digest


class Coin:
    """Calls a response correct by a digest of its text: about every third one."""

    def score(self, texts, problems):
        grades = [Grade(int(digest(text.encode()), 16) % 3 == 0, 0.0, True, text[:3], "coin") for text in texts]
        return RewardResult([0.0] * len(texts), {}, grades)

    def grading_settings(self):
        return {"verifier": "coin"}

    def check_sources(self, names):
        pass

    def check_kind(self, source, kind):
        pass

    def close(self):
        pass


class CoinVerdicts(L.Callback):
    """Has `Coin` grade."""

    def setup(self, trainer, module, stage):
        module.reward = Coin()


def score_module(tiny, scorer=None, **settings):
    defaults = {
        "policy": PolicyConfig(name=str(tiny)),
        "scorer": scorer or PISM(ratios=(0.0, 0.3, 0.6), repeats=4, threshold=0.25),
        "sampling": SamplingConfig(max_tokens=6, temperature=1.0),
        "rollout_batch_size": 16,
        "least_rows": 8,
        "pool": 6,
    }
    return ScoreModule(**(defaults | settings))


def score_data(folder, part="train", limit=14, **settings):
    return ReasoningDataModule(predict=(Source(path=str(folder), subset=part, split=part, limit=limit),), **settings)
