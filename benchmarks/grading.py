"""What grading costs, on completions of which some are hostile.

    python -m benchmarks.grading --count 10000 --workers 2

Draws completions of every kind from a seed: 60% state the gold as it is written, 30% state it (or something else) in
another way, 9% state nothing, 1% are hostile: towers of exponents, 100 kB of one token, unbalanced braces, control
characters, lone surrogates, null bytes. Grades them with `Reward`, as training does, in batches of a rollout's size,
then the hostile ones alone, one by one.
"""

import argparse
import multiprocessing
import random
import resource
import time
from collections import Counter
from typing import NamedTuple

from cogito_pl.problem import Problem
from cogito_pl.rewards import Reward, RewardConfig
from cogito_pl.rewards.verifier.grade import VERDICTS

SHARES = {"exact": 0.60, "parsing": 0.30, "unparsable": 0.09, "hostile": 0.01}
WORDS = ("the", "so", "we", "see", "that", "sides", "of", "this", "triangle", "are", "equal", "then", "add", "angles")
KINDS = ("math", "math", "math", "number", "choice", "text", "chart", "boxes")
HOSTILE = {
    "tower of exponents": r"\boxed{9^{9^{9^{9}}}}",
    "monster exponent": r"\boxed{10^{100000000}}",
    "power of a sum": r"\boxed{(x+y+z)^{999}}",
    "integral": r"\boxed{\int_0^1 \sqrt{1+x^7}\sin(x^3) dx}",
    "factorial": r"\boxed{1000000!}",
    "nested roots": r"\boxed{" + r"\sqrt{1+" * 55 + "x" + "}" * 55 + "}",
    "100 kB of one token": "1 " * 50_000,
    "100 kB of one letter": r"\boxed{" + "a" * 100_000 + "}",
    "open braces": "{" * 100_000,
    "open boxes": r"\boxed{" * 14_000,
    "unbalanced": r"The answer is \boxed{\frac{1}{" + r"\left( " * 500,
    "control characters": "<answer>" + "\x00\x01\x1b[31m\x7f\u202e\ufeff" * 1_000 + "</answer>",
    "lone surrogates": r"\boxed{\sqrt{" + "\ud800\udfff" * 100 + "}}",
    "null bytes": "\\boxed{x\x00+\x001}",
    "open tags": "<answer>" * 12_000,
}


class Completion(NamedTuple):
    """A response, its problem, and which share it belongs to."""

    response: str
    problem: Problem
    share: str


def draw(count: int, seed: int = 0) -> list[Completion]:
    """Completions in random order; the shares are exact, and at least one is hostile."""
    chance = random.Random(seed)
    hostile = max(1, round(SHARES["hostile"] * count))
    exact, parsing = round(SHARES["exact"] * count), round(SHARES["parsing"] * count)
    shares = ["hostile"] * hostile + ["exact"] * exact + ["parsing"] * parsing
    shares += ["unparsable"] * (count - len(shares))
    drawn = [_completion(chance, share, number) for number, share in enumerate(shares)]
    chance.shuffle(drawn)
    return drawn


def _completion(chance: random.Random, share: str, number: int) -> Completion:
    kind = "math" if share == "hostile" else chance.choice(KINDS)
    gold, other, choices = _answer(chance, kind)
    problem = Problem(id=str(number), question="?", answer=gold, kind=kind, choices=choices)
    thought = " ".join(chance.choices(WORDS, k=chance.randint(60, 300))) + f" (draw {number})."
    if share == "hostile":
        return Completion(list(HOSTILE.values())[number % len(HOSTILE)], problem, share)
    if share == "unparsable":
        return Completion(f"<think>{thought}" if number % 2 else f"{thought}\nI cannot tell\nwhich", problem, share)
    stated = gold if share == "exact" else other
    form = chance.choice(("<answer>{}</answer>", "<answer>{}</answer>", "So the answer is {}."))
    form = r"Hence \boxed{{{}}}" if kind == "math" and chance.random() < 0.5 else form
    return Completion(f"<think>{thought}</think>\n{form.format(stated)}", problem, share)


