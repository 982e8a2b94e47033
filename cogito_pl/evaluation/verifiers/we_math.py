"""We-Math's rule: the first character after the last "Answer", with `<>:.` removed, where it is one of A to H.

The benchmark names "Answer" as a marker (`GradeOptions.markers`). Responses in another form, a box or a tag, are read
as any choice.
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from cogito_pl.rewards.verifier.base import Verdict
from cogito_pl.rewards.verifier.choice import ChoiceVerifier
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing.extract import Candidate

MARKER = "Answer"


class WeMathLetter(ChoiceVerifier):
    """Compares one letter from A to H."""

    reads_labels: ClassVar[bool] = True

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares the letter with the gold letter; see `Verifier.judge`."""
        if answer.rule == "marker":
            letter = re.sub(r"[<>:.\s]", "", answer.text)[:1]
            if letter and letter in "ABCDEFGH":
                return Verdict.of(letter == gold, "we-math")
        return super().judge(answer, gold, choices, options)
