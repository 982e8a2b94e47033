"""HallusionBench's rule as VLMEvalKit has it: the answer says yes or no, and not both."""

import re
from collections.abc import Sequence

from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing.extract import Candidate


class YesNo(Verifier):
    """Compares "yes" or "no"; a response that says neither, or both, is unparsed, which counts as wrong."""

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares the only word of the two that a place has; see `Verifier.judge`."""
        said = {word for word in re.findall(r"[a-z]+", answer.text.lower()) if word in ("yes", "no")}
        return Verdict.of(said == {gold}, "yes-no") if len(said) == 1 else None

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why this gold is neither of the two, None when it is one."""
        return None if gold in ("yes", "no") else f"the answer {gold[:60]!r} is neither yes nor no"
