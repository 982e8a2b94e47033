"""A scorer of one's own: how often the model fails at a problem before it solves it, named in YAML."""

import pyarrow.parquet as pq

from cogito_pl.difficulty import Scorer, Task

CONFIG = """
trainer: {{accelerator: cpu, callbacks: [{{class_path: callbacks.DifficultyWriter, init_args: {{path: own.parquet}}}}]}}
model:
  class_path: cogito_pl.modules.ScoreModule
  init_args:
    policy: {{name: {model}}}
    scorer: {{class_path: {own}.Failures, init_args: {{most: 3}}}}
    sampling: {{max_tokens: 4}}
data: {{predict: [{{path: {data}, subset: train, split: train, limit: 4}}]}}
"""


class Failures(Scorer):
    name = headline = "failures"

    def __init__(self, most: int = 8) -> None:
        self.most = most

    def wanted(self, outcomes, images):
        task = Task(0.0, self.score(outcomes, images)["failures"])
        return [] if task in outcomes or task.repeat == self.most else [task]

    def score(self, outcomes, images):
        return {"failures": next((k for k in range(self.most) if outcomes.get(Task(0.0, k)) is not False), self.most)}

    def settings(self):
        return {"most": self.most}


def test_a_scorer_of_ones_own_writes_its_scores(run_cli, tiny_folder, playground_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text(CONFIG.format(model=tiny_folder, data=playground_folder, own=__name__))
    run_cli("predict", "--config", "own.yaml")
    assert pq.read_table("own.parquet")["failures"].to_pylist() == [3] * 4
