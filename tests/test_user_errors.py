"""A user's mistake is one message and exit status 2; a bug keeps its traceback."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelSummary, TQDMProgressBar
from lightning.pytorch.cli import LightningCLI
from lightning.pytorch.loggers import CSVLogger

from cogito_pl.data.source import Source
from cogito_pl.help_page import data_settings, help_page, trainer_settings
from cogito_pl.modules import RolloutCallback
from cogito_pl.parse_errors import innermost, suggestion
from cogito_pl.playground.tiny import save_tiny
from cogito_pl.quiet import NOISE
from cogito_pl.terminal import ShortSummary, tidy
from cogito_pl.trainer_checks import check_accelerator, check_command, check_devices
from cogito_pl.user_errors import is_mistake

ROOT = Path(__file__).resolve().parents[1]


class Careless(RolloutCallback):
    """Fails in a step, as its author did not intend, or on purpose."""

    def __init__(self, how: str) -> None:
        if how == "init":
            raise KeyError("no such entry")
        self.how = how

    def on_rewards(self, trainer, module, rollout):
        if self.how == "raise":
            raise ValueError("rewards are odd")
        return {}[self.how]


@pytest.fixture(scope="module")
def places(tiny_folder, playground_folder, tmp_path_factory):
    """Names that stand in the settings of mistakes, with what they stand for."""
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "other").mkdir()
    save_tiny(folder / "other", seed=0)
    config = json.loads((folder / "other" / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] = 3
    config["text_config"]["layer_types"] = config["text_config"]["layer_types"][:3]
    (folder / "other" / "config.json").write_text(json.dumps(config))
    (folder / "empty").mkdir()
    (folder / "list.yaml").write_text("- 1\n- 2\n")
    (folder / "broken.yaml").write_text("trainer:\n  max_epochs: [1, 2\ndata: {}\n")
    (folder / "twice.yaml").write_text("trainer: {max_epochs: 1}\ntrainer: {max_epochs: 2}\n")
    (folder / "cut.ckpt").write_text("not a checkpoint")
    torch.save({"state_dict": {}}, folder / "weights.ckpt")
    torch.save({"state_dict": {}, "module": "SFTModule", "pytorch-lightning_version": "2.6.6"}, folder / "sft.ckpt")
    rows = ['{"question": "1 + 1?", "answer": "2"}', '{"question": "", "answer": "2"}', "{", '{"question": "a"}']
    (folder / "rows.jsonl").write_text("\n".join(rows))
    return {"TINY": str(tiny_folder), "DATA": str(playground_folder), "HERE": str(folder)}


@pytest.fixture
def recipe(places, tmp_path):
    settings = {
        "trainer": {
            "accelerator": "cpu", "max_epochs": 1, "default_root_dir": str(tmp_path), "logger": False,
            "enable_progress_bar": False, "enable_checkpointing": False,
        },
        "model": {
            "class_path": "cogito_pl.modules.GRPOModule",
            "init_args": {
                "policy": {"name": "TINY"},
                "schedule": {"prompts": 4, "group_size": 2, "micro_batch": 4},
                "sampling": {"max_tokens": 3},
                "evaluation": {"max_tokens": 3},
                "optimizer": {"class_path": "torch.optim.AdamW"},
            },
        },
        "data": {
            "rollouts_per_epoch": 1,
            "train": [{"path": "DATA", "subset": "train", "limit": 8}],
            "validation": [{"path": "DATA", "subset": "validation", "split": "validation", "limit": 2}],
        },
    }  # fmt: skip
    path = tmp_path / "recipe.yaml"
    path.write_text(filled(yaml.safe_dump(settings), places))
    return path


@pytest.fixture
def main(monkeypatch):
    """`train.py` in this process, with one subcommand."""
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setattr(sys, "argv", ["train.py"])
    from cogito_pl.cli import CogitoCLI
    from train import main

    only = {"fit": LightningCLI.subcommands()["fit"]}
    monkeypatch.setattr(CogitoCLI, "subcommands", staticmethod(lambda: only))
    for accelerator in ("CUDAAccelerator", "MPSAccelerator"):
        monkeypatch.setattr(f"cogito_pl.trainer_checks.{accelerator}.is_available", staticmethod(lambda: False))
    return main


def filled(text: str, places: dict[str, str]) -> str:
    for name, place in places.items():
        text = text.replace(name, place)
    return text


def own_words(mistake, places, recipe, tmp_path) -> list[str]:
    """The command line of a mistake: flags as they are, an overlay as a file behind the recipe."""
    if isinstance(mistake, dict):
        overlay = tmp_path / "overlay.yaml"
        overlay.write_text(filled(yaml.safe_dump(mistake), places))
        return ["fit", "--config", str(recipe), "--config", str(overlay)]
    if isinstance(mistake, list):
        return [filled(word, places).replace("RECIPE", str(recipe)) for word in mistake]
    return ["fit", "--config", str(recipe), filled(mistake, places)]


def model(**settings):
    return {"model": {"init_args": settings}}


def data(**settings):
    return {"data": settings}


def callback(name, **settings):
    return {"trainer": {"callbacks": [{"class_path": name, "init_args": settings}]}}


SOURCE = {"path": "DATA", "subset": "train"}
LIGHTNING = "lightning.pytorch.callbacks"
MISTAKES = {
    # what does not parse: the mistake, and what the message names: setting, value, remedy
    "key at the top": ({"stage": 3}, ["stage=3", "overlay.yaml", "ckpt_path"]),
    "section misspelt": ({"trianer": {"max_epochs": 3}}, ["trianer={'max_epochs': 3}", "did you mean trainer?"]),
    "key in trainer": ({"trainer": {"max_epoch": 3}}, ["trainer.max_epoch=3", "did you mean max_epochs?"]),
    "key in a nested dataclass": (model(loss={"kl_coeff": 1}), ["loss.kl_coeff=1", "did you mean kl_coef?"]),
    "key in init_args of the model": (model(los={"kl_coef": 1}), ["init_args.los={'kl_coef': 1}", "mean loss?"]),
    "key one level too high": (model(kl_coef=0.1), ["init_args.kl_coef=0.1", "did you mean loss.kl_coef?"]),
    "key of an optional dataclass": (model(policy={"lora": {"rnk": 3}}), ["policy.lora.rnk=3", "mean rank?"]),
    "key of a callback": (
        callback("callbacks.ODSWReweighting", zero_weigth=1),
        ["trainer.callbacks[0].init_args.zero_weigth=1", "did you mean zero_weight?", "callbacks.help=callbacks.ODSW"],
    ),
    "key of a source": (data(train=[{**SOURCE, "splitt": "x"}]), ["data.train[0].splitt=x", "did you mean split?"]),
    "key of the columns": (data(train=[{**SOURCE, "columns": {"query": "q"}}]), ["columns.query=q", "question"]),
    "key in a mapping on the command line": (
        "--model.init_args.policy.lora={rnk: 3}", ["policy.lora.rnk=3", "did you mean rank?"],
    ),
    "scorer missing": (
        "--model=cogito_pl.modules.ScoreModule", ["model.init_args.scorer is missing", "ScoreModule", "set it"],
    ),
    "key of a stage": (data(stages=[{"name": "a", "epoch": 3}]), ["data.stages[0].epoch=3", "did you mean epochs?"]),
    "key on the command line": ("--trainer.max_epoch=3", ["--trainer.max_epoch=3", "did you mean trainer.max_epochs?"]),
    "beginning of a key": ("--model.init_args.loss.clip_lo=1", ["loss.clip_lo=1", "did you mean loss.clip_low?"]),
    "init_args misspelt": ({"model": {"init_arg": {"seed": 1}}}, ["model.init_arg={'seed': 1}", "mean init_args?"]),
    "choice": (model(loss={"surrogate": "clipp"}), ["loss.surrogate=clipp", "clip, gspo, cispo", "did you mean clip?"]),
    "choice of the data": (data(check_images="decod"), ["data.check_images=decod", "decode, header"]),
    "word for a number": (model(loss={"kl_coef": "much"}), ["loss.kl_coef=much", "expected a number"]),
    "word for a whole number": ("--trainer.max_epochs=three", ["trainer.max_epochs=three", "a whole number or null"]),
    "number for a list": (data(train=3), ["data.train=3", "expected a list"]),
    "mapping for a list": (data(train=SOURCE), ["data.train={", "expected a list"]),
    "number for settings": (model(sampling=3), ["model.init_args.sampling=3", "max_tokens"]),
    "number for a section": ({"data": 3}, ["data=3", "write settings below `data:`"]),
    "number for a model": ({"model": 3}, ["model=3", "class_path"]),
    "class of the module misspelt": ("--model=cogito_pl.modules.GRPModule", ["GRPModule", "modules.GRPOModule?"]),
    "class by half its name": ("--model=GRPO", ["model=GRPO", "did you mean cogito_pl.modules.GRPOModule?"]),
    "class of a callback misspelt": (
        callback("callbacks.ODSWReweightin"), ["callbacks[0]=callbacks.ODSWReweightin", "callbacks.ODSWReweighting?"],
    ),
    "class of a callback unlike any": (callback("callbacks.Nothing"), ["=callbacks.Nothing", "HFExport"]),
    "module of a class missing": (callback("callback.HFExport"), ["=callback.HFExport", "correct the class"]),
    "class that is no callback": (callback("torch.optim.AdamW"), ["=torch.optim.AdamW", "is not a Callback", "name a"]),
    "engine misspelt": (model(engine="cogito_pl.policy.LivEngine"), ["engine=cogito_pl.policy.Liv", "LiveEngine?"]),
    "class of the optimiser on the command line": (
        "--model.init_args.optimizer.class_path=torch.optim.AdmW",
        ["optimizer=torch.optim.AdmW: there is no such class", "did you mean torch.optim.AdamW?"],
    ),
    "no class_path": ({"model": {"class_path": None}}, ["model.class_path=None", "write package.Class"]),
    "no model": (["fit"], ["model is missing", "--config"]),
    "no command": ([], ["no command", "fit, validate, predict"]),
    "command misspelt": (["fti", "--config", "RECIPE"], ["fti", "did you mean fit?"]),
    "recipe without --config": (["fit", "RECIPE"], ["recipe.yaml stands alone", "write --config"]),
    "overlay missing": (["fit", "--config", "configs/playground/grop.yaml"], ["grop.yaml", "playground/grpo.yaml?"]),
    "YAML broken": ("--config=HERE/broken.yaml", ["broken.yaml is not YAML", "line 3", "correct that line"]),
    "YAML of a list": ("--config=HERE/list.yaml", ["list.yaml holds [1, 2]", "write sections"]),
    "YAML key twice": ("--config=HERE/twice.yaml", ["twice.yaml", "'trainer' is given twice", "join"]),
    "colon without a space": ("--data.stages=[{name:easy}]", ["name:easy", "a space follows the colon"]),
    "print_config flag": ("--print_config=all", ["--print_config", "all", "--help"]),
    # what the trainer cannot do
    "no such GPU": ("--trainer.accelerator=gpu", ["trainer.accelerator=gpu", "set trainer.accelerator=cpu"]),
    "accelerator misspelt": ("--trainer.accelerator=cppu", ["trainer.accelerator=cppu", "did you mean cpu?"]),
    "no devices": ("--trainer.devices=0", ["trainer.devices=0", "set 1 or more"]),
    "devices in words": ("--trainer.devices=two", ["trainer.devices=two", "set 1 or more"]),
    "strategy misspelt": ("--trainer.strategy=dpp", ["trainer.strategy=dpp", "did you mean ddp?"]),
    "bf16-true": ("--trainer.precision=bf16-true", ["trainer.precision=bf16-true", "use bf16-mixed"]),
    "16-true": ("--trainer.precision=16-true", ["trainer.precision=16-true", "32-true"]),
    "precision misspelt": ("--trainer.precision=bf17", ["trainer.precision=bf17", "bf16-mixed"]),
    "64-true": ("--trainer.precision=64-true", ["trainer.precision=64-true", "use 32-true"]),
    "negative clipping": ("--trainer.gradient_clip_val=-1", ["trainer.gradient_clip_val=-1", "leave it out"]),
    "validation every 0 epochs": (
        "--trainer.check_val_every_n_epoch=0", ["check_val_every_n_epoch=0", "limit_val_batches=0"],
    ),
    "seed of the module": (model(seed=3), ["model.init_args.seed=3", "overlay.yaml", "set seed_everything"]),
    "flag without a value": (
        ["fit", "--config", "RECIPE", "--model.init_args.policy.init_from", "--trainer.max_epochs=1"],
        ["--model.init_args.policy.init_from has no value", "write --SETTING=VALUE"],
    ),
    "image of no size": (model(policy={"max_pixels": 0}), ["policy.max_pixels=0", "leave it out"]),
    "export onto another folder": (
        callback("callbacks.HFExport", path="HERE"), ["HFExport.path=", "is no model folder", "choose another"],
    ),
    "seed below zero": ("--seed_everything=-1", ["seed_everything=-1", "choose a number from 0"]),
    "checkpoint missing": ("--ckpt_path=HERE/none.ckpt", ["--ckpt_path=", "none.ckpt does not", "that folder has"]),
    "checkpoint cut off": ("--ckpt_path=HERE/cut.ckpt", ["--ckpt_path=", "is not a checkpoint", "name another"]),
    "checkpoint of no run": ("--ckpt_path=HERE/weights.ckpt", ["weights.ckpt is not a", "name another"]),
    "checkpoint that is a model folder": ("--ckpt_path=TINY", ["--ckpt_path=", "policy.init_from"]),
    "validation between epochs": ({"trainer": {"val_check_interval": -1}}, ["val_check_interval", "-1", "[0.0, 1.0]"]),
    # sizes and numbers that do not fit
    "updates that do not divide": (model(schedule={"updates": 3}), ["schedule.updates=3", "choose a divisor"]),
    "micro-batch that does not divide": (model(schedule={"micro_batch": 3}), ["schedule.micro_batch=3", "a divisor"]),
    "group of one": (model(schedule={"group_size": 1}), ["schedule.group_size=1", "use 2 or more"]),
    "negative clip range": (model(loss={"clip_low": -0.2}), ["clip_low=-0.2", "use 0 or more"]),
    "negative learning rate": (
        model(optimizer={"class_path": "torch.optim.AdamW", "init_args": {"lr": -1.0}}),
        ["optimizer", "learning rate: -1.0", "correct"],
    ),
    "greedy GRPO": (model(sampling={"temperature": 0}), ["sampling.temperature=0", "variety"]),
    "share above one": (data(rejection_limit=2.0), ["data.rejection_limit=2.0", "from 0 to 1"]),
    "accumulation that contradicts": (
        {"trainer": {"accumulate_grad_batches": 3}}, ["accumulate_grad_batches=3", "leave it out"],
    ),
    "epochs that contradict": (
        data(stages=[{"name": "a", "epochs": 2}]), ["trainer.max_epochs=1", "leave trainer.max_epochs out"],
    ),
    "reload that contradicts": (
        {"trainer": {"reload_dataloaders_every_n_epochs": 0}}, ["reload_dataloaders_every_n_epochs=0", "set it to 1"],
    ),
    # data
    "data missing": (data(train=[{"path": "HERE/none"}]), ["path=", "none does not exist", "correct `path`"]),
    "subset misspelt": (data(train=[{**SOURCE, "subset": "trian"}]), ["subset='trian'", "train"]),
    "split missing": (data(train=[{**SOURCE, "split": "test"}]), ["split='test'", "train"]),
    "column missing": (
        data(train=[{**SOURCE, "columns": {"question": "query"}}]), ["columns.question='query'", "has the columns"],
    ),
    "unknown kind": (data(train=[{**SOURCE, "kind": "nummer"}]), ["kind=nummer", "choose one of math"]),
    "kind stated nowhere": (data(train=[{"path": "HERE/rows.jsonl"}]), ["set `kind`", "math"]),
    "too many rejected rows": (
        data(train=[{"path": "HERE/rows.jsonl", "kind": "number"}]), ["3 of 4 rows", "raise data.rejection_limit"],
    ),
    "nothing to train on": (data(train=[]), ["data.train is empty", "name at least one source"]),
    "scores missing": (
        data(strata={"scorer": "pism", "file": "HERE/none.parquet"}), ["strata.file=", "none.parquet", "score"],
    ),
    "scores not named": (data(strata={"scorer": "pism"}), ["strata.scorer=pism", "strata.file"]),
    "empty source": (data(train=[{}]), ["data.train=[{}]", "is not complete", "name: value"]),
    # stages and callbacks
    "stage of an unknown source": (
        {**data(stages=[{"name": "a", "sources": {"mine": 1}}])}, ["stage 'a'", "source 'mine'", "there are"],
    ),
    "stage named twice": (data(stages=[{"name": "a"}, {"name": "a"}]), ["data.stages", "['a', 'a']", "used once"]),
    "stage of a callback missing": (
        callback("callbacks.DynamicLengthReward", stages=["hard"]), ["Reward.stages", "hard", "set `stages`"],
    ),
    "hand-off without validation": (
        callback("callbacks.BestCheckpointHandoff") | data(validation=[]), ["data.validation is empty", "add a source"],
    ),
    "hand-off by an unknown metric": (
        callback("callbacks.BestCheckpointHandoff", monitor="val/nope"), ["monitor=val/nope", "choose of"],
    ),
    "early stopping by an unknown metric": (
        callback(f"{LIGHTNING}.EarlyStopping", monitor="val/nope"), ["val/nope", "any of the following"],
    ),
    # models
    "model folder missing": (model(policy={"name": "HERE/none"}), ["policy.name=", "none is not a folder", "correct"]),
    "model folder empty": (model(policy={"name": "HERE/empty"}), ["policy.name=", "empty", "complete the files"]),
    "start missing": (model(policy={"init_from": "HERE/none"}), ["policy.init_from=", "none", "correct it"]),
    "start of another architecture": (
        model(policy={"init_from": "HERE/other"}), ["policy.init_from=", "num_hidden_layers", "same architecture"],
    ),
    "start that is no checkpoint": (model(policy={"init_from": "HERE/list.yaml"}), ["policy.init_from=", "correct it"]),
    "checkpoint of another module": ("--ckpt_path=HERE/sft.ckpt", ["sft.ckpt", "of SFTModule", "init_from"]),
    "everything frozen": (
        model(policy={"freeze": ["vision", "projector", "language", "embeddings", "head"]}),
        ["policy.freeze", "nothing to train", "take a part out"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_message_that_names_setting_value_and_remedy(main, places, recipe, tmp_path, capsys, name):
    mistake, named = MISTAKES[name]
    with pytest.raises(SystemExit) as exit_info:
        main(own_words(mistake, places, recipe, tmp_path))
    printed = capsys.readouterr().err
    message = printed[printed.index("error: ") :]
    assert exit_info.value.code == 2
    assert sum(line.startswith("error: ") for line in printed.splitlines()) == 1
    assert "Traceback" not in printed
    assert len(message.splitlines()) <= 6
    for words in named:
        assert words in message, message


@pytest.mark.parametrize(
    ("settings", "error"),
    [({"how": "init"}, "KeyError"), ({"how": "lookup"}, "KeyError"), ({"how": "raise"}, "ValueError")],
)
def test_what_goes_wrong_in_a_users_own_code_keeps_its_traceback(main, places, recipe, tmp_path, settings, error):
    words = own_words(callback("tests.test_user_errors.Careless", **settings), places, recipe, tmp_path)
    with pytest.raises(Exception, match=r"no such entry|lookup|rewards are odd") as caught:
        main(words)
    assert caught.type.__name__ == error
    assert "test_user_errors.py" in str(caught.traceback[-1].path)


def test_a_bug_in_the_module_of_a_users_class_is_shown_as_it_is(main, recipe, tmp_path, monkeypatch):
    (tmp_path / "broken_module.py").write_text("{}['entry']\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(KeyError, match="entry"):
        main(["fit", "--config", str(recipe), "--trainer.callbacks=[{class_path: broken_module.Mine}]"])


def test_commands_that_a_module_or_the_data_have_nothing_for_are_refused():
    with pytest.raises(ValueError, match=r"model\.class_path=cogito_pl\.modules\.SFTModule does not score .*set it to"):
        check_command("predict", "cogito_pl.modules.SFTModule", None)
    check_command("predict", "cogito_pl.modules.ScoreModule", None)
    with pytest.raises(ValueError, match=r"data\.validation is empty; name"):
        check_command("validate", "cogito_pl.modules.SFTModule", SimpleNamespace(validation=(), benchmarks=()))
    check_command("validate", "cogito_pl.modules.SFTModule", SimpleNamespace(validation=(), benchmarks=("MathVista",)))


def test_a_value_error_that_nobody_raised_on_purpose_is_a_bug():
    def caught(action):
        with pytest.raises((ValueError, OSError)) as caught:
            action()
        return caught.value

    assert not is_mistake(caught(lambda: int("x")))
    assert not is_mistake(caught(lambda: [a for a, _ in [(1, 2, 3)]]))
    assert is_mistake(caught(lambda: Source(path="x", limit=0)))
    assert is_mistake(caught(lambda: Path("/no/such/file").read_text()))


def test_the_traceback_is_shown_on_request(main, recipe, capsys, monkeypatch):
    monkeypatch.setenv("COGITO_TRACEBACK", "1")
    for word in ("--trainer.devices=0", "--trainer.max_epoch=3", "--model.init_args.loss.kl_coef=much"):
        with pytest.raises(SystemExit) as exit_info:
            main(["fit", "--config", str(recipe), word])
        printed = capsys.readouterr().err
        assert exit_info.value.code == 2
        assert ("Traceback" in printed) == (word != "--trainer.max_epoch=3")  # which no exception was behind
        assert "error: " in printed.splitlines()[-1] + printed.splitlines()[-2]


def test_only_the_first_rank_of_a_machine_speaks_before_ranks_have_met(main, recipe, capsys, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(SystemExit) as exit_info:
        main(["fit", "--config", str(recipe), "--trainer.devices=0"])
    assert exit_info.value.code == 2
    assert "error: " not in capsys.readouterr().err


def test_more_gpus_than_there_are_and_gpus_where_there_are_none_are_refused(monkeypatch):
    for name in ("is_available", "auto_device_count"):
        value = {"is_available": True, "auto_device_count": 2}[name]
        monkeypatch.setattr(f"cogito_pl.trainer_checks.CUDAAccelerator.{name}", staticmethod(lambda value=value: value))
    check_accelerator("gpu")
    check_devices("gpu", 2)
    check_devices("cpu", 8)
    check_devices("gpu", -1)
    check_devices("gpu", "0,1")
    for devices in (3, "3", [0, 1, 2]):
        with pytest.raises(ValueError, match=r"trainer\.devices=.* more than the 2 GPUs.* set at most 2"):
            check_devices("auto", devices)


def test_of_several_alternatives_the_one_that_came_furthest_is_reported():
    message = (
        'Parser key "a":\n  Does not validate against any of the Union subtypes\n  Subtypes: [x]\n  Errors:\n'
        "    - Problem with given class_path 'p.Q':\n        Parser key \"b.c\":\n"
        "          Does not validate against any of the Union subtypes\n          Subtypes: [y]\n          Errors:\n"
        "            - Expected a <class 'int'>\n            - Expected a <class 'NoneType'>\n"
        "          Given value type: <class 'str'>\n          Given value: z\n"
        "    - Expected a <class 'NoneType'>\n  Given value type: <class 'dict'>\n  Given value: {'b': {'c': 'z'}}"
    )
    leaf = innermost(message)
    assert (leaf.keys, leaf.owner, leaf.value) == (("a", "b", "c"), "p.Q", "z")
    assert "int" in leaf.text
    assert "NoneType" in leaf.text


def test_the_nearest_key_is_looked_for_beside_the_wrong_one_and_then_below():
    known = ["loss.kl_coef", "loss.clip_low", "policy.freeze", "seed"]
    assert suggestion("loss.kl_cof", known) == "; did you mean loss.kl_coef?"
    assert suggestion("sed", known) == "; did you mean seed?"
    assert suggestion("freeze", known) == "; did you mean policy.freeze?"
    assert suggestion("wholly_other", known) == "; it has loss, policy, seed"


def test_help_lists_every_setting_of_data_and_trainer_with_its_default(build_cli):
    cli = build_cli("fit", "--config", ROOT / "configs/playground/grpo.yaml")
    parsed = {section: {key.split(".")[0] for key in dict(cli.config.fit[section])} for section in ("trainer", "data")}
    assert {setting.name for setting in trainer_settings()} == parsed["trainer"]
    assert {setting.name for setting in data_settings()} == parsed["data"] - {"seed"}
    assert all(setting.text for setting in [*trainer_settings(), *data_settings()])
    page = help_page(["fit", "--help"])
    for words in ("--trainer.num_sanity_val_steps", "default: 0", "GRPOModule", "callbacks.HFExport", "--data.stages"):
        assert words in page
    assert "fit" in help_page(["-h"])
    assert help_page(["fit", "--model.help=cogito_pl.modules.GRPOModule"]) is None


@pytest.mark.parametrize("name", ["key of a source", "key of a callback", "key in init_args of the model"])
def test_the_page_that_a_message_names_describes_the_setting_that_was_meant(
    main, places, recipe, tmp_path, capsys, name
):
    with pytest.raises(SystemExit):
        main(own_words(MISTAKES[name][0], places, recipe, tmp_path))
    message = capsys.readouterr().err
    meant = message.split("did you mean ")[1].split("?")[0]
    with pytest.raises(SystemExit) as exit_info:
        main(message.split("See python train.py ")[1].split())
    assert exit_info.value.code == 0
    assert f".{meant}" in capsys.readouterr().out


def test_help_imports_neither_torch_nor_lightning():
    code = "import sys, train; train.main(['fit', '--help']); print({'torch', 'lightning'} & {*sys.modules})"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "set()"


def test_advertising_is_dropped_and_what_happens_is_not():
    assert NOISE.search("💡 Tip: For seamless cloud logging and experiment tracking, try installing [litlogger]")
    assert NOISE.search("GPU available: False, used: False")
    assert not NOISE.search("GPU available: True (cuda), used: True")
    assert not NOISE.search("`Trainer.fit` stopped: `max_epochs=1` reached.")


def test_the_bar_shows_no_version_and_the_summary_no_column_of_zeros(tmp_path, capsys, caplog):
    trainer = Trainer(
        accelerator="cpu", logger=CSVLogger(tmp_path, version=3), callbacks=[TQDMProgressBar(), ModelSummary(2)]
    )
    tidy(trainer)
    (bar,) = (callback for callback in trainer.callbacks if isinstance(callback, TQDMProgressBar))
    module = LightningModule()
    module.layer = torch.nn.Linear(3, 4)
    module.layer.bias.requires_grad_(False)
    assert "v_num" not in bar.get_metrics(trainer, module)
    (summary,) = (callback for callback in trainer.callbacks if isinstance(callback, ModelSummary))
    assert isinstance(summary, ShortSummary)
    with caplog.at_level("INFO"):
        summary.on_fit_start(trainer, module)
    assert "FLOPs" not in caplog.text
    assert "layer (Linear): 16 parameters" in caplog.text
    assert "12 of them are trained" in caplog.text
