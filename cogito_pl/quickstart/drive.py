"""Runs the phases that are not done yet, then writes the results: the algorithm of the quickstart."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console

from cogito_pl.experiments.cost import NOTHING, clock, seconds_left
from cogito_pl.experiments.phases import Plan, run_phases
from cogito_pl.experiments.record import Account, Record
from cogito_pl.quickstart.controls import control_outcomes, run_controls
from cogito_pl.quickstart.phases import TYPICAL_S, quickstart_plan
from cogito_pl.quickstart.problems import seen_in_training
from cogito_pl.quickstart.report import write_report
from cogito_pl.quickstart.settings import Settings
from cogito_pl.quickstart.summary import read_answers, summarise, write_samples, write_summary
from cogito_pl.quickstart.tables import controls_table, results_table


def drive(settings: Settings, controls: Sequence[str] = ()) -> None:
    """Runs a quickstart, or what is left of it.

    Args:
        settings: Of the run.
        controls: Names of the controls that are run after it.

    Raises:
        OtherRunError: The folder holds a run with other settings.
        RuntimeError: A phase ended without its artefact.
    """
    plan, console = quickstart_plan(settings), Console(highlight=False)
    record = Record(plan.folder, plan.fingerprint)
    account = Account(record, opened=NOTHING)

    def note(to_do: list[str]) -> str:
        left = seconds_left([(name, cost.wall_s) for name, cost in record.phases.items()], to_do, TYPICAL_S)
        return f"{clock(account.total().wall_s)} so far, about {clock(left)} left in all"

    try:
        run_phases(plan.phases, account, console, plan.log, note)
        if controls:
            run_controls(settings, controls, record, console)
    except BaseException:  # an interrupt comes as SystemExit out of Lightning
        message = f"\nStopped. Messages of the libraries are in {plan.log}; run the same command again to continue."
        console.print(message, markup=False, soft_wrap=True)
        raise
    sum_up(settings, plan, record, console)


def sum_up(settings: Settings, plan: Plan, record: Record, console: Console) -> None:
    """Writes summary, samples and report, and shows the table."""
    answers, cost = read_answers(settings.run), record.spent
    summary = summarise(answers, settings.seed, seen_in_training(settings.data)) | {
        "wall_s": round(cost.wall_s, 1),
        "cpu_s": round(cost.cpu_s, 1),
        "peak_mib": round(cost.peak_mib),
        "phases": {name: asdict(phase_cost) for name, phase_cost in record.phases.items()},
        "controls": control_outcomes(settings),
    }
    summary_file = write_summary(settings.run, summary)
    samples_file = write_samples(settings.run, answers)
    report_file = write_report(settings, summary, answers, plan.phases)
    console.print()
    console.print(results_table(summary))
    if summary["controls"]:
        console.print(controls_table(summary))
    console.print(
        f"{clock(cost.wall_s)} in all, {cost.cpu_s:.0f} s of processor time, {cost.peak_mib:.0f} MiB of memory at most"
    )
    for file in (summary_file, samples_file, report_file):
        console.print(f"  {file}", markup=False, soft_wrap=True)
