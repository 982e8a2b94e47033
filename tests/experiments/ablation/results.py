"""Hand-made results of arms, as `ablation.json` holds them."""

from cogito_pl.experiments.ablation.measures import compared, measured, over_seeds
from cogito_pl.experiments.ablation.results import resolution

EQUAL = {
    "updates": 40,
    "completions_per_update": 128,
}

BY = ("family", "difficulty")


def graded(verdicts, tokens=10):
    """Completions with the verdicts `+` for correct and `-` for wrong."""
    return [
        {
            "draw": place,
            "id": f"p{place}",
            "meta": {"family": "count" if place % 2 else "locate", "difficulty": 1 + place % 3},
            "verdict": "right" if verdict == "+" else "wrong",
            "tokens": tokens,
            "finished": True,
        }
        for place, verdict in enumerate(verdicts)
    ]


def arm(verdicts, plain=None, cpu_s=None, starts=1):
    """One arm from the verdicts of its seeds; where they are missing, the seed failed."""
    seeds = {}
    for place, own in enumerate(verdicts):
        if own is None:
            seeds[str(place + 1)] = {"state": "failed", "error": "ValueError: [red]lr[/red] is | odd"}
            continue
        seeds[str(place + 1)] = result = {"state": "done"} | measured([graded(own)], BY)
        if plain:
            result["difference"] = compared([graded(own)], [graded(plain[place])])
        if cpu_s:
            result |= {"cost": {"cpu_s": cpu_s, "starts": starts}, "updates": {"grpo": 40}}
    done = [seed for seed in seeds.values() if seed["state"] == "done"]
    return over_seeds(done) | {"seeds": seeds, "overlays": []}


PLAIN = ["++++------", "+++++-----"]
SEEDS = 2


def result(seeds=SEEDS):
    """An ablation of two arms that work and one that fails."""
    plain = PLAIN[:seeds]
    arms = {
        "plain": arm(plain, cpu_s=40.4),
        "better": arm(["+++++++---", "++++++++--"][:seeds], plain, cpu_s=50.0, starts=2),
        "broken": arm([None, None][:seeds], plain),
    }
    return {
        "equal": EQUAL,
        "seeds": list(range(1, seeds + 1)),
        "n_test": 10,
        "recipe": [],
        "start": arm(["+---------", "+---------"][:seeds], plain),
        "arms": arms,
        "resolution": resolution(arms, seeds),
    }
