"""Rules by which benchmarks compare texts: containment (OCRBench), edit distance (ANLS), MMMU's open questions."""

import re

_TAILS = ("could be", "so", "is", "thus", "therefore", "final", "answer", "result")
_NUMBER = re.compile(
    r"-?\b\d{1,3}(?:,\d{3})+\b|-?\d+(?:\.\d+)?[eE][+-]?\d{1,3}|-?(?:\d+\.\d+|\.\d+|\d+\b)(?![eE][+-]?\d)"
)


def contains(answer: str, gold: str) -> bool:
    """OCRBench: whether the gold occurs in the answer, both normalised, and not as part of a longer number."""
    edge = r"(?!\d)" if gold[-1:].isdigit() else ""
    return bool(gold) and bool(re.search((r"(?<!\d)" if gold[:1].isdigit() else "") + re.escape(gold) + edge, answer))


def distance(left: str, right: str, most: int) -> int:
    """The Levenshtein distance of two texts, or `most + 1` when it is larger."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    row = list(range(len(right) + 1))
    for i, sign in enumerate(left, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(right, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (sign != other))
        if min(row) > most:
            return most + 1
    return row[-1]


def within(left: str, right: str, share: float) -> bool:
    """Whether the edit distance is at most a share of the longer text (ANLS has 0.5); up to 300 characters."""
    longest = max(len(left), len(right))
    if longest > 300 or not longest:
        return left == right
    most = int(share * longest)
    return distance(left, right, most) <= most


def _value(text: str) -> float | str:
    bare = text.replace(",", "")
    try:
        return round(float(bare), 2)
    except ValueError:
        return text.strip().lower()


def mmmu(answer: str, gold: str) -> bool:
    """MMMU's rule: the tails after "so", "is", "=" and their numbers, rounded to 2 decimals, against the gold.

    A gold number must equal one of the numbers; a gold word must occur in one of the texts ("cat" in "category").

    Args:
        answer: The stated text.
        gold: The gold text or number.

    Returns:
        Whether one of the readings of the answer agrees.
    """
    readings: set[float | str] = set()
    for sentence in re.split(r"\.\s(?=[A-Z])|\n", answer[:2000].strip().strip(".").lower()):
        tails = [sentence.split(word)[-1].strip() for word in (*_TAILS, "=") if word in sentence]
        tail = min(filter(None, tails), key=len, default=sentence)
        readings |= {_value(tail), *(_value(number) for number in _NUMBER.findall(tail))}
    target = _value(gold)
    if isinstance(target, float):
        return target in readings
    return any(target in reading for reading in readings if isinstance(reading, str))
