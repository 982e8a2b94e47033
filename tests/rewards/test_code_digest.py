"""The digest of the code that grades changes with the code, so that verdicts of older code are known."""

import importlib

from cogito_pl.rewards import Reward, RewardConfig, code_digest
from cogito_pl.rewards.verifier.text import TextVerifier

OWN = """
from cogito_pl.rewards import Verdict, Verifier


class Own(Verifier):
    def judge(self, answer, gold, choices, options):
        return Verdict.of({verdict}, "own")
"""


def test_a_verifier_of_ones_own_whose_code_has_changed_gives_other_rules(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "own_grader.py"
    path.write_text(OWN.format(verdict=True))
    own = importlib.import_module("own_grader").Own()

    def settings():
        return Reward(RewardConfig(verifiers={"text": own})).grading_settings()

    before = settings()
    assert settings() == before
    path.write_text(OWN.format(verdict=False))
    assert settings() != before
    assert before["code"] != Reward(RewardConfig()).grading_settings()["code"]


def test_the_shipped_verifiers_and_official_graders_are_in_the_digest(tmp_path, monkeypatch):
    shipped = code_digest._shipped.__wrapped__
    here = shipped()
    monkeypatch.setattr(code_digest, "__file__", str(tmp_path / "code_digest.py"))
    seen = {here, shipped()}
    for name in ("verifier/parsing/boxes.py", "official/vl_cogito.py", "verifier/text.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("first")
        seen.add(shipped())
        path.write_text("second")
        seen.add(shipped())
    monkeypatch.setattr(code_digest, "version", lambda name: f"another {name}")
    seen.add(shipped())
    assert len(seen) == 9
    path.rename(path.with_name("renamed.py"))
    assert shipped() not in seen


def test_two_verifiers_of_one_module_count_once():
    assert code_digest.code_digest([TextVerifier(), TextVerifier()]) == code_digest.code_digest([TextVerifier()])
