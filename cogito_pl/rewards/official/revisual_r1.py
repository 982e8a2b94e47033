r"""The rewards of ReVisual-R1's released code (arXiv 2506.04207), of which the paper mentions the accuracy alone.

Multimodal RL: 0.80 accuracy + 0.05 (self_critic + image_revisit + repetition), `format` logged with weight 0. Textual
RL: 0.85 accuracy + 0.10 repetition + 0.05 self_critic. Accuracy is MathRuler on the last box, after white space around
every `<`, `>` and `/` is taken out.

What it gets wrong, as measured on the released code. `<answer>4</answer>` and "The answer is 4" score 0 for 4: without
a box, the answer is the string "None", so that the steps after it never run, and no answer at all meets a gold "None".
All of MathRuler's verdicts (see `ruler`). The style terms pay for words: long reflection drives `self_critic` to 1 and
`repetition` to 0 whatever it says, "But wait" raises one and lowers the other, and wrong answers are paid like correct
ones. (The shipped textual reward is moreover called with its arguments in the wrong places, which inverts it; that is
not reproduced.)

Not reproduced exactly: the lexicons, known by examples and ranges of weights, and the patterns of `image_revisit`. All
terms take linear time here; one of the released patterns is quadratic.
"""

import re
from collections import Counter
from collections.abc import Sequence

from cogito_pl.rewards.official import ruler
from cogito_pl.rewards.official.reading import thought_then_answer
from cogito_pl.rewards.official.variant import Variant
from cogito_pl.rewards.verifier.grade import Grade
from cogito_pl.rewards.verifier.options import STANDARD, GradeOptions

CUES = (
    dict.fromkeys(("mistake", "error", "incorrect", "wrong", "contradiction"), 0.12)
    | dict.fromkeys(("reconsider", "re-examine", "rethink"), 0.09)
    | dict.fromkeys(("wait", "but", "however", "actually"), 0.06)
    | dict.fromkeys(("maybe", "perhaps", "check"), 0.03)
)
"""Words of doubt and correction, with the middle of the range that their group has."""

_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_SENTENCE = re.compile(r"[^.!?\n]+")
_DOUBT = re.compile(r"\b(?:wait|hmm|however|maybe|perhaps|not sure)\b")
_CORRECTION = re.compile(r"\b(?:correct|correction|should be|instead|actually|mistake)\b")
_LOOK = re.compile(r"\b(?:image|picture|figure|diagram|graph|chart)\b")
_LOOK_AGAIN = re.compile(r"\b(?:look|looking|check|examine)(?:ing)? (?:again )?(?:at )?the (?:image|picture|figure)\b")


def grade(response: str, gold: str, kind: str, choices: Sequence[str] = (), options: GradeOptions = STANDARD) -> Grade:
    """Grades as the released code does, whatever the kind; `choices` and `options` are not used."""
    box = ruler.last_box(re.sub(r"(?<=[<>/])\s+|(?<!\s)\s+(?=[<>/])", "", response))
    correct = ruler.same(box, gold)
    return Grade(correct, float(correct), box != ruler.MISSING, box[:500], "boxed/ruler")


def form(response: str, verdict: Grade) -> float:
    """1.0 for reasoning and then a box, an answer tag, "answer:" or "Therefore ... ="."""
    text = response.strip()
    thought, closed, rest = text.partition("</think>")
    stated = r"\boxed{" in rest or "answer:" in rest.lower() or "=" in rest.partition("Therefore")[2]
    return float(thought_then_answer(text) or bool(thought.startswith("<think>") and closed and stated))


def self_critic(response: str, verdict: Grade) -> float:
    """Words of doubt, doubt that is followed by correction, and both more often in the second half; at most 1."""
    text = response.lower()
    counts = Counter(word for word in _WORD.findall(text) if word in CUES)
    score = sum(CUES[word] * (1 + 0.5 * (count - 1)) for word, count in counts.items())
    sentences = _SENTENCE.findall(text)
    corrects = [bool(_CORRECTION.search(sentence)) for sentence in sentences]
    doubts = [at for at, sentence in enumerate(sentences) if _DOUBT.search(sentence)]
    score += 0.25 * min(3, sum(any(corrects[at + 1 : at + 4]) for at in doubts))
    early, late = (sum(word in CUES for word in _WORD.findall(half)) for half in _halves(text))
    return min(1.0, score + 0.1 * (late > early))


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def image_revisit(response: str, verdict: Grade) -> float:
    """The image named early, looked at again later, and corrected after that; at most 1."""
    early, late = _halves(response.lower())
    again = [match.end() for match in _LOOK_AGAIN.finditer(late)]
    corrected = sum(bool(_CORRECTION.search(late[end : end + 300])) for end in again)
    return min(0.2 * len(_LOOK.findall(early)), 0.4) + min(0.3 * len(again), 0.3) + min(0.3 * corrected, 0.3)


def repetition(response: str, verdict: Grade) -> float:
    """1 minus penalties for repeated sentences, repeated runs of five words, "but wait" and "maybe"."""
    text = response.lower()
    sentences = Counter(sentence.strip() for sentence in _SENTENCE.findall(text) if sentence.strip())
    words = text.split()
    runs = Counter(zip(*(words[start:] for start in range(5)), strict=False))
    circles = len(re.findall(r"\bbut wait\b", text)), len(re.findall(r"\bmaybe\b", text))
    twice, again = (sum(count - 1 for count in counts.values()) for counts in (sentences, runs))
    return 1.0 - min(0.5, 0.1 * twice) - min(0.3, 0.05 * again) - min(0.2, 0.3 * circles[0] + 0.2 * circles[1])


VARIANT = Variant(
    grader=grade,
    weights={"accuracy": 0.8, "format": 0.0, "self_critic": 0.05, "image_revisit": 0.05, "repetition": 0.05},
    terms={"format": form, "self_critic": self_critic, "image_revisit": image_revisit, "repetition": repetition},
)
TEXT_VARIANT = Variant(
    grader=grade,
    weights={"accuracy": 0.85, "format": 0.0, "self_critic": 0.05, "repetition": 0.1},
    terms={"format": form, "self_critic": self_critic, "repetition": repetition},
)
