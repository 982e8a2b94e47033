"""The page of a run: its numbers are those of the files, its texts stay text, and it loads nothing."""

import os
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cogito_pl.data.strata import StrataConfig
from cogito_pl.difficulty.scores import stated_limits, write_scores
from cogito_pl.report.__main__ import main
from cogito_pl.report.run_page import write_report
from tests.conftest import ROOT
from tests.report.pages import Page, shown_data
from tests.report.runs import completion, write_config, write_curves, write_lines

HOSTILE = "</script><script>alert('x')</script><img src=https://example.org/x.png> & \"{{ 7 * 7 }}\" \ud800"


def text_of(folder):
    return write_report(folder).read_text(encoding="utf-8")


def prompt(p, difficulty, **changes):
    correct = round(4 * p)
    return {
        "id": "a", "difficulty": difficulty, "p": p, "weight": 0.5, "correct": [10] * correct,
        "wrong": [20] * (4 - correct), "truncated": 0, "zero_advantage": 4, "terms": {"format": 1.0},
    } | changes  # fmt: skip


@pytest.fixture
def fit(tmp_path):
    """A staged fit of two ranks with everything that the callbacks record."""
    stages = [{"name": "easy", "epochs": 1}, {"name": "hard", "epochs": 1}]
    callbacks = [{"class_path": "callbacks.HFExport", "init_args": {"path": str(tmp_path / "exported")}}]
    write_config(
        tmp_path,
        seed_everything=4,
        data={"train": [], "stages": stages},
        trainer={"max_epochs": 2, "callbacks": callbacks},
    )
    write_curves(
        tmp_path,
        {
            "val/accuracy": [0.25, 0.5], "reward/accuracy": [0.125, 0.375], "reward/total": [0.1, 0.4],
            "reward/format": [1, 1], "policy/kl": [0.0, 0.01], "rollout/length_tokens": [30, 34],
            "lr-AdamW": [1e-3, 5e-4],
            "policy/gradient_norm": [1.0, 2.0], "rollout/correct_length_tokens": [10, 20],
            "applied/odsw": [0.0, 0.5], "handoff/from_step": [0, 0], "speed/step_s": [2.0, 4.0], "stage": [0, 1],
            "epoch": [0, 1],
        },
    )  # fmt: skip
    rollouts = [
        {"step": 0, "epoch": 0, "stage": "easy", "prompts": [prompt(0.5, "1"), prompt(1.0, "2")]},
        {"step": 1, "epoch": 1, "stage": "hard", "prompts": [prompt(0.0, "2"), prompt(0.25, None)]},
    ]
    write_lines(tmp_path / "rollouts.jsonl", rollouts, torn='{"step": 2')
    trained = [completion(0, step=0, stage="easy", response=HOSTILE, question=HOSTILE, image_files=["images/a.png"])]
    write_lines(tmp_path / "rollouts.rank0.jsonl", trained)
    write_lines(tmp_path / "rollouts.rank1.jsonl", [completion(1, step=1, stage="hard", verdict="wrong")])
    verdicts = ("right", "right", "wrong", "unparsed")
    checked = [
        completion(place, step=2, verdict=verdict, validation="v", kind=("number", "text")[place % 2])
        for place, verdict in enumerate(verdicts)
    ]
    for rank in (0, 1):
        write_lines(tmp_path / f"validation.rank{rank}.jsonl", checked[rank::2])
    rejected = [{"file": "data.jsonl", "row": row, "reason": "image 1 is empty: <b>"} for row in (3, 7, 8)]
    write_lines(tmp_path / "rejected.jsonl", rejected)
    write_lines(tmp_path / "commands.jsonl", [{"time": "2026-01-01", "argv": ["python", "train.py", "fit", "a b"]}])
    for name in ("checkpoints/epoch=1-step=2.ckpt", "exported/config.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(2_000_000))
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8), "red").save(tmp_path / "images" / "a.png")
    return tmp_path


@pytest.fixture
def text(fit):
    return write_report(fit).read_text(encoding="utf-8")


def test_the_page_is_one_file_that_fetches_nothing(text):
    parsed = Page(text)
    assert parsed.fetches() == []
    assert parsed.tags.count("script") == 2


def test_text_of_data_and_models_stays_text(text):
    assert "<script>alert" not in text
    assert "https://example.org" not in Page(text).references
    assert HOSTILE in shown_data(text)["rows"]["text"]
    assert HOSTILE in [problem["question"] for problem in shown_data(text)["problems"]]
    assert "image 1 is empty" in text


def test_the_head_says_what_was_run_and_how_far_it_is(text):
    words = Page(text).words
    assert "fit · GRPOModule · tiny" in words
    assert any("epoch 2 of 2, 2 optimiser steps · seed 4 · last written 20" in word for word in words)
    cards = text[text.index('class="cards"') : text.index("<h2")]
    for number in ("50.0%", "37.5%", "12.5% in the first tenth", "0.4", "34.0", "best 50.0%, first 25.0%"):
        assert number in cards


