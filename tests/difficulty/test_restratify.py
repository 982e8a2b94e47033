"""`python -m cogito_pl.difficulty restratify`: strata by other limits, without a model, to be read by a run."""

import math

import pyarrow.parquet as pq
import pytest

from cogito_pl.data.scores import read_strata
from cogito_pl.data.strata import StrataConfig
from cogito_pl.difficulty.__main__ import main
from cogito_pl.difficulty.scores import stated_limits, with_strata, write_scores
from tests.conftest import problem

VALUES = [0.0, 0.1, 0.2, 0.5, 0.7, math.inf]


@pytest.fixture
def scores(tmp_path):
    config = StrataConfig(scorer="pism", file="any")
    rows = [{"id": f"p{n}", "source": "", "lambda_star": value, "solved": value > 0} for n, value in enumerate(VALUES)]
    about = {
        "strata": stated_limits(config),
        "scorer": {"ratios": [0.0, 0.1, 0.2, 0.5, 0.6, 0.7]},
        "origin": {"from": "x"},
    }
    write_scores(tmp_path / "scores.parquet", with_strata(rows, config), about)
    return tmp_path / "scores.parquet"


def counts(text):
    words = [line.replace("│", " ").split() for line in text.splitlines()]
    table = {
        row[0]: (row[1], row[3]) for row in words if len(row) > 4 and row[0] in ("easy", "medium", "hard", "unsolved")
    }
    return {name: (int(now), int(before)) for name, (now, before) in table.items()}


def test_new_thresholds_print_the_new_counts_beside_the_old_ones(scores, capsys):
    before = scores.read_bytes()
    main(["restratify", str(scores), "--thresholds", "0.1", "0.2"])
    text = capsys.readouterr().out
    assert counts(text) == {"easy": (3, 1), "medium": (1, 2), "hard": (1, 2), "unsolved": (1, 1)}
    assert "0.6" in text  # a ratio that no problem fails at
    assert scores.read_bytes() == before
    assert [path.name for path in scores.parent.iterdir()] == ["scores.parquet"]


def test_quantiles_and_the_paper_s_other_reading_of_seven_tenths_are_settings_too(scores, capsys):
    main(["restratify", str(scores), "--quantiles", "0.4", "0.8"])
    assert {name: now for name, (now, _) in counts(capsys.readouterr().out).items()} == {
        "easy": 1, "medium": 2, "hard": 2, "unsolved": 1,
    }  # fmt: skip
    main(["restratify", str(scores), "--seven", "easy"])
    assert counts(capsys.readouterr().out)["easy"] == (2, 1)


def test_a_new_file_holds_the_new_strata_and_a_run_reads_them(scores, capsys):
    out = scores.with_name("mine.parquet")
    main(["restratify", str(scores), "--thresholds", "0.1", "0.2", "--out", str(out)])
    assert str(out) in capsys.readouterr().out
    wanted = ["unsolved", "hard", "medium", "easy", "easy", "easy"]
    assert pq.read_table(out)["stratum"].to_pylist() == wanted
    assert out.with_suffix(".png").exists()
    problems = [problem(seed=n) for n in range(6)]
    assert read_strata(StrataConfig(scorer="pism", file=str(out)), problems) == wanted
    main(["restratify", str(out)])
    assert counts(capsys.readouterr().out) == {"easy": (1, 3), "medium": (2, 1), "hard": (2, 1), "unsolved": (1, 1)}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.parquet"], "none.parquet is no file"),
        (["scores.parquet", "--thresholds", "0.1"], "2 ascending numbers for pism"),
        (["scores.parquet", "--out", "new.csv"], "--out=new.csv is no .parquet file"),
        (["own.parquet"], "has none of the columns lambda_star"),
    ],
)
def test_what_cannot_be_done_is_one_message(scores, monkeypatch, capsys, words, message):
    monkeypatch.chdir(scores.parent)
    write_scores(scores.with_name("own.parquet"), [{"id": "a", "failures": 2}], {})
    with pytest.raises(SystemExit) as ended:
        main(["restratify", *words])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
