"""Graders that misbehave on request; workers import them by name."""

import os
import time
from collections.abc import Sequence

from cogito_pl.rewards import Grade


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