def test_every_section_has_the_numbers_of_the_files(text):
    parsed = Page(text)
    assert parsed.cells("easy") == ["0 to 0", "1", "2", "75.0%", "0.0%", "50.0%", "0.500", "100.0%"]
    assert parsed.cells("hard")[3:6] == ["12.5%", "50.0%", "0.0%"]
    assert parsed.cells("number") == ["2", "50.0%", "[9.5%, 90.5%]", "0", "11.0"]
    assert parsed.cells("text")[:2] == ["2", "50.0%"]
    assert parsed.cells("all")[:2] == ["4", "50.0%"]
    assert parsed.cells("odsw") == ["1 of 2", "25.0%", "0 to 1"]
    assert parsed.cells("optimiser step, s") == ["3.00"]
    assert parsed.cells("policy/kl") == ["2", "0", "0.01", "0", "0.01"]
    assert parsed.cells("3") == ["image 1 is empty", "data.jsonl row 3"]
    assert parsed.cells("seed_everything") == ["4", "17"]
    data = shown_data(text)
    assert data["total"] == 6
    assert sorted(data["words"]["set"]) == ["training", "validation"]
    assert list(data["images"]) == ["images/a.png"]


def test_the_page_names_command_checkpoints_exports_and_handed_over_weights(text):
    assert "2026-01-01  python train.py fit &#39;a b&#39;" in text
    for name in ("checkpoints/epoch=1-step=2.ckpt", "exported"):
        assert name in text
    assert text.count("2.0 MB") == 2
    assert "from step 1: began with the weights of step 0" in text


def test_nothing_is_missing_where_everything_is_recorded(text):
    missing = [line for line in Page(text).words if "record" in line and "callbacks." in line]
    assert missing == []


def test_a_bare_run_says_in_one_line_each_who_would_record_what_is_missing(tmp_path):
    write_config(tmp_path)
    write_curves(tmp_path, {"reward/total": [1.0]})
    text = text_of(tmp_path)
    for name in (
        "callbacks.RolloutTable", "callbacks.RolloutStatistics", "callbacks.Throughput", "LearningRateMonitor",
        "callbacks.RunReport", "callbacks.HFExport",
    ):  # fmt: skip
        assert name in text
    assert f"python train.py fit --config {tmp_path}/config.yaml" in text
    assert "completions-data" not in text
    Page(text)


def test_a_run_that_has_just_begun_has_a_page(tmp_path):
    write_config(tmp_path)
    text = text_of(tmp_path)
    Page(text)
    assert "GRPOModule" in text


def test_a_sft_fit_has_its_loss_and_nothing_of_rollouts(tmp_path):
    write_config(tmp_path, model={"class_path": "cogito_pl.modules.SFTModule", "init_args": {}})
    write_curves(tmp_path, {"sft/loss": [2.0, 1.0], "sft/length_tokens": [30, 30]})
    text = text_of(tmp_path)
    assert "SFT loss" in text
    assert "Length of solutions" in text
    assert "What callbacks did" not in text
    assert "RolloutStatistics" not in text


def test_a_validation_has_accuracy_by_source_kind_and_meta(tmp_path):
    write_config(tmp_path, verbose=True)
    rows = [
        completion(
            place, validation=("old", "new")[place % 2], verdict=("right", "wrong")[place == 3], meta={"level": level}
        )
        for place, level in enumerate((10, 2, 2, 10))
    ]
    write_lines(tmp_path / "validation.rank0.jsonl", rows)
    parsed = Page(text_of(tmp_path))
    assert parsed.cells("new")[:2] == ["2", "50.0%"]
    assert parsed.cells("old")[:2] == ["2", "100.0%"]
    assert parsed.cells("2")[:2] == ["2", "100.0%"]
    assert parsed.cells("10")[:2] == ["2", "50.0%"]
    assert "Rewards" not in parsed.words


@pytest.fixture
def scoring(tmp_path):
    def scoring(**init_args):
        writer = {"class_path": "callbacks.DifficultyWriter", "init_args": init_args}
        sources = [{"path": str(tmp_path / "data"), "split": "train"}]
        (tmp_path / "data").mkdir()
        write_config(
            tmp_path / "run", return_predictions=None, trainer={"callbacks": [writer]}, data={"predict": sources}
        )
        return tmp_path / "run"

    return scoring


def rows_of(columns):
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


SCORES = {"id": list("abcde"), "source": ["s"] * 5, "lambda_star": [0.1, 0.1, 0.5, None, None]}


