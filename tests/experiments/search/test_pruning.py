"""The callback of a trial in a real fit: it reports what is validated, and ends the fit between epochs."""

import pytest

from cogito_pl.experiments.search.options import SearchOptions
from cogito_pl.experiments.search.pruning import Pruning
from cogito_pl.experiments.search.space import read_space
from cogito_pl.experiments.search.trials import Trials, create, distributions, draw
from tests.experiments.search.conftest import SPACE, pretend_trainer
from tests.modules.training import data, grpo, trainer

OPTIONS = SearchOptions(space=read_space(SPACE, ""), trials=9, startup=1, seeds=(1, 2), metric="val/length_tokens")
EPOCHS = 2


@pytest.fixture
def file(tmp_path, in_memory):
    create(tmp_path / "trials", OPTIONS.fingerprint() | {"updates": EPOCHS})
    return tmp_path / "trials"


def begin(trials):
    return trials.begin(draw(OPTIONS, trials.all()), distributions(OPTIONS))


def fit(tmp_path, tiny_folder, playground_folder, *callbacks, **settings):
    run = trainer(tmp_path, *callbacks, max_epochs=EPOCHS, **settings)
    run.fit(grpo(tiny_folder), data(playground_folder, validation=True))
    return run


def test_a_fit_reports_its_validations_after_updates_and_ends_once_it_is_pruned(
    file, tmp_path, tiny_folder, playground_folder
):
    trials = Trials(file)
    first = begin(trials)
    run = fit(tmp_path / "1", tiny_folder, playground_folder, Pruning(str(file), first, place=1))
    per_epoch = run.global_step // EPOCHS
    reported = trials.all()[first].intermediate_values
    assert list(reported) == [EPOCHS + per_epoch * (n + 1) for n in range(EPOCHS)]
    assert reported[EPOCHS + run.global_step] == run.callback_metrics["val/length_tokens"]
    trials.finish(first, 1000.0, {})

    for _ in range(3):  # which no fit reaches
        trials.report(number := begin(trials), EPOCHS + per_epoch, 1.0e6)
        trials.finish(number, 1.0e6, {})
    second = begin(trials)
    run = fit(tmp_path / "2", tiny_folder, playground_folder, Pruning(str(file), second, place=1))
    assert (run.current_epoch, run.global_step) == (1, per_epoch)
    assert list(trials.all()[second].intermediate_values) == [EPOCHS + per_epoch]
    run = fit(tmp_path / "3", tiny_folder, playground_folder, Pruning(str(file), second, place=1))
    assert run.global_step == 0  # pruned before it was killed


def test_a_metric_that_is_not_logged_is_refused_with_those_that_are(
    tmp_path, in_memory, tiny_folder, playground_folder
):
    options = SearchOptions(space=OPTIONS.space, trials=1, metric="val/acuracy")
    create(tmp_path / "trials", options.fingerprint() | {"updates": EPOCHS})
    number = begin(Trials(tmp_path / "trials"))
    with pytest.raises(ValueError, match=r"metric=val/acuracy is not logged by the fits; choose one of .*val/accuracy"):
        fit(tmp_path, tiny_folder, playground_folder, Pruning(str(tmp_path / "trials"), number))


def test_only_the_first_rank_reads_and_writes_and_all_of_them_stop(tmp_path):
    other, callback = pretend_trainer(), Pruning(str(tmp_path / "none"), 0)
    other.is_global_zero, other.strategy.broadcast, other.global_step = False, lambda _: True, 3
    callback.on_validation_end(other, None)
    assert other.should_stop
    assert list(tmp_path.iterdir()) == []


def test_a_validation_alone_is_not_reported(tmp_path):
    other = pretend_trainer()
    other.state.fn, other.global_step = "validate", 3
    Pruning(str(tmp_path / "none"), 0).on_validation_end(other, None)
    assert not other.should_stop
