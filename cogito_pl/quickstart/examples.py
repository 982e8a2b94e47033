"""Which test problems a report shows, by a rule that leaves no choice. Knows records; nothing of pages."""

from cogito_pl.quickstart.summary import Answers

RULE = (
    "Chosen by rule, not by hand: going through the test problems in order, the first of every family that meets the "
    "condition."
)


def first_of_families(answers: Answers, verdicts: dict[str, bool], limit: int) -> list[int]:
    """Places of the first problem of every family for which the models did as `verdicts` says.

    Args:
        answers: Graded completions, per model in the order of the test problems.
        verdicts: Per model, whether it must be right.
        limit: At most so many problems.
    """
    chosen: dict[str, int] = {}
    for place in range(len(next(iter(answers.values())))):
        if all((answers[model][place]["verdict"] == "right") == right for model, right in verdicts.items()):
            family = next(iter(answers.values()))[place]["meta"]["family"]
            chosen.setdefault(family, place)
    return list(chosen.values())[:limit]
