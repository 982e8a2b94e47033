"""Log folders as runs of `train.py` leave them, made by hand."""

import json

import yaml
from torch.utils.tensorboard import SummaryWriter

CONFIG = {
    "seed_everything": 17,
    "trainer": {"max_epochs": 2, "callbacks": [{"class_path": "callbacks.RolloutTable", "init_args": {"every": 3}}]},
    "model": {"class_path": "cogito_pl.modules.GRPOModule", "init_args": {"policy": {"name": "tiny"}}},
    "data": {"train": [{"path": "here", "split": "train"}]},
    "ckpt_path": None,
}


def completion(place=0, *, step=0, verdict="right", **changes):
    """A record of `callbacks.RolloutTable`."""
    return {
        "step": step,
        "epoch": 0,
        "stage": "",
        "draw": place,
        "id": f"p{place}",
        "source": "train",
        "meta": {"family": "count"},
        "question": f"<image>How many are {place}?",
        "images": [f"train.parquet row {place} image 1"],
        "sizes": [[8, 8]],
        "kind": "number",
        "choices": [],
        "gold": "4",
        "response": f"I see {place}",
        "extracted": str(place),
        "rule": "tags",
        "verdict": verdict,
        "reward": 1.1,
        "terms": {"accuracy": 1.0, "format": 1.0},
        "advantage": -0.5,
        "tokens": 10 + place,
        "finished": True,
        "image_files": [],
    } | changes


def write_lines(path, rows, torn=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + torn)


def write_config(folder, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG | changes))


def write_curves(folder, curves):
    with SummaryWriter(folder) as board:
        for name, values in curves.items():
            for step, value in enumerate(values):
                board.add_scalar(name, value, step)
