"""OCRBench's rule: one of the golds occurs in the answer.

The official code looks at the whole response; here at the place that states the answer, since a response that quotes
much of the image would contain the gold by chance. Without a tag, box or marker that place is the response.
"""

import json
from collections.abc import Sequence

from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing.extract import Candidate


class OCRBenchText(Verifier):
    """Containment of one of several golds, which stand in the answer as a JSON list.

    Args:
        formula: Compare without spaces and with the case of letters, as for handwritten formulas (HME100k); otherwise
            in lower case, with line breaks as spaces.
    """

    def __init__(self, formula: bool = False) -> None:
        self.formula = formula

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Looks for the golds in the answer; see `Verifier.judge`."""
        text = self._normal(answer.text)
        return Verdict.of(any(self._normal(one) in text for one in json.loads(gold)), "contains") if text else None

    def _normal(self, text: str) -> str:
        text = text.strip().replace("\n", " ")
        return text.replace(" ", "") if self.formula else text.lower()

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why there is no gold to look for, None when there is."""
        return None if all(self._normal(one) for one in json.loads(gold)) else "one of the answers is empty"
