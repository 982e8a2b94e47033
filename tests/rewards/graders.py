"""Graders and verifiers that misbehave on request; workers import them by name."""

import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import replace

from cogito_pl.rewards import Grade, Verdict, Verifier
from cogito_pl.rewards.verifier.number import NumberVerifier


def obedient(response: str, gold: str, kind: str, choices: Sequence[str] = (), options: object = None) -> Grade:
    if response == "hang":
        while True:
            time.sleep(0.01)
    if response == "spin":
        while True:
            pass
    if response == "die":
        os._exit(3)
    if response.startswith("die once") and not os.path.exists(gold):
        open(gold, "w").close()
        os._exit(3)
    if response == "raise":
        raise KeyError("a bug of the grader")
    return Grade(True, 1.0, True, response, "test")


class Whispers(Verifier):
    """Correct is an answer in the gold's words and in lower case, or whatever `also` says; it misbehaves on request."""

    def __init__(self, also: str = "", attribute: object = None) -> None:
        self.also, self.attribute = also, attribute

    def judge(self, answer, gold, choices, options):
        if answer.text in ("hang", "raise", "die"):
            obedient(answer.text, gold, "whisper")
        if answer.text == "score":
            return Verdict(True, float("nan"), "whisper")
        if answer.text == "true":
            return True
        if answer.text.isdigit():
            return None
        return Verdict.of(answer.text in (gold.lower(), self.also), f"whisper {multiprocessing.current_process().name}")

    def check(self, gold, choices=()):
        return "the answer is loud" if gold.isupper() else None


class Rounded(NumberVerifier):
    """A verifier of ours with other options."""

    def judge(self, answer, gold, choices, options):
        return super().judge(answer, gold, choices, replace(options, decimals=0))
