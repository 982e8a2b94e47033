"""`python -m cogito_pl.quickstart`: SFT and GRPO of the tiny model on a CPU, and the accuracy after each.

`python -m cogito_pl.quickstart ablate` compares variants of the GRPO recipe.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from cogito_pl.quickstart.command import ABLATE, ablation_parser, quickstart_parser

ENVIRONMENT = {
    # The model is so small that a second thread would only wait for the first, and take a core from others.
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "TOKENIZERS_PARALLELISM": "false",
    # Model and data are files of this run: no request to the Hub is needed, so none is tried.
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
}
LOG_WIDTH = 110
"""Columns at least where the output goes to a file, so that the table of an ablation fits."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a quickstart or an ablation; invalid settings end it with a message."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    ablating = words[:1] == [ABLATE]
    parser = ablation_parser() if ablating else quickstart_parser()
    given = parser.parse_args(words[ablating:])
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Imported here: torch reads the environment when it is imported.
    from cogito_pl.experiments.phases import SettingsError
    from cogito_pl.experiments.record import OtherRunError

    try:
        complete = run_ablation(given) if ablating else run_quickstart(given)
    except (SettingsError, OtherRunError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    if not complete:
        sys.exit(1)


def run_quickstart(given: argparse.Namespace) -> bool:
    """Runs a quickstart. Returns True; a run that is not complete raises."""
    from cogito_pl.quickstart.drive import drive
    from cogito_pl.quickstart.settings import Settings

    common = (given.seed, given.run, given.n_test, given.config_dir, given.overlay)
    drive(Settings.read(*common, curriculum=given.curriculum == "on"), given.control)
    return True


def run_ablation(given: argparse.Namespace) -> bool:
    """Runs an ablation and writes its table and figure. Returns whether every run has a result."""
    from rich.console import Console

    from cogito_pl.experiments.ablation.arms import Ablation
    from cogito_pl.experiments.ablation.drive import ablate
    from cogito_pl.quickstart.study import QuickstartStudy
    from cogito_pl.report.ablation import present

    study = QuickstartStudy.read(given.n_test, given.config_dir, given.overlay)
    ablation = Ablation.read(study, given.arms, given.seeds, given.run, given.sft_first)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, LOG_WIDTH)
    complete = ablate(ablation, console)
    present(ablation.run, console)
    return complete


if __name__ == "__main__":
    main()
