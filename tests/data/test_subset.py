"""A run trains on the strata that scores give, on some of them, or on a random control of their size."""

import logging
from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.score_origin import OtherScoresError
from cogito_pl.data.scores import stratum_counts, stratum_of
from cogito_pl.data.source import Source
from cogito_pl.data.strata import StrataConfig
from cogito_pl.data.subset import SubsetConfig, random_control, subset_of, with_keep
from tests.conftest import problem
from tests.modules.training import Recorder, data, grpo, trainer

STRATA = ["easy"] * 10 + ["medium"] * 5 + ["hard"] * 3 + ["unsolved"] * 6
PROBLEMS = [problem(id=f"p{place}", meta={"stratum": name}) for place, name in enumerate(STRATA)]


def ids(problems) -> list[str]:
    return [problem.id for problem in problems]


def test_a_subset_holds_its_strata_in_the_order_of_the_data():
    chosen = subset_of(PROBLEMS, SubsetConfig(strata=("hard", "medium")))
    assert ids(chosen) == [f"p{place}" for place in range(10, 18)]
    assert subset_of(PROBLEMS, None) == PROBLEMS


def test_a_control_is_as_large_solved_and_a_function_of_its_seed():
    draws = [subset_of(PROBLEMS, SubsetConfig(strata=("medium", "hard"), control_seed=seed)) for seed in range(20)]
    assert all(len(draw) == len(set(ids(draw))) == 8 for draw in draws)
    assert {stratum_of(problem) for draw in draws for problem in draw} == {"easy", "medium", "hard"}
    assert len({tuple(ids(draw)) for draw in draws}) > 10
    assert sorted(ids(draws[3])) == sorted(
        ids(subset_of(PROBLEMS[::-1], SubsetConfig(strata=("medium", "hard"), control_seed=3)))
    )


def test_a_control_may_be_drawn_from_another_pool():
    config = SubsetConfig(strata=("hard",), control_seed=1, pool=("unsolved",))
    assert stratum_counts(subset_of(PROBLEMS, config)) == {"unsolved": 3}


def keeping(*verdicts):
    return [problem(id=f"p{place}", meta={"keep": keep}) for place, keep in enumerate(verdicts)]


def test_a_subset_holds_what_the_pass_rate_filter_keeps():
    problems = keeping(True, False, True)
    assert ids(subset_of(problems, SubsetConfig(keep=True))) == ["p0", "p2"]
    mixed = [
        replace(p, meta={**p.meta, "stratum": name}) for p, name in zip(problems, ("hard", "hard", "easy"), strict=True)
    ]
    assert ids(subset_of(mixed, SubsetConfig(keep=True, strata=("hard",)))) == ["p0"]
    with pytest.raises(ValueError, match=r"'p3' .* has no column `keep`"):
        subset_of([*problems, problem(id="p3")], SubsetConfig(keep=True))
    with pytest.raises(ValueError, match="keeps no problem"):
        subset_of(problems[1:2], SubsetConfig(keep=True))


def test_the_control_of_what_is_kept_is_drawn_from_all_problems():
    problems = keeping(*[place % 4 == 0 for place in range(24)])
    draws = [ids(subset_of(problems, SubsetConfig(keep=True, control_seed=seed))) for seed in range(30)]
    assert {len(set(draw)) for draw in draws} == {6}
    assert {name for draw in draws for name in draw} == set(ids(problems))


def test_score_files_say_what_is_kept_by_source_and_id(tmp_path):
    problems = [problem(id="p", source=name, meta={"keep": True, "level": 3}) for name in ("a", "b")]
    for name, keep in (("a", True), ("b", False)):
        table = {"id": ["p"], "source": [name], "keep": [keep], "pass_rate": [0.5 if keep else 0.625]}
        pq.write_table(pa.table(table), tmp_path / f"{name}.parquet")
    config = SubsetConfig(keep=True, file=str(tmp_path))
    read = with_keep(problems, config)
    assert [p.meta for p in read] == [{"keep": True, "level": 3}, {"keep": False, "level": 3}]
    assert with_keep(problems, None) == with_keep(problems, SubsetConfig(keep=True)) == problems
    pq.write_table(
        pa.table({"id": ["p"], "source": ["b"], "keep": pa.array([None], pa.bool_())}), tmp_path / "b.parquet"
    )
    with pytest.raises(ValueError, match=r"1 of 2 problems .* no keep in data.subset.file=.* 'p' of the source 'b'"):
        with_keep(problems, config)
    with pytest.raises(OtherScoresError, match=r"data.subset.allow_other=\[source\]"):
        with_keep([problem(id="p", source="c")], config)


