"""Draws under a real trainer: observed before the next are asked for, recorded, and the same after a resume."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import lightning.pytorch as L
import pytest
import torch
import yaml
from jsonargparse import ArgumentParser
from lightning.pytorch.callbacks import Checkpoint

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.draw_order import DrawOutcome, Mixture
from cogito_pl.modules.lightning_internals import finish_epoch
from cogito_pl.rl.schedule import RolloutSchedule
from cogito_pl.seeds import stable_seed
from tests.data.orders import PROBLEMS, Worst, context
from tests.modules.training import trainer

STAGES = (Stage(name="easy", epochs=2), Stage(name="hard", epochs=2, rollouts_per_epoch=3))
SLOTS = 4


class Probe(L.LightningModule):
    """Trains one number; observes made-up outcomes as a rollout of several micro-batch slots would."""

    schedule = RolloutSchedule(prompts=4, group_size=2, updates=2, micro_batch=2)

    def __init__(self, attempts: int = 0):
        super().__init__()
        self.weight, self.attempts = torch.nn.Parameter(torch.zeros(1)), attempts
        self.drawn: list[tuple] = []
        self.collected = False

    def training_step(self, batch, batch_idx):
        data, slot = self.trainer.datamodule, batch_idx % SLOTS
        problems = [problem.id for problem in batch.problems]
        assert problems == [f"p{data.index_of(number)}" for number in batch.draws]
        self.drawn.append((self.trainer.current_epoch, slot, batch.draws, *problems))
        if slot == 0 or not self.collected:
            outcomes = self.outcomes(batch, slot)
            for attempt in range(1, self.attempts + 1):
                fresh = data.refill(batch.draws[1:3], attempt)
                assert fresh.draws == batch.draws[1:3]
                self.drawn[-1] += tuple(problem.id for problem in fresh.problems)
                outcomes += self.outcomes(fresh, slot, attempt)
            if data.observes:
                data.observe(sorted(outcomes, key=lambda outcome: outcome.number))
        self.collected = slot < SLOTS - 1
        return self.weight.sum()

    def outcomes(self, batch, slot, attempt=0):
        """Depend on the slot: a rollout that is sampled again after a resume comes out differently."""
        indices = [self.trainer.datamodule.index_of(number, attempt) for number in batch.draws]
        return [
            DrawOutcome(n, i, stable_seed(n, i, slot) % 9 / 8, 0.0, attempt=attempt)
            for n, i in zip(batch.draws, indices, strict=True)
        ]

    def on_train_start(self):
        finish_epoch(self.trainer)
        self.trainer.datamodule.derive_epochs()

    def enter_stage(self):
        """Nothing is frozen."""

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class SlotCheckpoint(Checkpoint):
    """Saves after every micro-batch; ends stages with the epochs it is told."""

    def __init__(self, folder, end=()):
        self.folder, self.end = folder, end

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        trainer.save_checkpoint(self.folder / f"{len(module.drawn)}.ckpt")

    def on_train_epoch_end(self, trainer, module):
        if trainer.current_epoch in self.end:
            trainer.datamodule.end_stage()
        trainer.save_checkpoint(self.folder / f"epoch{trainer.current_epoch}.ckpt")


def fit(folder, *, resume=None, attempts=0, end=(), max_epochs=-1, limit_train_batches=None, **settings):
    data = ReasoningDataModule(**({"rollouts_per_epoch": 2, "stages": STAGES, "draw_order": Worst} | settings))
    data.train_problems = PROBLEMS
    module = Probe(attempts)
    limits = {"max_epochs": max_epochs, "limit_val_batches": 0, "limit_train_batches": limit_train_batches}
    runner = trainer(folder, *([] if resume else [SlotCheckpoint(folder, end)]), **limits)
    runner.fit(module, data, ckpt_path=resume and folder / f"{resume}.ckpt")
    return module.drawn, data


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("draws")
    return folder, *fit(folder)


def test_the_draws_of_a_rollout_are_asked_for_after_the_one_before_was_observed(whole):
    calls = whole[2].draws.streams[0].order.calls  # of the last stage, whose first draw has the number 16
    rollouts = range(16, 40, 4)
    assert calls == [
        call
        for start in rollouts
        for call in [*(("draw", [n]) for n in range(start, start + 4)), ("observe", list(range(start, start + 4)))]
    ]


def test_every_stage_has_an_order_of_its_own(whole):
    folder = whole[0]
    states = [torch.load(folder / f"{slot}.ckpt", weights_only=True) for slot in (1, 16, 17)]
    assert [state["ReasoningDataModule"]["stage"] for state in states] == ["easy", "easy", "hard"]
    scored = [
        sum(score > 0 for score in state["ReasoningDataModule"]["draws"]["streams"][0]["order"]["scores"].values())
        for state in states
    ]
    assert scored[0] <= 4 < scored[1]
    assert scored[2] <= 4


def test_a_checkpoint_holds_the_draws_of_its_epoch_only(whole):
    state = torch.load(whole[0] / "30.ckpt", weights_only=True)["ReasoningDataModule"]["draws"]
    assert sorted(state["streams"][0]["drawn"]) == list(range(28, 32))  # slot 29 began the second epoch of `hard`


@pytest.mark.parametrize("slot", [*range(1, 40), "epoch0", "epoch1", "epoch2"])
def test_from_every_slot_the_rest_of_an_observing_order_s_draws_is_the_same(whole, slot):
    folder, drawn, _ = whole
    done = {"epoch0": 8, "epoch1": 16, "epoch2": 28}.get(slot, slot)
    assert fit(folder, resume=slot)[0] == drawn[done:]


def test_a_stage_that_ends_early_hands_over_to_the_next_and_resumes_so(tmp_path):
    drawn, data = fit(tmp_path, end=(0,))
    assert [epoch for epoch, slot, *_ in drawn if slot == 0] == [0, 0, 1, 1, 1, 2, 2, 2]
    assert data.draws.context.first == 8
    assert data.ended == {"easy": 1}
    for slot in (8, 9, 20, "epoch0"):
        rest = fit(tmp_path, resume=slot, end=())[0]
        if slot == 8:  # written before the stage was ended
            assert [epoch for epoch, *_ in rest][:8] == [1] * 8
        else:
            assert rest == drawn[slot if slot != "epoch0" else 8 :]


def test_refills_resume_at_every_rollout(tmp_path):
    drawn, _ = fit(tmp_path, attempts=2)
    assert {len(step) for step in drawn} == {7, 11}  # slot 0 has four fresh problems more
    for slot in range(4, 40, 4):
        assert fit(tmp_path, resume=slot, attempts=2)[0] == drawn[slot:]


def test_without_stages_the_draws_of_an_observing_order_go_on_from_epoch_to_epoch(tmp_path):
    settings = {"stages": (), "max_epochs": 3}
    drawn, data = fit(tmp_path, **settings)
    assert sum(score > 0 for score in data.draws.streams[0].order.scores.values()) > 4
    numbers = [draws for _, slot, draws, *_ in drawn if slot == 0]
    assert all(one[-1] + 1 == other[0] for one, other in pairwise(numbers))
    for slot in (3, 8, 11):
        assert fit(tmp_path, resume=slot, **settings)[0] == drawn[slot:]


def test_a_second_fit_of_the_same_data_starts_anew(tmp_path):
    data = ReasoningDataModule(rollouts_per_epoch=2, draw_order=Worst)
    data.train_problems = PROBLEMS
    runs = []
    for _ in range(2):
        module = Probe()
        trainer(tmp_path, max_epochs=2, limit_val_batches=0).fit(module, data)
        runs.append(module.drawn)
    assert runs[0] == runs[1]


def test_a_checkpoint_of_an_earlier_stage_leaves_the_next_stage_to_a_new_order(whole):
    data = ReasoningDataModule(rollouts_per_epoch=2, stages=STAGES, draw_order=Worst)
    data.train_problems = PROBLEMS
    data.trainer = SimpleNamespace(current_epoch=2, world_size=1, global_rank=0, lightning_module=Probe())
    data.load_state_dict(torch.load(whole[0] / "epoch1.ckpt", weights_only=True)["ReasoningDataModule"])
    data.train_dataloader()
    assert (data.draws.context.stage, data.draws.streams[0].drawn) == (1, {})
    assert set(data.draws.streams[0].order.scores.values()) == {0.0}


EASY, HARD = STAGES
PAST = {
    "longer": ((replace(EASY, epochs=3), HARD), "epochs of stage 'easy' was 2 and is 3"),
    "shorter": ((replace(EASY, epochs=1), HARD), "epochs of stage 'easy' was 2 and is 1"),
    "reordered": (
        (HARD, EASY),
        "stage 1 of data.stages was 'easy' and is 'hard'; stage 2 of data.stages was 'hard' and",
    ),
    "renamed": ((replace(EASY, name="simple"), HARD), "stage 1 of data.stages was 'easy' and is 'simple'"),
    "one before": ((Stage(name="new"), *STAGES), "stage 2 of data.stages was 'hard' and is 'easy'"),
    "dropped": ((HARD,), "stage 2 of data.stages was 'hard' and is gone"),
    "all dropped": ((), "stage 1 of data.stages was 'easy' and is gone"),
    "another past": ((replace(EASY, kl_coef=0.5), HARD), "kl_coef of stage 'easy' was None and is 0.5"),
    "under way": ((EASY, replace(HARD, name="harder")), "stage 2 of data.stages was 'hard' and is 'harder'"),
    "its draws": ((EASY, replace(HARD, rollouts_per_epoch=4)), "an epoch of stage 'hard' were 3 and are 4"),
    "its settings": ((EASY, replace(HARD, freeze=("head",))), "freeze of stage 'hard' was None and is ('head',)"),
    "its begun end": ((EASY, replace(HARD, epochs=1)), "epochs of stage 'hard' is 1, and 2 have begun"),
}


@pytest.mark.parametrize("name", PAST)
def test_a_past_that_has_changed_is_refused_and_names_what_differs(whole, name):
    stages, named = PAST[name]
    with pytest.raises(ValueError, match=r"^--ckpt_path cannot be continued") as caught:
        fit(whole[0], resume=30, stages=stages)
    assert named in str(caught.value)
    assert "the end of stage 'hard' and later stages may change" in str(caught.value)


def test_several_changes_are_named_together(whole):
    with pytest.raises(
        ValueError, match="epochs of stage 'easy' was 2 and is 5; rollouts of an epoch of stage 'easy' were 2"
    ):
        fit(whole[0], resume=20, stages=(replace(EASY, epochs=5, rollouts_per_epoch=1), HARD))


@pytest.mark.parametrize(
    ("resume", "stages", "epochs"),
    [
        (20, (EASY, replace(HARD, epochs=3)), [2, 2, 3, 3, 3, 4, 4, 4]),
        (20, (EASY, replace(HARD, epochs=1)), [2, 2]),
        (20, (EASY, replace(HARD, patience=2), Stage(name="more")), [2, 2, 3, 3, 3, 4, 4]),
        (4, (EASY, Stage(name="other", epochs=3, rollouts_per_epoch=1)), [0, 1, 1, 2, 3, 4]),
        (4, (replace(EASY, epochs=1),), [0]),
        ("epoch1", (replace(EASY, epochs=3), HARD), [2, 2, 3, 3, 3, 4, 4, 4]),
    ],
)
def test_the_end_of_the_stage_under_way_and_later_stages_may_change(whole, resume, stages, epochs):
    drawn, _ = fit(whole[0], resume=resume, stages=stages)
    assert [epoch for epoch, slot, *_ in drawn if slot == 0] == epochs
    if resume != "epoch1":
        assert drawn[:4] == whole[1][resume : resume + 4]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"prompts": 2}, "schedule.prompts was 4 and is 2"),
        ({"rollouts_per_epoch": 3}, "rollouts of an epoch were 2 and are 3"),
        ({"stages": (Stage(name="easy", epochs=3),)}, "data.stages was empty and has stages"),
    ],
)
def test_a_run_without_stages_refuses_what_would_change_its_past_draws(tmp_path, monkeypatch, changed, named):
    settings = {"stages": (), "max_epochs": 3}
    fit(tmp_path, **settings)
    if prompts := changed.pop("prompts", None):
        monkeypatch.setattr(Probe, "schedule", replace(Probe.schedule, prompts=prompts))
    with pytest.raises(ValueError, match=r"--ckpt_path cannot be continued") as caught:
        fit(tmp_path, resume=8, **(settings | changed))
    assert named in str(caught.value)


def test_a_changed_number_of_prompts_is_refused_with_stages_too(whole, monkeypatch):
    monkeypatch.setattr(Probe, "schedule", replace(Probe.schedule, prompts=8))
    with pytest.raises(ValueError, match=r"schedule\.prompts was 4 and is 8"):
        fit(whole[0], resume=8)


def test_other_micro_batches_are_refused_inside_an_epoch_where_places_are_counted_in_them(whole, monkeypatch):
    monkeypatch.setattr(Probe, "schedule", replace(Probe.schedule, micro_batch=4))
    with pytest.raises(ValueError, match="a rollout had 4 micro-batches on a rank and has 2"):
        fit(whole[0], resume=3)
    drawn = fit(whole[0], resume="epoch0")[0]
    assert [draws for _, _, draws, *_ in drawn[::2]] == [draws for _, _, draws, *_ in whole[1][8::4]]


@pytest.mark.parametrize("limit", [3, 6, 0.5])
def test_a_limit_that_cuts_a_rollout_is_refused_with_what_to_set(tmp_path, limit):
    with pytest.raises(ValueError, match=rf"limit_train_batches={limit} .* multiple of 4, .* data\.rollouts_per_epoch"):
        fit(tmp_path, limit_train_batches=limit)


@pytest.mark.parametrize(("limit", "rollouts"), [(4, 1), (8, 2), (11, 2), (1.0, 2), (None, 2)])
def test_a_limit_of_whole_rollouts_is_an_epoch_of_so_many(tmp_path, limit, rollouts):
    settings = {"stages": (), "max_epochs": 2, "limit_train_batches": limit}
    drawn, data = fit(tmp_path, **settings)
    assert data.rollouts_before(2) == 2 * rollouts
    numbers = [draws for _, slot, draws, *_ in drawn if slot == 0]
    assert [number for draws in numbers for number in draws] == list(range(2 * rollouts * 4))  # none is passed over
    assert fit(tmp_path, resume=4, **settings)[0] == drawn[4:]


def test_draws_that_were_not_taken_over_yet_are_saved_again():
    data = ReasoningDataModule()
    state = {"stage": "", "ended": {}, "draws": {"stage": 0}}
    data.load_state_dict(state)
    assert data.state_dict() == state | {"settings": None}


def test_another_order_cannot_continue_a_stage(whole):
    with pytest.raises(ValueError, match=r"draw_order 'tests\.data\.orders\.Worst' in the checkpoint"):
        fit(whole[0], resume=3, draw_order=Mixture)


def test_the_order_is_a_setting_that_prints_itself(run_cli, capsys, tmp_path):
    def printed(*args):
        capsys.readouterr()
        with pytest.raises(SystemExit):
            run_cli("fit", *args, "--print_config")
        return capsys.readouterr().out

    overlay = tmp_path / "mine.yaml"
    overlay.write_text("data: {draw_order: {class_path: tests.data.orders.Worst, init_args: {among: 3}}}")
    full = printed("--config", "configs/playground/grpo.yaml", "--config", overlay)
    assert yaml.safe_load(full)["data"]["draw_order"] == {
        "class_path": "tests.data.orders.Worst", "init_args": {"among": 3},
    }  # fmt: skip
    (tmp_path / "full.yaml").write_text(full)
    assert printed("--config", tmp_path / "full.yaml") == full
    parser = ArgumentParser()
    parser.add_class_arguments(ReasoningDataModule, "data")
    data = parser.instantiate(parser.parse_object({"data": yaml.safe_load(full)["data"]})).data
    assert data.draw_order(context()).among == 3
