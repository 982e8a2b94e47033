"""`python -m cogito_pl.quickstart`: SFT and GRPO of the tiny model on a CPU, and what each of them brought."""

import argparse
import os
import sys
from collections.abc import Sequence

ENVIRONMENT = {
    # The model is so small that a second thread spends its time waiting for the first, and takes a core from others.
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "TOKENIZERS_PARALLELISM": "false",
    # Model and data are files of this run: no request to the Hub is needed, so none is tried.
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
}


def build_parser() -> argparse.ArgumentParser:
    """The settings of a quickstart."""
    parser = argparse.ArgumentParser(
        prog="python -m cogito_pl.quickstart",
        description="Writes data, fine-tunes the tiny base (SFT), reinforces it (GRPO), grades base, SFT and GRPO on "
        "problems none of them has seen, and writes summary.json, samples.jsonl and report.html to the run's folder. "
        "Run the same command again to continue a run that was stopped.",
    )
    parser.add_argument("--seed", type=int, default=1, help="decides data, order and sampling (default: 1)")
    parser.add_argument("--run", metavar="DIR", help="folder of the run (default: runs/quickstart/seed<SEED>)")
    parser.add_argument("--n-test", type=int, default=500, metavar="N", help="test problems per model (default: 500)")
    parser.add_argument(
        "--config-dir",
        default="configs/playground",
        metavar="DIR",
        help="folder of sft.yaml, grpo.yaml and evaluate.yaml (default: configs/playground)",
    )
    parser.add_argument(
        "--overlay",
        action="append",
        default=[],
        metavar="[PHASE=]FILE",
        help="a further --config, for every phase or only for PHASE: sft, grpo or evaluate; may be repeated",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the quickstart; settings that make no sense end it with a message."""
    parser = build_parser()
    given = parser.parse_args(arguments)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Imported here: torch reads the environment when it is imported.
    from cogito_pl.quickstart.drive import drive
    from cogito_pl.quickstart.record import OtherRunError
    from cogito_pl.quickstart.settings import Settings, SettingsError

    try:
        settings = Settings.read(given.seed, given.run, given.n_test, given.config_dir, given.overlay)
        drive(settings)
    except (SettingsError, OtherRunError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
