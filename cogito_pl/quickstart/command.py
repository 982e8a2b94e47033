"""The command lines of the quickstart and of the ablation runner. Imports no torch: the environment is set first."""

import argparse

from cogito_pl.quickstart.settings import CONTROLS

ABLATE = "ablate"
"""The subcommand of the ablation runner."""


def quickstart_parser() -> argparse.ArgumentParser:
    """The settings of a quickstart."""
    parser = argparse.ArgumentParser(
        prog="python -m cogito_pl.quickstart",
        description="Writes data, trains the tiny base model by SFT and then by GRPO, grades base, SFT and GRPO on new "
        "problems, and writes summary.json, samples.jsonl and report.html to the folder of the run. Run the same "
        "command again to continue a run that was stopped.",
        epilog=f"To compare variants of the GRPO recipe: python -m cogito_pl.quickstart {ABLATE} --help",
    )
    parser.add_argument("--seed", type=int, default=1, help="decides data, order and sampling (default: 1)")
    parser.add_argument("--run", metavar="DIR", help="folder of the run (default: runs/quickstart/seed<SEED>)")
    parser.add_argument(
        "--curriculum",
        choices=("on", "off"),
        default="on",
        help="on: problems are scored for difficulty, and GRPO trains on their strata (strata.yaml) in the stages of "
        "curriculum.yaml; off: plain GRPO with as many rollouts (default: on)",
    )
    _add_shared(parser, "every phase", "per model")
    parser.add_argument(
        "--control",
        action="append",
        default=[],
        choices=CONTROLS,
        metavar="NAME",
        help="a control experiment after the run: "
        + "; ".join(f"{name}: {what}" for name, what in CONTROLS.items())
        + ". May be repeated, and given for a run that is finished",
    )
    return parser


def ablation_parser() -> argparse.ArgumentParser:
    """The settings of an ablation."""
    parser = argparse.ArgumentParser(
        prog=f"python -m cogito_pl.quickstart {ABLATE}",
        description="Runs the GRPO recipe as it is (the arm `plain`) and each variant, from the same SFT model, on the "
        "same data, with the same number of updates, for every seed; grades them on the same new problems; and writes "
        "ablation.json, ablation.md (a table) and ablation.png. An arm with another number of updates than the plain "
        "recipe is refused before anything runs. Where an arm draws from strata, the data are scored first. If an arm "
        "fails, it is marked in the table, the others run, and the exit status is 1.",
        epilog="Run the same command again to continue an ablation that was stopped. The table has the arms and seeds "
        "of the command; name more of them to add them to a folder, and those that are done are not run again.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--with",
        dest="arms",
        action="append",
        default=[],
        metavar="[NAME=]FILE[+FILE...]",
        help="an arm: the recipe with these files as further --config of its GRPO fit, called NAME (default: the "
        "names of the files); may be repeated",
    )
    parser.add_argument(
        "--sft-first",
        action="append",
        default=[],
        metavar="NAME=FILE[+FILE...]",
        help="gives the arm NAME an SFT fit before GRPO, on the part `train` and from the same start model, with these "
        "files as further --config; its updates count as updates of the arm. May be repeated",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=[1],
        metavar="SEED",
        help="one run of every arm per seed, which decides data, order and sampling (default: 1)",
    )
    parser.add_argument(
        "--run", default="runs/ablation", metavar="DIR", help="folder of the ablation (default: runs/ablation)"
    )
    _add_shared(parser, "every phase of every arm", "per seed")
    return parser


def _add_shared(parser: argparse.ArgumentParser, every_phase: str, per_what: str) -> None:
    parser.add_argument("--n-test", type=int, default=500, metavar="N", help=f"test problems {per_what} (default: 500)")
    parser.add_argument(
        "--config-dir",
        default="configs/playground",
        metavar="DIR",
        help="folder of sft.yaml, grpo.yaml, evaluate.yaml and curriculum.yaml (default: configs/playground)",
    )
    parser.add_argument(
        "--overlay",
        action="append",
        default=[],
        metavar="[PHASE=]FILE",
        help=f"a further --config for {every_phase} that trains or evaluates, or only for PHASE: sft, grpo, "
        "evaluate, or score (used by a quickstart with its curriculum and for arms that draw from strata); may be "
        "repeated",
    )
