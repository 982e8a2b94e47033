"""Hand-made graded completions, as `callbacks.RolloutTable` writes them."""

import json

from cogito_pl.quickstart.phases import MODELS, evaluation_folder

VERDICTS = {
    "base": ["wrong", "unparsed", "wrong", "unparsed"],
    "sft": ["right", "wrong", "wrong", "right"],
    "grpo": ["right", "right", "right", "wrong"],
}
PROBLEMS = [("count", 1), ("locate", 10), ("count", 2), ("locate", 2)]


def record(place, verdict, response="<think>a1 red</think><answer>2</answer>", **changes):
    family, difficulty = PROBLEMS[place]
    return {
        "draw": place,
        "id": f"{family}-{difficulty}-{place}",
        "meta": {"family": family, "difficulty": difficulty, "seed": place},
        "question": "<image>How many red ones?",
        "gold": "2",
        "response": response,
        "verdict": verdict,
        "tokens": 10 + place,
        "finished": place != 3,
    } | changes


def answers(**changes):
    return {
        model: [record(place, verdict, **changes) for place, verdict in enumerate(VERDICTS[model])] for model in MODELS
    }


def write_answers(run, answers):
    for model, rows in answers.items():
        folder = evaluation_folder(run, model)
        folder.mkdir(parents=True)
        (folder / "validation.rank0.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
