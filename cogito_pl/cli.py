"""The command line: parser settings and links, nothing else."""

import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import yaml
from jsonargparse import set_parsing_settings
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from callbacks.run_checkpoint import RunCheckpoint
from callbacks.validation_report import ValidationReport
from cogito_pl.data.curriculum import Stage
from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.modules import PolicyModule
from cogito_pl.modules.resuming import continue_logs, newest_checkpoint

# Deprecations between libraries that a user can do nothing about, repeated at every epoch.
warnings.filterwarnings("ignore", message=".*'set_vital' is deprecated")
warnings.filterwarnings("ignore", message=".*treespec, LeafSpec")
warnings.filterwarnings("ignore", message="You are using a custom batch sampler `InOrderSampler`")  # it omits none
set_parsing_settings(omegaconf_absolute_to_relative_paths=True, docstring_parse_attribute_docstrings=True)


class CogitoCLI(LightningCLI):
    """Takes the module from YAML (`class_path: cogito_pl.modules.GRPOModule`) and ties it to the data."""

    def __init__(self, args: ArgsType = None) -> None:
        super().__init__(
            PolicyModule,
            ReasoningDataModule,
            subclass_mode_model=True,
            auto_configure_optimizers=False,
            seed_everything_default=17,
            trainer_defaults={
                "use_distributed_sampler": False,  # our samplers share out over ranks themselves
                "reload_dataloaders_every_n_epochs": 1,  # the order is a function of the epoch
                "num_sanity_val_steps": 0,
                "plugins": {"class_path": "cogito_pl.modules.checkpoint_io.AtomicCheckpointIO"},
                "log_every_n_steps": 1,
            },
            parser_kwargs={"parser_mode": "omegaconf+", "allow_abbrev": False},
            args=args,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """One seed for the order of draws and for sampling."""
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        parser.link_arguments("seed_everything", "model.init_args.seed", compute_fn=int)

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
        several = [path for path in map(str, config.config or ()) if sets_stages(Path(path))]
        if len(several) > 1:
            rank_zero_warn(f"data.stages is set by {' and '.join(several)}: the stages of {several[-1]} are used")
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
        """Lets a resumed fit log where it logged before."""
        checkpoint = self.config[self.subcommand].get("ckpt_path")
        if self.subcommand == "fit" and checkpoint and Path(checkpoint).exists():
            continue_logs(self.trainer, Path(checkpoint))


def sets_stages(path: Path) -> bool:
    """Whether a configuration file sets `data.stages`."""
    data = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("data")
    return isinstance(data, dict) and bool(data.keys() & {"stages", "stages+"})
