"""What the controls came to, as plain values for `summary.json`."""

from pathlib import Path

from cogito_pl.files import write_json
from cogito_pl.playground.parts import part_file
from cogito_pl.quickstart.controls.blind import blind_verdicts
from cogito_pl.quickstart.controls.phases import control_settings, permuted_file
from cogito_pl.quickstart.phases import evaluation_folder
from cogito_pl.quickstart.record import Cost
from cogito_pl.quickstart.settings import Settings
from cogito_pl.quickstart.summary import Answers, difference, interval, read_rows, share


def shuffled_outcome(settings: Settings, answers: Answers) -> dict:
    """Accuracy after GRPO on shuffled rewards, and its difference from SFT over the same problems."""
    rows = read_rows(evaluation_folder(control_settings(settings, "shuffled-rewards").run, "grpo"))
    return _graded(rows) | {"control-sft": difference({"control": rows, "sft": answers["sft"]}, "control", "sft")}


def careful_outcome(settings: Settings, answers: Answers, cost: Cost, grpo_cost: Cost, steps: int) -> dict:
    """Accuracy after careful imitation, the difference of GRPO from it, and what both cost."""
    rows = read_rows(evaluation_folder(control_settings(settings, "careful-sft").run, "careful"))
    return _graded(rows) | {
        "grpo-control": difference({"grpo": answers["grpo"], "control": rows}, "grpo", "control"),
        "steps": steps,
        "cpu_s": round(cost.cpu_s, 1),
        "grpo_cpu_s": round(grpo_cost.cpu_s, 1),
    }


def permuted_outcome(settings: Settings) -> dict:
    """Accuracy on exchanged images, that of the blind guess, and how much more the models know than it does."""
    control = control_settings(settings, "permuted-images")
    blind = blind_verdicts(part_file(settings.data, "train"), permuted_file(control))
    result: dict = {}
    for model in ("sft", "grpo"):
        rows = read_rows(evaluation_folder(control.run, model))
        guesses = [{"verdict": blind[row["id"]]} for row in rows]
        result["blind"] = share(guesses)
        result["n"] = len(rows)
        result[model] = share(rows)
        result[f"{model}-blind"] = difference({model: rows, "blind": guesses}, model, "blind")
    return result


def write_outcome(control: Settings, outcome: dict) -> None:
    """Keeps what a control came to in its folder, all or nothing."""
    write_json(outcome_file(control), outcome)


def outcome_file(control: Settings) -> Path:
    """Where it is kept."""
    return control.run / "outcome.json"


def _graded(rows: list[dict]) -> dict:
    return {"accuracy": share(rows), "accuracy_ci": interval(rows)}
