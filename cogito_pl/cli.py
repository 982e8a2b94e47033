"""The command line: parser settings and links, and what is checked before anything is built."""

import sys
from pathlib import Path
from typing import Any, NoReturn

import lightning.pytorch as L
import yaml
from jsonargparse import set_parsing_settings
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from callbacks.run_checkpoint import RunCheckpoint
from callbacks.validation_report import ValidationReport
from cogito_pl.config_files import check_config_files
from cogito_pl.data.curriculum import Stage
from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.evaluation import benchmarks  # noqa: F401  makes them known by class name
from cogito_pl.listed_callbacks import check_callbacks
from cogito_pl.modules import PolicyModule
from cogito_pl.modules.resuming import continue_logs, newest_checkpoint
from cogito_pl.parse_errors import describe, raise_import_errors, suggestion, unknown_key
from cogito_pl.quiet import silence_libraries
from cogito_pl.terminal import tidy
from cogito_pl.threads import choose_threads
from cogito_pl.trainer_checks import (
    check_checkpoint,
    check_command,
    check_linked,
    check_sections,
    check_seed,
    check_trainer,
)
from cogito_pl.user_errors import exit_with

set_parsing_settings(omegaconf_absolute_to_relative_paths=True, docstring_parse_attribute_docstrings=True)

TRAINER_DEFAULTS = {  # those of cogito_pl.modules.trainer_defaults, which scripts use, as they stand in YAML
    "use_distributed_sampler": False,
    "reload_dataloaders_every_n_epochs": 1,
    "num_sanity_val_steps": 0,
    "plugins": {"class_path": "cogito_pl.modules.checkpoint_io.AtomicCheckpointIO"},
    "log_every_n_steps": 1,
}


_NO_SETTINGS = ("help", "print_config", "print_shtab", "print_completion")


class CogitoParser(LightningArgumentParser):
    """Says what is wrong with a setting in one message; never guesses a setting from the beginning of its name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)  # the parsers that jsonargparse makes for classes included
        super().__init__(*args, **kwargs)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Adds the nearest key, which only the parser of a class knows; the outermost parser ends the process."""
        if key := unknown_key(message):
            message += suggestion(key, self._known_settings(ex))
        if not self.exit_on_error:
            super().error(message, ex)
        outer = getattr(self, "parent_parser", self)
        raise_import_errors(outer.words)
        command = outer.words[:1] if outer.words and not outer.words[0].startswith("-") else []
        exit_with(describe(message, outer.words, " ".join(["python train.py", *command])), ex)

    def _known_settings(self, ex: Exception | None) -> list[str]:
        """The dotted names of all settings: argparse has no public name for the list of its options."""
        parser = getattr(ex, "subcommand_parser", None) or self
        return [action.dest for action in parser._actions if action.dest not in _NO_SETTINGS]


class SaveConfig(SaveConfigCallback):
    """Writes config.yaml beside the logs, and says what to do where another run's is there."""

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Writes the file, once."""
        try:
            super().setup(trainer, pl_module, stage)
        except RuntimeError as error:
            if "NOT exist" not in str(error):
                raise
            raise FileExistsError(
                f"trainer.default_root_dir={trainer.default_root_dir}: {trainer.log_dir} holds the config.yaml of "
                "another run; choose another folder, or resume that run by --ckpt_path"
            ) from error


class CogitoCLI(LightningCLI):
    """Takes the module from YAML (`class_path: cogito_pl.modules.GRPOModule`) and ties it to the data."""

    def __init__(self, args: ArgsType = None) -> None:
        silence_libraries()
        super().__init__(
            PolicyModule,
            ReasoningDataModule,
            save_config_callback=SaveConfig,
            subclass_mode_model=True,
            auto_configure_optimizers=False,
            seed_everything_default=17,
            trainer_defaults=dict(TRAINER_DEFAULTS),
            parser_class=CogitoParser,
            parser_kwargs={"parser_mode": "omegaconf+"},
            args=args,
        )

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """The commands of Lightning but `test`, for which no module here has a step."""
        return {name: skipped for name, skipped in LightningCLI.subcommands().items() if name != "test"}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """One seed for the order of draws and for sampling."""
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        parser.link_arguments("seed_everything", "model.init_args.seed", compute_fn=int)

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Checks that the files can be read, parses them, and checks a checkpoint before it is opened."""
        parser.words = list(sys.argv[1:] if args is None else args)
        check_config_files(parser.words)
        check_linked(parser.words)
        super().parse_arguments(parser, args)
        check_seed(self.config[self.config["subcommand"]].seed_everything)
        check_checkpoint(self.config[self.config["subcommand"]].get("ckpt_path"))

    def before_instantiate_classes(self) -> None:
        """Lets a run that goes on write its config.yaml into the folder it goes on in; any other finds it protected.

        Also finds the checkpoint `last`, and takes the number of epochs from the stages, where there are any.
        """
        config = self.config[self.subcommand]
        if self.subcommand == "fit" and config.get("ckpt_path") == "last":
            root = Path(config.trainer.default_root_dir or ".")
            newest = newest_checkpoint(root)
            config.ckpt_path = newest and str(newest)
            rank_zero_info(f"--ckpt_path last is {newest}" if newest else f"no checkpoint below {root}: a run begins")
        several = [path for path in map(str, config.get("config") or ()) if sets_stages(Path(path))]
        if len(several) > 1:
            rank_zero_warn(f"data.stages is set by {' and '.join(several)}: the stages of {several[-1]} are used")
        check_trainer(config.trainer)
        check_callbacks(config.trainer.callbacks, self.parser.words)
        check_sections(config.model)
        check_command(self.subcommand, config.model.class_path, config.data)
        if policy := config.model.init_args.get("policy"):
            choose_threads(policy.name)
        self.save_config_kwargs["overwrite"] = bool(self.subcommand == "predict" or config.get("ckpt_path"))
        if config.data.stages and config.trainer.max_epochs is None:
            config.trainer.max_epochs = sum(stage.get("epochs", Stage.epochs) for stage in config.data.stages)

    def instantiate_trainer(self, **kwargs: Any) -> L.Trainer:
        """Adds the callbacks that every run has, unless `trainer.callbacks` names them, with settings of its own."""
        trainer = self.config_init[self.subcommand].trainer
        given = trainer.callbacks or []
        given = given if isinstance(given, list) else [given]
        wanted = [ValidationReport, *([] if trainer.enable_checkpointing is False else [RunCheckpoint])]
        added = [kind() for kind in wanted if not any(isinstance(callback, kind) for callback in given)]
        return super().instantiate_trainer(callbacks=[*given, *added], **kwargs)

    def after_instantiate_classes(self) -> None:
        """Lets a resumed fit log where it logged before, and makes the terminal quieter."""
        checkpoint = self.config[self.subcommand].get("ckpt_path")
        if self.subcommand == "fit" and checkpoint and Path(checkpoint).exists():
            continue_logs(self.trainer, Path(checkpoint))
        tidy(self.trainer)


def sets_stages(path: Path) -> bool:
    """Whether a configuration file sets `data.stages`."""
    data = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("data")
    return isinstance(data, dict) and bool(data.keys() & {"stages", "stages+"})