def test_twins_of_one_id_in_two_sources_are_two_problems_of_the_pool():
    twins = [problem(id="p", source=name, meta={"stratum": "easy"}) for name in ("a", "b")]
    assert len(subset_of(twins, SubsetConfig(strata=("easy",), control_seed=1))) == 2


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"strata": ()}, "data.subset.strata is empty.*data.subset.keep=true"),
        ({"strata": ("easy",), "file": "x.parquet"}, "data.subset.file=x.parquet is read for data.subset.keep alone"),
        ({"strata": ("easy", "easy")}, "repeats"),
        ({"strata": ("easy",), "pool": ()}, "data.subset.pool is empty"),
        ({"strata": ("odd",)}, "no problem is odd .*easy, hard, medium, unsolved.*data.strata"),
        ({"strata": ("easy",), "control_seed": 1, "pool": ("hard",)}, "3 problems .* control of 10 easy"),
    ],
)
def test_a_subset_that_cannot_be_is_rejected_with_the_remedy(settings, named):
    with pytest.raises(ValueError, match=named):
        subset_of(PROBLEMS, SubsetConfig(**settings))


def test_a_random_control_depends_on_set_and_seed_and_is_drawn_evenly():
    ids = [f"p{number}" for number in range(20)]
    chosen = random_control(ids, 5, seed=1)
    assert len(set(chosen)) == 5
    assert set(random_control(ids[::-1], 5, seed=1)) == set(chosen)
    assert random_control(ids, 5, seed=2) != chosen
    counts = Counter(name for seed in range(400) for name in random_control(ids, 5, seed))
    assert all(60 < counts[name] < 140 for name in ids)  # 100 each, standard deviation 8.7
    for pool, size, message in ((ids, 21, "size=21"), (ids + ids[:1], 5, "repeat")):
        with pytest.raises(ValueError, match=message):
            random_control(pool, size, seed=0)


@pytest.fixture(scope="module")
def scores(playground_folder, tmp_path_factory):
    """Scores of the playground's part `train`: every fourth problem is in a stratum."""
    file = tmp_path_factory.mktemp("scores") / "train.parquet"
    names = pq.read_table(playground_folder / "data" / "train-00000-of-00001.parquet", columns=["id"])["id"].to_pylist()
    pq.write_table(
        pa.table({"id": names, "lambda_star": [[0.0, 0.3, 0.5, 0.9][n % 4] for n in range(len(names))]}), file
    )
    return StrataConfig(scorer="pism", file=str(file)), names


def test_every_stage_draws_from_its_strata_of_the_score_file(tiny_folder, playground_folder, scores, tmp_path, caplog):
    config, names = scores
    expected = dict(zip(names, ["unsolved", "hard", "medium", "easy"] * 12, strict=True))
    stages = (
        Stage(name="one", strata={"easy": 1.0}),
        Stage(name="two", strata={"medium": 1.0, "hard": 1.0}, rollouts_per_epoch=2),
    )
    module, seen = grpo(tiny_folder), Recorder()
    source = data(playground_folder, stages=stages, strata=config)
    with caplog.at_level(logging.INFO):
        trainer(tmp_path, seen, max_epochs=2).fit(module, source)
    drawn = [(epoch, expected[name]) for epoch, _, batch, _ in seen.rollouts for name in batch]
    assert drawn[:2] == [(0, "easy")] * 2
    assert {stratum for epoch, stratum in drawn if epoch == 1} == {"medium", "hard"}
    assert "12 unsolved, 12 hard, 12 medium, 12 easy; 48 problems to train on" in caplog.text


def test_a_stage_without_strata_to_draw_from_says_where_they_come_from(tiny_folder, playground_folder, tmp_path):
    source = data(playground_folder, stages=(Stage(name="odd", strata={"hard": 1.0}),))
    with pytest.raises(ValueError, match=r"stage 'odd' draws from stratum 'hard'.*data\.strata"):
        trainer(tmp_path).fit(grpo(tiny_folder), source)


def test_strata_and_subset_are_settings_of_the_command_line(run_cli, monkeypatch, scores, tmp_path):
    monkeypatch.setattr("lightning.pytorch.cli.LightningCLI._run_subcommand", lambda self, subcommand: None)
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(
        f"data: {{strata: {{scorer: pism, file: '{scores[0].file}'}}, "
        "subset: {strata: [medium, hard], control_seed: 3}}"
    )
    module = run_cli("fit", "--config", "configs/playground/grpo.yaml", "--config", overlay).datamodule
    assert module.strata == scores[0]
    assert module.subset == SubsetConfig(strata=("medium", "hard"), control_seed=3)
    assert isinstance(module.train_sources[0], Source)
