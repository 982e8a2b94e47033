"""A verifier of one's own: a kind of answer that the package does not know, added in YAML."""

from cogito_pl.rewards import Verdict, Verifier

CONFIG = """
trainer: {{accelerator: cpu, default_root_dir: {folder}}}
model:
  class_path: cogito_pl.modules.SFTModule
  init_args:
    policy: {{name: {model}}}
    evaluation: {{max_tokens: 4}}
    reward: {{verifiers: {{length: {{class_path: {own}.Brevity, init_args: {{slack: 99}}}}}}}}
data: {{validation: [{{path: {folder}/own.jsonl, kind: length}}], rejection_limit: 0.5}}
"""
ROWS = """
{"question": "Say something!", "answer": "1"}
{"question": "Say something!", "answer": "0"}
{"question": "Say something!", "answer": "little"}
"""


class Brevity(Verifier):
    """Correct is any answer with at most `slack` times as many characters as the gold answer says."""

    def __init__(self, slack: float = 1.0) -> None:
        self.slack = slack

    def judge(self, answer, gold, choices, options):
        return Verdict.of(len(answer.text) <= self.slack * int(gold), "brevity")

    def check(self, gold, choices=()):
        return None if gold.isdigit() else f"the answer {gold!r} is no length"


def test_answers_of_a_kind_of_ones_own_are_graded_by_the_verifier_in_yaml(run_cli, tiny_folder, tmp_path):
    (tmp_path / "own.jsonl").write_text(ROWS.lstrip())
    (tmp_path / "own.yaml").write_text(CONFIG.format(folder=tmp_path, model=tiny_folder, own=__name__))
    metrics = run_cli("validate", "--config", tmp_path / "own.yaml").trainer.callback_metrics
    assert metrics["val/accuracy"] == 0.5
    assert "'little' is no length" in next(tmp_path.rglob("rejected.jsonl")).read_text()
