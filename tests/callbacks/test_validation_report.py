"""`validate` prints how many problems are answered correctly, of all and by group, every problem once."""

import os
import subprocess
import sys

import pytest
import yaml

from callbacks import RolloutTable, ValidationReport
from callbacks.validation_report import table
from cogito_pl.experiments.intervals import mean_interval
from cogito_pl.files import read_jsonl
from tests.conftest import ROOT
from tests.modules.test_ranks import STRATEGIES
from tests.modules.training import data, grpo, trainer

GRADED = [
    ({"kind": kind, "source": "test", "meta.level": level, "meta.seed": number}, number < 4)
    for number, (kind, level) in enumerate([("number", 1), ("number", 2), ("text", 1), ("text", 2), ("text", 10)])
]


def shown(graded, columns=None) -> dict[str, tuple[str, ...]]:
    """The cells of each row behind its first."""
    made = table(graded, columns)
    first, *others = (list(column.cells) for column in made.columns)
    return dict(zip(first, zip(*others, strict=True), strict=True))


def test_every_row_has_its_count_accuracy_and_wilson_interval():
    rows = shown(GRADED)
    assert rows["all"] == ("5", "80.0%", "37.6% to 96.4%")  # Wilson of 4 of 5
    assert rows["kind text"] == ("3", "66.7%", "20.8% to 93.9%")
    assert rows["meta.level 10"] == ("1", "0.0%", "0.0% to 79.3%")


def test_problems_with_several_completions_have_the_interval_of_their_mean():
    rows = shown([({"kind": "text", "source": "a"}, share) for share in (0.5, 1.0, 0.75, 0.25)])
    _, low, high = mean_interval([0.5, 1.0, 0.75, 0.25])
    assert high > 1
    assert rows["all"] == ("4", "62.5%", f"{low:.1%} to 100.0%")


def test_columns_of_few_values_are_shown_in_order_and_one_that_differs_everywhere_is_not():
    assert [name for name in shown(GRADED) if name.startswith("meta")] == [
        "meta.level 1",
        "meta.level 2",
        "meta.level 10",
    ]
    many = [({"kind": "text", "source": "a", "meta.level": number % 13}, True) for number in range(40)]
    assert not any(name.startswith("meta") for name in shown(many))
    assert len(shown(many, ["level"])) == 3 + 13


def test_named_columns_are_shown_and_no_others():
    assert [name for name in shown(GRADED, ["seed"]) if name.startswith("meta")] == [f"meta.seed {n}" for n in range(5)]
    with pytest.raises(ValueError, match=r"ValidationReport\.columns: .*'colour'; there are level, seed"):
        table(GRADED, ["colour"])


def test_a_fit_prints_no_table(tiny_folder, playground_folder, tmp_path, capsys):
    fit = trainer(tmp_path, ValidationReport())
    fit.fit(grpo(tiny_folder), data(playground_folder, validation=True))
    assert "interval" not in capsys.readouterr().out


@pytest.mark.parametrize("verbose", [True, False])
def test_validate_prints_every_problem_once_and_nothing_where_it_is_not_verbose(
    tiny_folder, playground_folder, tmp_path, capsys, verbose
):
    fit = trainer(tmp_path, RolloutTable(), ValidationReport(["difficulty"]))
    fit.validate(grpo(tiny_folder), data(playground_folder, validation=True, validation_batch=3), verbose=verbose)
    rows = read_jsonl(tmp_path / "validation.rank0.jsonl")
    text = capsys.readouterr().out
    assert ("95% interval" in text) == verbose
    for level in {row["meta"]["difficulty"] for row in rows} if verbose else ():
        mine = [row["verdict"] == "right" for row in rows if row["meta"]["difficulty"] == level]
        (line,) = (line for line in text.splitlines() if f"meta.difficulty {level} " in line)
        assert line.replace("│", " ").split()[2:4] == [str(len(mine)), f"{sum(mine) / len(mine):.1%}"]


@pytest.mark.slow
def test_two_ranks_print_the_table_of_one(tiny_folder, playground_folder, tmp_path):
    def run(name):
        settings = {
            "trainer": {"accelerator": "cpu", "logger": False, "default_root_dir": str(tmp_path / name)}
            | STRATEGIES[name],
            "model": {
                "class_path": "cogito_pl.modules.GRPOModule",
                "init_args": {"policy": {"name": str(tiny_folder)}, "evaluation": {"max_tokens": 4, "temperature": 0}},
            },
            "data": {"validation": [{"path": str(playground_folder), "subset": "validation", "split": "validation"}]},
        }
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(settings))
        command = [sys.executable, "train.py", "validate", "--config", str(tmp_path / f"{name}.yaml")]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
        assert said.returncode == 0, said.stderr[-3000:]
        return [line for line in said.stdout.splitlines() if line.startswith("│")]

    assert run("ddp") == run("one") != []
