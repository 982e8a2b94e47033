"""Verdicts that leave problems in every stratum, whatever the model answers."""

import lightning.pytorch as L

from cogito_pl.rewards import Grade, RewardResult
from tests.modules.scoring import Coin


class Fading(Coin):
    """Calls the first `n mod 4` responses to problem `...-n` correct, and the later ones wrong."""

    def __init__(self):
        self.known: dict[str, dict[str, bool]] = {}  # verdicts on texts, by problem

    def verdict(self, text, problem):
        known = self.known.setdefault(problem.id, {})
        return known.setdefault(text, len(known) < int(problem.id.split("-")[1]) % 4)

    def score(self, texts, problems):
        verdicts = [self.verdict(*pair) for pair in zip(texts, problems, strict=True)]
        return RewardResult([0.0] * len(texts), {}, [Grade(v, 0.0, True, "", "fading") for v in verdicts])

    def grading_settings(self):
        return {"verifier": "fading"}


class FadingVerdicts(L.Callback):
    """Has `Fading` grade."""

    def setup(self, trainer, module, stage):
        module.reward = Fading()