def _answer(chance: random.Random, kind: str) -> tuple[str, str, tuple[str, ...]]:
    """A gold, another way to state it or something near it, and choices."""
    a, b, c = (chance.randint(2, 60) for _ in range(3))
    if kind == "math":
        return *chance.choice([
            (rf"\frac{{{a}}}{{{b}}}", rf"{2 * a}/{2 * b}"),
            (rf"{a}\sqrt{{{b}}}", rf"\sqrt{{{a * a * b}}}"),
            (rf"{a}\sqrt{{{b}}}", rf"{a}\sqrt{{{b + 1}}}"),
            (rf"x^2+{a + b}x+{a * b}", rf"(x+{a})(x+{b})"),
            (rf"{a}\pi", rf"\frac{{{2 * a}\pi}}{{2}}"),
            (rf"({a}, {b})", rf"({a}, {b + c})"),
            (rf"x > {a}", rf"({a}, \infty)"),
            (str(a * b), rf"{a} \cdot {b}"),
            (rf"y = {a}x + {b}", rf"y - {b} = {a}x"),
        ]), ()  # fmt: skip
    if kind == "number":
        return f"{a * 1000 + b}", f"{a},{b:03d} {chance.choice(('units', ''))}", ()
    if kind == "choice":
        options = tuple(f"{word} {a}" for word in ("red", "green", "blue", "black"))
        place = chance.randrange(4)
        return "ABCD"[place], chance.choice((options[place], f"({'ABCD'[place]}) since it fits", "not C")), options
    if kind == "text":
        return f"Station {a} North", f"the station-{a} north", ()
    if kind == "chart":
        return f"{a}.5", f"{a}.6 million", ()
    boxes = [[a, b, a + c, b + c], [a + 100, b, a + 100 + c, b + c]]
    return str(boxes), '```json\n[{"bbox_2d": ' + str(boxes[0]) + ', "label": "x"}]\n```', ()


def cpu_s() -> tuple[float, float]:
    """CPU seconds of this process, and of its children that have ended."""
    return tuple(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def grade_all(drawn: list[Completion], workers: int, deadline_s: float, batch: int) -> tuple[dict, dict[str, Counter]]:
    """Costs and counters, and verdicts by share."""
    reward = Reward(RewardConfig(workers=workers, deadline_s=deadline_s))
    start, before, others = time.monotonic(), cpu_s(), set(multiprocessing.active_children())
    verdicts: dict[str, Counter] = {share: Counter() for share in SHARES}
    for first in range(0, len(drawn), batch):
        part = drawn[first : first + batch]
        result = reward.score([done.response for done in part], [done.problem for done in part])
        for done, grade in zip(part, result.grades, strict=True):
            verdicts[done.share][grade.verdict] += 1
    reward.close()
    after = cpu_s()
    costs = {
        "wall_s": time.monotonic() - start,
        "cpu_parent_s": after[0] - before[0],
        "cpu_workers_s": after[1] - before[1],
        "processes_left": len(set(multiprocessing.active_children()) - others),
    }
    return costs | reward.counters, verdicts


def slowest_hostile(workers: int, deadline_s: float) -> tuple[float, str]:
    """Longest time that one hostile response takes alone, from a pool that is warm, and which one it is."""
    reward, problem = Reward(RewardConfig(workers=workers, deadline_s=deadline_s)), _math("12")
    times = []
    for name, response in HOSTILE.items():
        reward.score([rf"\boxed{{x+{len(times)}}}"], [_math("y")])  # a worker that was killed is back
        start = time.monotonic()
        reward.score([response], [problem])
        times.append((time.monotonic() - start, name))
    reward.close()
    return max(times)


def _math(answer: str) -> Problem:
    return Problem(id="p", question="?", answer=answer, kind="math")


def main() -> None:
    """Prints the tables."""
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="completions")
    parser.add_argument("--seed", type=int, default=0, help="of the completions")
    parser.add_argument("--workers", type=int, default=2, help="processes that grade")
    parser.add_argument("--deadline", type=float, default=5.0, help="seconds for one completion")
    parser.add_argument("--batch", type=int, default=1024, help="completions graded at once")
    settings = parser.parse_args()
    console = Console()
    costs, verdicts = grade_all(
        draw(settings.count, settings.seed), settings.workers, settings.deadline, settings.batch
    )
    table = Table("share", "correct", "wrong", "unparsed", title=f"{settings.count} completions, seed {settings.seed}")
    for share, counts in verdicts.items():
        table.add_row(share, *(str(counts[verdict]) for verdict in VERDICTS))
    console.print(table)
    table = Table("cost or count", "value")
    for name, value in costs.items():
        table.add_row(name, f"{value:.1f}" if isinstance(value, float) else str(value))
    seconds, name = slowest_hostile(settings.workers, settings.deadline)
    table.add_row("slowest hostile one, wall_s", f"{seconds:.2f} ({name})")
    console.print(table)


if __name__ == "__main__":
    main()
