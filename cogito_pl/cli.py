"""The command line: parser settings and links, nothing else."""

import warnings

from jsonargparse import set_parsing_settings
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.modules import PolicyModule

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

        Also takes the number of epochs from the stages, where there are any.
        """
        config = self.config[self.subcommand]
        self.save_config_kwargs["overwrite"] = bool(self.subcommand == "predict" or config.get("ckpt_path"))
        if config.data.stages and config.trainer.max_epochs is None:
            config.trainer.max_epochs = sum(stage.get("epochs", Stage.epochs) for stage in config.data.stages)
