"""Entry point: `python train.py fit --config configs/playground/grpo.yaml`."""

from lightning.pytorch.cli import ArgsType

import callbacks  # noqa: F401  makes the catalogue known by class path and in --help
from cogito_pl.cli import CogitoCLI


def main(args: ArgsType = None) -> CogitoCLI:
    """Runs the command line `args`, or the process's own."""
    return CogitoCLI(args=args)


if __name__ == "__main__":
    main()
