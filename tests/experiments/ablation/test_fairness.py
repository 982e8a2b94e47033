"""What makes two arms comparable, on configurations as values and as the command line reads them."""

import pytest
import yaml

from cogito_pl.experiments.ablation.configuration import fit_configurations
from cogito_pl.experiments.ablation.fairness import check_equal, draws_from, rollouts, sizes
from cogito_pl.experiments.phases import SettingsError


def config(max_epochs=4, rollouts_per_epoch=10, stages=None, **schedule):
    return {
        "seed_everything": 1,
        "trainer": {"max_epochs": max_epochs, "max_steps": -1},
        "data": {"rollouts_per_epoch": rollouts_per_epoch} | ({"stages": stages} if stages is not None else {}),
        "model": {"init_args": {"schedule": {"prompts": 16, "group_size": 8, "micro_batch": 8} | schedule}},
    }


def test_rollouts_are_epochs_times_rollouts_per_epoch():
    assert rollouts(config()) == 40
    assert rollouts(config(stages=())) == 40


def test_the_rollouts_of_stages_add_up_in_place_of_the_epochs():
    stages = ({"epochs": 2, "rollouts_per_epoch": 5}, {"epochs": 3, "rollouts_per_epoch": None})
    assert rollouts(config(max_epochs=99, stages=stages)) == 2 * 5 + 3 * 10


@pytest.mark.parametrize("change", [{"rollouts_per_epoch": None}, {"max_epochs": -1}, {"max_epochs": None}])
def test_a_number_that_is_known_only_later_is_refused(change):
    with pytest.raises(ValueError, match="give both as numbers"):
        rollouts(config(**change))


def test_the_same_rollouts_in_other_epochs_micro_batches_or_groups_are_equal():
    other = config(max_epochs=8, rollouts_per_epoch=5, micro_batch=64, prompts=64, group_size=2)
    own, plain = sizes([other]), sizes([config()])
    assert own == plain
    assert own["updates"] == 40
    check_equal("b", own, plain, "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_epochs": 6}, "--with b: updates is 60, in the plain recipe 40.*--overlay grpo=FILE"),
        ({"group_size": 4}, "completions_per_update is 64, in the plain recipe 128"),
        ({"prompts": 32}, "completions_per_update is 256, in the plain recipe 128"),
        ({"updates": 2}, "updates is 80, in the plain recipe 40; completions_per_update is 64"),
        ({"epochs_per_rollout": 2}, "updates is 80, in the plain recipe 40; completions_per_update is 64"),
    ],
)
def test_an_arm_of_another_size_is_refused_with_settings_values_and_remedy(change, message):
    with pytest.raises(SettingsError, match=message):
        check_equal("b", sizes([config(**change)]), sizes([config()]), "say --overlay grpo=FILE")


def test_a_limit_that_ends_a_fit_early_counts():
    own = config()
    own["trainer"]["max_steps"] = 10
    with pytest.raises(SettingsError, match=r"trainer\.max_steps is 10, in the plain recipe -1"):
        check_equal("b", sizes([own]), sizes([config()]), "")


def read(ablation, name):
    arm = next(arm for arm in ablation.arms if arm.name == name)
    return fit_configurations(ablation, arm)


def test_the_command_line_is_parsed_with_its_defaults_and_leaves_nothing(make_ablation):
    ablation = make_ablation(real=True, seeds=[5], longer=yaml.safe_dump({"trainer": {"max_epochs": 6}}))
    configs = read(ablation, "plain")
    plain, longer = sizes(configs), sizes(read(ablation, "longer"))
    assert (plain["updates"], longer["updates"]) == (40, 60)
    assert plain["completions_per_update"] == 128  # of a default that no file names
    assert plain["seed_everything"] == 5
    start = configs[-1]["model"]["init_args"]["policy"]["init_from"]
    assert start == str(ablation.folder(5) / "sft" / "export")
    assert not ablation.run.exists()


def test_an_arm_may_draw_on_the_data_of_its_seed(make_ablation):
    text = "data: {train: [{path: '${data.validation.0.path}', subset: train, split: train, limit: 9}]}"
    ablation = make_ablation(real=True, few=text)
    (source,) = read(ablation, "few")[-1]["data"]["train"]
    assert (source["path"], source["limit"]) == (str(ablation.folder(1) / "data"), 9)


def test_a_misspelt_key_is_refused_by_name(make_ablation):
    with pytest.raises(ValueError, match="group_sizes"):
        read(make_ablation(real=True, wrong="model: {init_args: {group_sizes: 1}}"), "wrong")


def test_a_schedule_that_does_not_fit_or_is_not_there_is_refused():
    with pytest.raises(ValueError, match="micro_batch=5"):
        sizes([config(micro_batch=5)])
    with pytest.raises(ValueError, match="schedule is missing"):
        sizes([config() | {"model": {"init_args": {}}}])


def test_an_sft_fit_before_grpo_counts_as_updates_and_its_batches_need_not_be_rollouts():
    first = config(max_epochs=1, rollouts_per_epoch=20, prompts=32, group_size=1)
    check_equal("b", sizes([first, config(max_epochs=2)]), sizes([config()]), "")
    with pytest.raises(SettingsError, match=r"updates is 60, in the plain recipe 40.*--sft-first"):
        check_equal("b", sizes([first, config()]), sizes([config()]), "")
    first["trainer"]["max_steps"] = 5
    with pytest.raises(SettingsError, match=r"trainer\.max_steps is \[5, -1\]"):
        check_equal("b", sizes([first, config(max_epochs=2)]), sizes([config()]), "")


def test_the_scores_that_an_arm_draws_from_are_those_of_all_its_fits(make_ablation):
    strata = "data: {strata: {scorer: pism, file: '${data.validation.0.path}/scores/train.parquet'}}"
    ablation = make_ablation(real=True, plain_too="{}", mid=strata, sft_first=["mid"])
    plain, mid = read(ablation, "plain_too"), read(ablation, "mid")
    assert (len(plain), draws_from(plain)) == (1, set())
    assert (len(mid), draws_from(mid)) == (2, {str(ablation.study.scores(ablation.folder(1)))})
    assert draws_from(mid[:1]) == draws_from(mid[1:]) == draws_from(mid)
