"""An image stage, then a text stage with the vision tower frozen, in one fit: settings, weights and resuming."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from callbacks import BestCheckpointHandoff, DynamicSampling, PrioritizedAdvantageDistillation
from cogito_pl.data.curriculum import Stage
from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.sampling_changes import SamplingChanges
from cogito_pl.data.source import Source
from cogito_pl.modules import RolloutCallback
from cogito_pl.playground.parts import PartSpec
from cogito_pl.playground.write import write_part
from cogito_pl.policy import SamplingConfig
from cogito_pl.rl.entropy_schedule import EntropySchedule
from cogito_pl.rl.losses import LossConfig, policy_loss
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import Recorder, TokenSumReward, grpo, trainer, weights

IMAGE = Stage(name="image", epochs=2, sources={"image": 1.0}, entropy_coef=0.3)
TEXT = Stage(
    name="text", epochs=2, sources={"text": 1.0}, freeze=("vision", "projector"), kl_coef=0.05, entropy_coef=0.2,
    entropy_schedule=EntropySchedule(warmup=1, decay=0.5), sampling=SamplingChanges(max_tokens=3, temperature=0.7),
)  # fmt: skip
MIXED = Stage(name="mixed", epochs=1, sources={"image": 1.0, "text": 1.0}, entropy_coef=0.0)
SCHEDULE = RolloutSchedule(prompts=2, group_size=4, updates=2, micro_batch=4)
LOSS = LossConfig(entropy_coef=0.4, entropy_schedule=EntropySchedule(warmup=0, decay=0.9))


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """Sources `image` and `text`."""
    folder = tmp_path_factory.mktemp("modalities")
    for name, families in (("image", ("count", "locate")), ("text", ("arithmetic",))):
        spec = PartSpec(part="train", seed=4, families=families, difficulties=(1,))
        write_part(folder / name, spec, (spec.row(index) for index in range(12)))
    return [Source(name=name, path=str(folder / name), subset="train", split="train") for name in ("image", "text")]


class Watch(RolloutCallback):
    """Notes each rollout with its stage, the loss of every step, and the weights at both ends of every stage."""

    def __init__(self, monkeypatch=None):
        self.rollouts, self.losses, self.starts, self.ends = [], [], {}, {}
        if monkeypatch:
            monkeypatch.setattr("cogito_pl.modules.grpo.policy_loss", self.loss)

    def loss(self, *args, config, **kwargs):
        self.losses.append(config)
        return policy_loss(*args, config=config, **kwargs)

    def on_rollout_start(self, trainer, module):
        self.starts.setdefault(module.stage.name, weights(module))

    def on_rollout_end(self, trainer, module, rollout):
        images = {bool(problem.images) for problem in rollout.problems}
        self.rollouts.append((rollout.stage, images, int(rollout.lengths.max())))

    def on_train_epoch_end(self, trainer, module):
        self.ends[module.stage.name] = weights(module)


def fit(folder, tiny, sources, *callbacks, stages=(IMAGE, TEXT), resume=None, handoff=False, loss=LOSS):
    module = grpo(
        tiny, schedule=SCHEDULE, loss=loss, sampling=SamplingConfig(max_tokens=5),
        lr=1e-2, optimizer=partial(torch.optim.AdamW, betas=(0.9, 0.99), weight_decay=0.3),
        evaluation=SamplingConfig(max_tokens=1, temperature=0),
    )  # fmt: skip
    checked = [replace(source, limit=2) for source in sources]
    datamodule = ReasoningDataModule(train=sources, validation=checked, rollouts_per_epoch=1, stages=stages)
    given = [BestCheckpointHandoff(monitor="val/length_tokens", candidates="stage")] if handoff else []
    trainer(folder, TokenSumReward(), *callbacks, *given, max_epochs=-1).fit(module, datamodule, ckpt_path=resume)
    return module


def parts(module, before, after, part):
    """For every weight of a part, whether it stayed as it was, bit for bit."""
    ids = {id(p) for m in module.policy.family.part(module.policy.model, part) for p in m.parameters()}
    names = [name for name, p in module.policy.model.named_parameters() if id(p) in ids]
    assert names
    return [torch.equal(before[name], after[name]) for name in names]


def test_every_stage_has_its_own_problems_sampling_kl_entropy_and_entropy_schedule(
    tiny_folder, problems, tmp_path, monkeypatch
):
    watch = Watch(monkeypatch)
    fit(tmp_path, tiny_folder, problems, watch, stages=(IMAGE, TEXT, MIXED))
    assert [seen[:2] for seen in watch.rollouts[:4]] == [("image", {True})] * 2 + [("text", {False})] * 2
    assert [seen[2] for seen in watch.rollouts] == [5, 5, 3, 3, 5]
    assert [round(config.entropy_coef, 6) for config in watch.losses] == pytest.approx(
        # the run's schedule, at the coefficient of the stage; then the stage's own, from its start; then neither
        [0.0, 0.3, 0.27, 0.243, 0.0, 0.0, 0.2, 0.1, 0.0, 0.0]
    )
    assert [config.kl_coef for config in watch.losses] == [0.0] * 4 + [0.05] * 4 + [0.0] * 2


@pytest.mark.parametrize("handoff", [False, True])
def test_the_vision_tower_is_bit_identical_before_and_after_the_text_stage(tiny_folder, problems, tmp_path, handoff):
    """Momentum of the image stage is left over, unless a hand-off begins afresh, and there is weight decay."""
    watch = Watch()
    module = fit(tmp_path, tiny_folder, problems, watch, handoff=handoff)
    for part in ("vision", "projector"):
        assert not any(parts(module, watch.starts["image"], watch.ends["image"], part))
        assert all(parts(module, watch.starts["text"], watch.ends["text"], part))
    assert not any(parts(module, watch.starts["text"], watch.ends["text"], "language"))


@pytest.fixture(scope="module")
def whole(tiny_folder, problems, tmp_path_factory):
    """A run through both stages with dynamic sampling, distillation and the hand-off, saved after every rollout."""
    folder = tmp_path_factory.mktemp("whole")
    recorder, end = methods_run(folder, tiny_folder, problems)
    return folder, recorder, end


def methods_run(folder, tiny, sources, resume=None):
    recorder = Recorder()
    saved = ModelCheckpoint(folder / "saved", "{step}", every_n_train_steps=1, save_top_k=-1)
    given = [
        DynamicSampling(1, "advantage"), PrioritizedAdvantageDistillation("official", high=1.2), recorder, saved,
    ]  # fmt: skip
    stages = (replace(IMAGE, rollouts_per_epoch=2, epochs=1), replace(TEXT, rollouts_per_epoch=3, epochs=1))
    module = fit(folder, tiny, sources, *given, stages=stages, handoff=True, resume=resume)
    return recorder, weights(module)


@pytest.mark.parametrize("step", [2, 6, *(pytest.param(step, marks=pytest.mark.slow) for step in (4, 8))])
def test_a_run_resumes_bit_for_bit_inside_each_stage_and_between_them(tiny_folder, problems, whole, step):
    folder, recorder, end = whole
    rest, again = methods_run(folder, tiny_folder, problems, folder / "saved" / f"step={step}.ckpt")
    assert rest.rollouts == recorder.rollouts[step // 2 :]
    assert [loss.hex() for loss in rest.losses] == [loss.hex() for loss in recorder.losses[step:]]
    assert all(torch.equal(again[name], value) for name, value in end.items())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"entropy_coef": -0.1}, "stage 'text': loss.entropy_coef=-0.1 must not be negative"),
        ({"entropy_coef": None}, "stage 'text': loss.entropy_schedule has no effect while loss.entropy_coef is 0"),
    ],
)
def test_an_entropy_bonus_that_cannot_be_is_refused_with_its_stage(tiny_folder, problems, tmp_path, changes, named):
    with pytest.raises(ValueError, match=r"data\.stages") as caught:
        fit(tmp_path, tiny_folder, problems, stages=(IMAGE, replace(TEXT, **changes)), loss=LossConfig())
    assert named in str(caught.value)
