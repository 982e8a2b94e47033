"""The best weights of a stage start the next one, exactly, and a run that was cut off anywhere goes on the same."""

import csv
import shutil
import warnings
from dataclasses import replace

import lightning.pytorch as L
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from safetensors.torch import load_file

from callbacks import BestCheckpointHandoff, HFExport
from cogito_pl.data.curriculum import Stage
from cogito_pl.data.sampling_changes import SamplingChanges
from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.candidates import improves
from cogito_pl.modules.fresh_optimizer import prime
from cogito_pl.modules.learning_rate import ScheduleConfig
from cogito_pl.policy import Policy, PolicyConfig
from cogito_pl.policy.config import LoRAConfig
from tests.modules.curricula import SHORT, STAGES, digest, run
from tests.modules.training import data, grpo, sft, trainer

# On the last batch of an epoch or a stage (step4, step12, step18), between its validation and the swap (val4), at the
# epoch's end (epoch12), after the first rollout of a stage (step6) and later (step14).
CUTS = ("step4", "val4", "step6", "epoch12", "step12", "step14", "step18")
RARE = ("step6", "step12", "step18")


@pytest.fixture(scope="module")
def whole(tiny_folder, playground_folder, tmp_path_factory):
    """A run of three stages with a checkpoint at every turn."""
    folder = tmp_path_factory.mktemp("curriculum")
    return folder, run(folder, tiny_folder, playground_folder, cuts=CUTS)[0]


@pytest.fixture
def go(tiny_folder, playground_folder, tmp_path):
    return lambda *more, **settings: run(tmp_path, tiny_folder, playground_folder, *more, **settings)


def after_step(seen, step):
    """The trace of the micro-batch that made optimiser step `step`."""
    return [record for record in seen.steps if record["step"] == step][0 if step % 2 else -1]


def at(seen, stage):
    return [record for record in seen.steps if record["stage"] == stage]


@pytest.mark.parametrize("cut", [pytest.param(c, marks=pytest.mark.slow) if c in RARE else c for c in CUTS])
def test_a_resumed_run_is_the_rest_of_the_whole_one(whole, tiny_folder, playground_folder, cut):
    folder, seen = whole
    rest, _ = run(folder, tiny_folder, playground_folder, resume=cut)
    assert rest.is_the_rest_of(seen)
    assert len(seen.steps) - len(rest.steps) == 2 * int("".join(filter(str.isdigit, cut)))


def test_a_resumed_run_can_be_resumed_and_leaves_the_same_files(whole, tiny_folder, playground_folder):
    folder, seen = whole
    names = sorted(path.name for path in (folder / "handoff").iterdir())
    run(folder, tiny_folder, playground_folder, resume="step12", cuts=["val12"], checkpoints="checkpoints/again")
    rest, _ = run(folder, tiny_folder, playground_folder, resume="again/val12")
    assert rest.is_the_rest_of(seen)
    assert sorted(path.name for path in (folder / "handoff").iterdir()) == names


def test_every_stage_starts_from_the_best_weights_and_measures_from_them(whole):
    _, seen = whole
    best = {"easy": after_step(seen, 2), "medium": after_step(seen, 8)}
    assert {record["reference"] for record in at(seen, "medium")} == {best["easy"]["policy"]}
    assert {record["reference"] for record in at(seen, "hard")} == {best["medium"]["policy"]}
    assert at(seen, "medium")[0]["policy"] == best["easy"]["policy"]  # the first micro-batch takes no step yet
    assert at(seen, "hard")[0]["policy"] == best["medium"]["policy"]


def test_a_stage_has_an_optimiser_and_a_schedule_of_its_own(whole):
    _, seen = whole
    for stage, steps in (("easy", 4), ("medium", 8), ("hard", 6)):
        records = at(seen, stage)
        assert [record["taken"] for record in records[1::2]] == list(range(1, steps + 1))
        used = [record["lr"] for record in records[::2]]
        assert used == pytest.approx([1e-3 * (steps - step) / steps for step in range(steps)])
        assert min(used) > 0


def test_the_start_of_a_run_is_validated_and_that_of_later_stages_is_known(whole):
    assert whole[1].validated == [(0, "easy"), (2, "easy"), (4, "easy"), (8, "medium"), (12, "medium"), (18, "hard")]