@pytest.mark.parametrize("path", ["given/scores.parquet", None])
def test_a_predict_run_shows_a_histogram_and_the_strata_of_its_scores(tmp_path, scoring, path):
    run = scoring(path=path and str(tmp_path / path))
    file = tmp_path / (path or "data/.scores/train-pism-12345678.parquet")
    file.parent.mkdir(parents=True)
    table = pa.table(SCORES | {"solved": [True, True, True, False, None], "n_done": [4, 4, 4, 4, 0]})
    pq.write_table(table, file)
    write_lines(file.with_suffix(".trials") / "trials.rank0.jsonl", [{"id": "a"}] * 3, torn="{")
    text = text_of(run)
    parsed = Page(text)
    assert parsed.cells("hard") == ["2", "40.0%", "above 0, up to 0.4"]
    assert parsed.cells("medium") == ["1", "20.0%", "up to 0.7"]
    assert parsed.cells("unsolved")[:2] == ["1", "20.0%"]
    assert parsed.cells("undecided")[:2] == ["1", "20.0%"]
    assert ">0.1<" in text
    assert "5 problems, 3.2 trials each" in text
    assert f"Trials: 3 in {file.with_suffix('.trials')}" in text


def test_strata_are_those_of_the_limits_that_the_scores_state_and_a_ratio_without_problems_is_shown(tmp_path, scoring):
    run = scoring(path=str(tmp_path / "scores.parquet"))
    about = {"strata": stated_limits(StrataConfig(scorer="pism", file="scores", thresholds=(0.05, 0.2)))}
    write_scores(tmp_path / "scores.parquet", rows_of(SCORES), about | {"scorer": {"ratios": [0.1, 0.3, 0.5]}})
    text = text_of(run)
    assert Page(text).cells("hard") == ["0", "0.0%", "above 0, up to 0.05"]
    assert Page(text).cells("medium") == ["2", "40.0%", "up to 0.2"]
    assert Page(text).cells("easy") == ["1", "20.0%", "above 0.2"]
    assert ">0.3<" in text


def test_scores_that_another_run_left_beside_the_data_are_not_this_run_s(tmp_path, scoring):
    run = scoring(path=None)
    file = tmp_path / "data" / ".scores" / "train-pism-12345678.parquet"
    file.parent.mkdir(parents=True)
    pq.write_table(pa.table(SCORES), file)
    os.utime(file, (1, 1))
    assert f"No scores are in {file.parent} yet" in text_of(run)


def test_the_command_writes_where_it_is_told_and_says_so(fit, tmp_path, capsys):
    main([str(fit), "--out", str(tmp_path / "elsewhere" / "page.html")])
    assert capsys.readouterr().out == f"{tmp_path / 'elsewhere' / 'page.html'}\n"
    assert not (fit / "report.html").exists()
    main([str(fit)])
    assert (fit / "report.html").exists()


def test_a_line_in_the_middle_that_is_no_json_is_one_message(fit, capsys):
    (fit / "rollouts.rank0.jsonl").write_text("my notes\n{}\n")
    with pytest.raises(SystemExit) as exit_info:
        main([str(fit)])
    assert exit_info.value.code == 2
    assert "rollouts.rank0.jsonl line 1 is not JSON" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_in_a_browser_the_page_shows_and_filters_its_completions(fit):
    page = write_report(fit)
    act = "const f = document.getElementById('completions-filter'); f.elements.verdict.value = 'wrong';"
    act += "f.dispatchEvent(new Event('input', {bubbles: true}));"
    page.write_text(page.read_text().replace("</body>", f"<script>{act}</script></body>"))
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom"]
    dom = subprocess.run([*command, f"file://{page}"], capture_output=True, text=True, check=True, timeout=120).stdout
    shown = dom[dom.index('id="completions-list"') : dom.index("</main>")]
    assert 'data-ready="6"' in dom
    assert "2 completions, 0.0% correct" in dom
    assert shown.count("<article") == 2
    assert shown.count("✗ wrong") == 2


@pytest.mark.slow
def test_a_page_of_many_completions_takes_little_time_and_memory(tmp_path):
    write_config(tmp_path)
    rows = [completion(place, step=place // 64, response="some words " * 30) for place in range(100_000)]
    write_lines(tmp_path / "rollouts.rank0.jsonl", rows)
    code = (
        "import resource, sys; from cogito_pl.report.__main__ import main; main(sys.argv[1:]);"
        "own = resource.getrusage(resource.RUSAGE_SELF); print(own.ru_utime + own.ru_stime, own.ru_maxrss / 1024)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    _, peak = map(float, result.stdout.split()[-2:])
    assert peak < 1024
    assert (tmp_path / "report.html").stat().st_size < 60e6
    data = shown_data((tmp_path / "report.html").read_text())
    assert len(data["rows"]["text"]) > 60_000  # the newest, as many as `MOST_TEXT` has room for, each with its question
    assert data["total"] == 100_000
