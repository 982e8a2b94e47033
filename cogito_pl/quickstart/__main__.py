"""`python -m cogito_pl.quickstart`: SFT and GRPO of the tiny model on a CPU, and what each of them brought.

`python -m cogito_pl.quickstart ablate` compares variants of the GRPO recipe.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from cogito_pl.quickstart.command import ABLATE, ablation_parser, quickstart_parser

ENVIRONMENT = {
    # The model is so small that a second thread spends its time waiting for the first, and takes a core from others.
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "TOKENIZERS_PARALLELISM": "false",
    # Model and data are files of this run: no request to the Hub is needed, so none is tried.
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a quickstart or an ablation; settings that make no sense end it with a message."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    ablating = words[:1] == [ABLATE]
    parser = ablation_parser() if ablating else quickstart_parser()
    given = parser.parse_args(words[ablating:])
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Imported here: torch reads the environment when it is imported.
    from cogito_pl.quickstart.record import OtherRunError
    from cogito_pl.quickstart.settings import SettingsError

    try:
        complete = run_ablation(given) if ablating else run_quickstart(given)
    except (SettingsError, OtherRunError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    if not complete:
        sys.exit(1)


def run_quickstart(given: argparse.Namespace) -> bool:
    """Runs a quickstart, which is complete or raises."""
    from cogito_pl.quickstart.drive import drive
    from cogito_pl.quickstart.settings import Settings

    common = (given.seed, given.run, given.n_test, given.config_dir, given.overlay)
    drive(Settings.read(*common, curriculum=given.curriculum == "on"), given.control)
    return True


def run_ablation(given: argparse.Namespace) -> bool:
    """Runs an ablation; whether every run of it has a result."""
    from cogito_pl.quickstart.ablation.arms import Ablation
    from cogito_pl.quickstart.ablation.drive import ablate

    common = (given.run, given.n_test, given.config_dir, given.overlay)
    return ablate(Ablation.read(given.arms, given.seeds, *common, given.sft_first))


if __name__ == "__main__":
    main()