def test_the_run_ends_with_the_best_weights_of_its_last_stage(whole):
    """Which are those it started from: no validation of the last stage was better."""
    assert whole[1].end == after_step(whole[1], 8)["policy"]


def test_a_stage_freezes_its_parts_and_lets_them_learn_again_afterwards(whole):
    frozen = {stage: {record["frozen"] for record in at(whole[1], stage)} for stage in ("easy", "medium", "hard")}
    assert frozen["easy"] == frozen["hard"] == {0}
    assert min(frozen["medium"]) > 0


def test_rollouts_logs_and_progress_bar_name_the_stage_and_sampling_is_its_own(whole):
    assert [name for name, _, _ in whole[1].rollouts] == ["easy"] * 2 + ["medium"] * 4 + ["hard"] * 3
    longest = {
        stage: max(length for name, length, _ in whole[1].rollouts if name == stage) for stage in ("easy", "hard")
    }
    assert longest == {"easy": 6, "hard": 5}
    assert all(record["shown"] == [f"stage/{record['stage']}"] for record in whole[1].steps)
    data = torch.load(whole[0] / "checkpoints" / "step14.ckpt", weights_only=True)["ReasoningDataModule"]
    assert (data["stage"], data["ended"]) == ("hard", {})


def test_what_a_kept_checkpoint_names_is_kept_and_no_more(whole, go, tmp_path):
    names = {path.name for path in (whole[0] / "handoff").iterdir()}
    assert names == {"easy-epoch=0-step=2.safetensors", "medium-epoch=2-step=8.safetensors"}
    go(stages=SHORT)
    assert [path.name for path in (tmp_path / "handoff").iterdir()] == ["easy-epoch=0-step=2.safetensors"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_weights_are_handed_over_as_they_are(go, tiny_folder, tmp_path, dtype):
    go(stages=SHORT, policy=PolicyConfig(name=str(tiny_folder), dtype=dtype), cuts=["step2"])
    handed = load_file(tmp_path / "handoff" / "easy-epoch=0-step=2.safetensors")
    saved = torch.load(tmp_path / "checkpoints" / "step2.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(saved[f"policy.{name}"], value) for name, value in handed.items())
    assert {value.dtype for value in handed.values()} == {getattr(torch, dtype)}


def test_without_the_callback_a_stage_is_plain_grpo_bit_for_bit_and_the_next_goes_on(go):
    settings = {"stages": SHORT, "learning_rate": ScheduleConfig()}
    handed, _ = go(**settings)
    plain, _ = go(**settings, handoff=False)
    assert at(plain, "easy") == at(handed, "easy")
    assert at(plain, "medium")[0]["policy"] == at(plain, "easy")[-1]["policy"]
    assert at(plain, "medium")[-1]["taken"] == 6
    assert {record["reference"] for record in plain.steps} == {plain.steps[0]["reference"]}
    assert at(plain, "medium")[0]["problems"] == at(handed, "medium")[0]["problems"]


def test_every_hand_over_is_logged_with_the_step_of_its_weights_a_resumed_one_too(go, tmp_path):
    def handed_over(**settings):
        logger = CSVLogger(tmp_path, name="", version="logs")
        go(
            scores={0: 0.1, 2: 0.5, 4: 0.3, 6: 0.6, 8: 0.2, 10: 0.1},
            trainer_settings={"logger": logger, "log_every_n_steps": 1},
            **settings,
        )
        with open(tmp_path / "logs" / "metrics.csv") as file:
            rows = [row for row in csv.DictReader(file) if row.get("handoff/from_step")]
        assert {float(row["applied/best_checkpoint_handoff"]) for row in rows} == {1.0}
        return [(int(row["step"]), float(row["handoff/from_step"])) for row in rows]

    stages = (*SHORT, Stage(name="hard", rollouts_per_epoch=1))
    assert handed_over(stages=stages, cuts=["val4", "step6"]) == [(4, 2.0), (6, 6.0)]
    (tmp_path / "logs" / "metrics.csv").unlink()
    assert handed_over(stages=stages, resume="val4") == [(4, 2.0), (6, 6.0)]


@pytest.mark.parametrize("cut", ["epoch4", "val4", "step4"])
def test_a_finished_run_that_is_resumed_exports_its_best_weights_again(go, tiny_folder, tmp_path, cut):
    """From `epoch4` Lightning trains nothing and calls no `on_train_end`."""
    export = tmp_path / "export" / "model.safetensors"
    go(HFExport(str(tmp_path / "export")), stages=SHORT[:1], cuts=[cut])
    best = load_file(export)
    shutil.rmtree(tmp_path / "export")
    go(HFExport(str(tmp_path / "export")), stages=SHORT[:1], resume=cut)
    again, kept = load_file(export), load_file(tmp_path / "handoff" / "easy-epoch=0-step=2.safetensors")
    assert all(torch.equal(best[name], value) for name, value in again.items())
    assert {digest({"w": value}) for value in kept.values()} <= {digest({"w": value}) for value in again.values()}


def test_a_single_stage_draws_samples_and_learns_as_a_run_without_stages(go):
    one, _ = go(stages=(Stage(name="all", epochs=2),), handoff=False)
    none, _ = go(stages=(), handoff=False, trainer_settings={"max_epochs": 2})
    assert [record | {"stage": None, "shown": []} for record in one.steps] == none.steps
    assert one.end == none.end


def test_without_the_callback_a_run_of_stages_resumes_exactly_too(go):
    """On the last batch of a stage whose successor has longer epochs, which Lightning alone skips."""
    stages = (SHORT[0], replace(SHORT[1], rollouts_per_epoch=2))
    plain, _ = go(handoff=False, stages=stages, cuts=["step4"])
    rest, _ = go(handoff=False, stages=stages, resume="step4")
    assert rest.is_the_rest_of(plain)
    assert len(rest.steps) == 8


def test_adapters_are_handed_over_and_the_reference_keeps_its_own(go, tiny_folder, tmp_path):
    settings = {"stages": SHORT, "policy": PolicyConfig(name=str(tiny_folder), lora=LoRAConfig(rank=2))}
    seen, module = go(**settings, cuts=["step4"])
    handed = load_file(tmp_path / "handoff" / "easy-epoch=0-step=2.safetensors")
    assert all("lora_" in name for name in handed)
    kept = module.reference.parameters()
    assert kept.keys() == handed.keys()
    assert all(torch.equal(kept[name], value) for name, value in handed.items())
    frozen = {stage: at(seen, stage)[-1]["frozen"] for stage in ("easy", "medium")}
    assert frozen["medium"] > frozen["easy"]  # the adapters of vision and projector, after the reference was asked
    assert go(**settings, resume="step4")[0].is_the_rest_of(seen)


def test_a_stage_ends_early_when_the_metric_has_stopped_rising_and_resumes_so(go):
    stages = (Stage(name="easy", epochs=5, rollouts_per_epoch=1, patience=2), SHORT[1])
    settings = {"stages": stages, "scores": {0: 0.1, 2: 0.5, 4: 0.5, 6: 0.2, 8: 0.3}}
    cuts = ("step6", "val6")
    seen, _ = go(**settings, cuts=cuts)
    assert [step for step, _ in seen.validated] == [0, 2, 4, 6, 8]
    assert (seen.max_epochs, len(at(seen, "easy")), len(at(seen, "medium"))) == (4, 12, 4)
    assert at(seen, "medium")[0]["policy"] == after_step(seen, 2)["policy"]
    for cut in cuts:
        rest, _ = go(**settings, resume=cut)
        assert rest.is_the_rest_of(seen), cut
        assert rest.max_epochs == 4


def test_a_patience_that_is_lowered_below_the_count_ends_the_stage_at_the_next_validation(go):
    stages = (Stage(name="easy", epochs=6, rollouts_per_epoch=1, patience=5), SHORT[1])
    scores = dict.fromkeys(range(20), 0.1)
    go(stages=stages, scores=scores, cuts=["val6"])  # after three validations without an improvement
    rest, _ = go(stages=(replace(stages[0], patience=2), SHORT[1]), scores=scores, resume="val6")
    assert [stage for _, stage in rest.validated] == ["easy", "medium"]
    assert rest.max_epochs == 5


LONGER = (*SHORT, Stage(name="hard", rollouts_per_epoch=1))
FALLING = {0: 0.1, 2: 0.5, 4: 0.3, 6: 0.4, 8: 0.2}
"""Best of easy is 2, of medium 6, which is worse than its start, of hard 8."""


def test_the_best_within_a_stage_is_handed_over_where_its_start_does_not_compete_and_resumed_so(go):
    def within():
        return BestCheckpointHandoff(monitor="val/score", candidates="stage")

    settings = {"stages": LONGER, "scores": FALLING, "handoff": False}
    cuts = ("val4", "val6", "step7")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".* is discarded")
        seen, _ = go(within(), cuts=cuts, **settings)
    assert at(seen, "medium")[0]["policy"] == after_step(seen, 2)["policy"]
    assert at(seen, "hard")[0]["policy"] == at(seen, "hard")[0]["reference"] == at(seen, "medium")[-1]["policy"]
    assert seen.end == after_step(seen, 8)["policy"]
    for cut in ("val4", "val6"):
        assert go(within(), resume=cut, **settings)[0].is_the_rest_of(seen), cut
    inside, _ = go(within(), resume="step7", **settings)  # inside a rollout, which is sampled again
    assert inside.validated == [(8, "hard")]


@pytest.mark.parametrize(("margin", "discarded"), [(0.0, True), (0.15, False)])
def test_a_stage_that_is_discarded_is_a_warning_unless_it_is_within_the_margin(go, margin, discarded):
    handoff = BestCheckpointHandoff(monitor="val/score", margin=margin)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        seen, _ = go(handoff, stages=SHORT, scores=FALLING, handoff=False)
    texts = [str(warning.message) for warning in caught if "is discarded" in str(warning.message)]
    assert len(texts) == discarded
    for text in texts:
        assert "stage 'medium' is discarded" in text
        assert "val/score=0.4 after optimiser step 6" in text
        assert "began with, 0.5 after optimiser step 2" in text
    assert seen.end == after_step(seen, 2 if discarded else 6)["policy"]


def test_the_best_of_each_stage_is_kept_as_a_start_for_other_runs(go, tiny_folder, tmp_path):
    handoff = BestCheckpointHandoff(monitor="val/score", keep="best_of_each_stage")
    seen, _ = go(handoff, stages=LONGER, scores=FALLING, handoff=False)
    names = {"easy": "easy-epoch=0-step=2", "medium": "medium-epoch=2-step=6", "hard": "hard-epoch=3-step=8"}
    assert handoff.found.kept == {stage: f"handoff/{name}.safetensors" for stage, name in names.items()}
    for stage, name in names.items():
        file = tmp_path / "handoff" / f"{name}.safetensors"
        policy = Policy(PolicyConfig(name=str(tiny_folder), init_from=str(file)))
        best = after_step(seen, 2) if stage == "easy" else at(seen, stage)[-1]
        assert digest(dict(policy.named_parameters())) == best["policy"]


class Snapshot(L.Callback):
    """Saves a checkpoint of its own after the validation at step 2, below the run's folder."""

    def on_validation_end(self, trainer, module):
        if trainer.global_step == 2:
            trainer.save_checkpoint(f"{trainer.default_root_dir}/mine/early.ckpt")


def test_a_file_that_any_checkpoint_of_the_folder_names_is_kept(go, tmp_path):
    rising = {0: 0.1, 2: 0.2, 4: 0.3, 6: 0.4, 8: 0.5}
    go(BestCheckpointHandoff(monitor="val/score"), Snapshot(), stages=LONGER, scores=rising, handoff=False)
    kept = {path.stem for path in (tmp_path / "handoff").iterdir()}
    assert kept == {"easy-epoch=0-step=2", "medium-epoch=2-step=6", "hard-epoch=3-step=8"}


class AllAlike(RolloutCallback):
    """Everything is as right, or as wrong, as everything else."""

    def on_rewards(self, trainer, module, rollout):
        return rollout.with_rewards(torch.ones_like(rollout.rewards))


def test_rollouts_without_any_signal_pass_through_all_stages(go):
    stages = [replace(stage, kl_coef=0.0) for stage in SHORT]
    seen, module = go(AllAlike(), stages=stages, scores=dict.fromkeys(range(8), 0.0))
    assert {float.fromhex(record["loss"]) for record in seen.steps} == {0.0}
    assert len(seen.steps) == 12
    assert module.reference is None


def test_the_run_may_keep_its_first_reference_and_its_last_weights(tiny_folder, playground_folder, tmp_path):
    handoff = BestCheckpointHandoff(monitor="val/score", reset_reference=False, finish_with_best=False)
    settings = {"stages": SHORT, "handoff": False}
    seen, _ = run(tmp_path, tiny_folder, playground_folder, handoff, **settings)
    assert {record["reference"] for record in seen.steps} == {seen.steps[0]["policy"]}
    assert seen.end == seen.steps[-1]["policy"]
    assert at(seen, "medium")[0]["policy"] == after_step(seen, 2)["policy"]


def test_a_file_that_was_deleted_is_named_with_what_to_do(go, tmp_path):
    go(stages=SHORT, cuts=["val4"])
    (tmp_path / "handoff" / "easy-epoch=0-step=2.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"easy-epoch=0-step=2\.safetensors is gone.* Put it back"):
        go(stages=SHORT, resume="val4")


def refused(tiny, problems, tmp_path, *callbacks, module=None, sources=True, settings=None, **datamodule):
    fit = trainer(tmp_path, *callbacks, **({"max_epochs": -1} | (settings or {})))
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the caller reads the message
        fit.fit(module or grpo(tiny), data(problems, validation=sources, **datamodule))
    return str(caught.value)


@pytest.mark.parametrize(
    ("case", "named"),
    [
        ({"stages": [Stage(name="odd", sources={"nowhere": 1.0})]}, "stage 'odd' draws from source 'nowhere'"),
        ({"stages": [Stage(name="odd", freeze=("ears",))]}, "stage 'odd' freezes ['ears']"),
        ({"stages": [Stage(name="odd", sampling=SamplingChanges(temperature=0.0))]}, "temperature=0"),
        ({"stages": [Stage(name="odd", sampling=SamplingChanges(top_p=2.0))]}, "stage 'odd': sampling.top_p=2.0"),
        ({"stages": [Stage(name="odd", patience=1)]}, "nothing monitors"),
        ({"stages": STAGES, "settings": {"max_epochs": 4}}, "max_epochs=4 contradicts data.stages"),
    ],
)
def test_a_stage_that_cannot_be_honoured_is_refused_before_the_run(
    tiny_folder, playground_folder, tmp_path, case, named
):
    assert named in refused(tiny_folder, playground_folder, tmp_path, **case)


@pytest.mark.parametrize("setting", [{"kl_coef": 0.1}, {"entropy_coef": 0.1}, {"sampling": SamplingChanges(top_k=3)}])
def test_sft_refuses_a_stage_that_asks_for_rollouts(tiny_folder, playground_folder, tmp_path, setting):
    stages = [Stage(name="odd", **setting)]
    message = refused(tiny_folder, playground_folder, tmp_path, module=sft(tiny_folder), part="sft", stages=stages)
    assert f"stage 'odd' sets {next(iter(setting))}, and SFT has neither" in message


def test_a_hand_off_without_validations_is_refused_before_the_run(tiny_folder, playground_folder, tmp_path):
    handoff = BestCheckpointHandoff()
    folders = (tiny_folder, playground_folder, tmp_path)
    settings = {"enable_checkpointing": False}
    assert "data.validation is empty" in refused(*folders, handoff, sources=False, settings=settings)
    rare = refused(*folders, handoff, settings=settings | {"check_val_every_n_epoch": 2})
    assert "check_val_every_n_epoch=2" in rare
    unknown = refused(*folders, BestCheckpointHandoff(monitor="val/accurcy"), settings=settings | {"max_epochs": 1})
    assert "val/accurcy" in unknown
    assert "val/accuracy" in unknown


@pytest.mark.parametrize("make", [
    lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1), lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.1),
    lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1), lambda p: torch.optim.SGD(p, lr=0.1),
])  # fmt: skip
def test_priming_changes_neither_weights_nor_the_steps_that_follow(make):
    torch.manual_seed(0)
    start, grads = torch.randn(4), torch.randn(3, 4)

    def train(primed):
        parameter = torch.nn.Parameter(start.clone())
        optimizer = make([parameter])
        if primed:
            prime(optimizer)
            assert torch.equal(parameter, start)
            assert parameter.grad is None
        for grad in grads:
            parameter.grad = grad.clone()
            optimizer.step()
        return parameter

    assert torch.equal(train(True), train(False))


def test_a_score_that_is_no_number_never_stays_the_best():
    assert improves(0.1, None, "max")
    assert improves(0.1, float("nan"), "max")
    assert not improves(float("nan"), 0.1, "max")
    assert not improves(0.1, 0.1, "max")
    assert improves(0.0, 0.1, "min")
