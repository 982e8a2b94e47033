r"""The reward of VL-Cogito's released code (arXiv 2507.22607): accuracy + 0.5 x format; its length term is a callback.

Accuracy takes the first `<answer>...</answer>` (none: 0) and in it the last box, and accepts the first success of:
MathRuler; Math-Verify on the two bare strings, gold and answer swapped; both without LaTeX text, unit words, braces,
spaces and commas, as strings and by Math-Verify; and at last the whole text of the tag: as it stands, without those
words, and by Math-Verify with "pi" replaced by "3.14". The hard stage also weighs `repetition` by 0.5.

What it gets wrong, as measured on the released code. Accepted although wrong: `2\sqrt{3}` for `2\sqrt{5}`, `5` for
`5\pi`, `10 apples` for `10 pears`, `16, 9` for `9` (bare strings are read as their last number, or first); `1,2` for
`12`; `square` for `cell`, `Monday` for `Mon`, `line` for `le` (unit words are cut out of words); `5 m` for `5 cm`.
Rejected although correct: `A.` and `A. 5` for `A`; `2 million` for `2000000`; a box without the tag. The format needs
no box and may hold several blocks, but no white space around them.

Not reproduced exactly: MathRuler (see `ruler`), and the list of unit words, of which only examples are documented.
"""

import re
from collections.abc import Sequence

from cogito_pl.rewards.official import ruler
from cogito_pl.rewards.official.reading import first_answer, thought_then_answer, verified
from cogito_pl.rewards.official.variant import Variant
from cogito_pl.rewards.repetition import repetition
from cogito_pl.rewards.verifier.grade import Grade
from cogito_pl.rewards.verifier.options import STANDARD, GradeOptions

_WORDS = re.compile(
    r"\\text|square|degrees?|inch(?:es)?|centimet(?:er|re)s?|met(?:er|re)s?|minutes?|seconds?|hours?|units?|cells?|"
    r"day|and|in|cm|km|mm|平方|厘米|度|个|元|米|°|\^\\circ|\\circ|[{}\s,，]"  # noqa: RUF001
)


def normalised(text: str) -> str:
    """A text without unit words, wherever they stand, and without braces, white space, commas and case."""
    text = _WORDS.sub("", text.lower())
    return {"notenough": "insufficient", "enough": "sufficient"}.get(text, text)


def grade(response: str, gold: str, kind: str, choices: Sequence[str] = (), options: GradeOptions = STANDARD) -> Grade:
    """Grades as the released code does, whatever the kind; `choices` and `options` are not used."""
    text = first_answer(response)
    if text is None:
        return Grade.without_answer("none")
    box = ruler.last_box(text)
    rules = (
        ("ruler", lambda: ruler.same(box, gold)),
        ("bare", lambda: verified(box, gold)),
        ("words", lambda: normalised(box) == normalised(gold)),
        ("words-bare", lambda: verified(normalised(box), normalised(gold))),
        ("text", lambda: text == gold or normalised(text) == normalised(gold)),
        ("text-pi", lambda: verified(*(rf"\boxed{{{part}}}".replace("pi", "3.14") for part in (text, gold)))),
    )
    try:
        rule = next((name for name, agree in rules if agree()), None)
    except Exception:  # as released: whatever goes wrong scores 0
        rule = None
    return Grade(rule is not None, float(rule is not None), True, text[:500], f"answer-tag/{rule or 'differs'}")


def form(response: str, verdict: Grade) -> float:
    """1.0 for `<think>...</think>`, white space, `<answer>...</answer>` and nothing else; blocks may repeat within."""
    return float(thought_then_answer(response))


def repetition_of_wrong(response: str, verdict: Grade) -> float:
    """Minus the share of repeated runs of 20 words, 0 for correct answers."""
    return 0.0 if verdict.correct else repetition(response)


VARIANT = Variant(
    grader=grade,
    weights={"accuracy": 1.0, "format": 0.5, "repetition": 0.0},
    terms={"format": form, "repetition": repetition_of_wrong},
)
