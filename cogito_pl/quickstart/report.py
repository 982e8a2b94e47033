"""`report.html`: one page that describes a finished quickstart, with its results, their uncertainty and their limits.

The page is made of the pieces of `cogito_pl.report`, and of words of its own.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cogito_pl import __version__
from cogito_pl.experiments.cost import clock
from cogito_pl.experiments.phases import Phase
from cogito_pl.quickstart.phases import MODELS, TITLES
from cogito_pl.quickstart.report_figures import CAREFUL, bar_figures, careful_curve, curve_figures, legend
from cogito_pl.quickstart.report_problems import RULE, all_answers, shown_problems
from cogito_pl.quickstart.settings import CONFIGS, Settings
from cogito_pl.quickstart.summary import Answers
from cogito_pl.quickstart.tables import control_section, phase_table
from cogito_pl.report.curriculum import stage_section
from cogito_pl.report.curves import read_curves
from cogito_pl.report.page import Section, speed_table, versions, write_page
from cogito_pl.report.run_folder import RunFolder


def write_report(settings: Settings, summary: dict, answers: Answers, phases: Sequence[Phase]) -> Path:
    """Writes the report of a finished run and returns where.

    Args:
        settings: Of the run.
        summary: What is in `summary.json`.
        answers: Graded completions of every model.
        phases: The phases that were run.
    """
    folders = (settings.run / "sft", settings.run / "grpo")
    sft, grpo = (read_curves(folder) | {CAREFUL: careful_curve(folder)} for folder in folders)
    return write_page(
        settings.run / "report.html",
        "report_template.html",
        Path(__file__).parent,
        title=f"cogito_pl quickstart, seed {settings.seed}",
        headline=headline(summary),
        byline=byline(summary),
        cards=cards(summary),
        verdict=verdict(summary),
        training=Section(
            title="Training",
            intro="Pale: every optimiser step. Dark: running mean over a tenth of the steps.",
            drawings=curve_figures(sft, grpo),
        ),
        curriculum=curriculum(settings.run / "grpo"),
        legend=legend(),
        bars=bar_figures(summary),
        controls=control_section(summary),
        rule=RULE,
        problems=shown_problems(answers, settings.run / "data"),
        completions=all_answers(answers, settings.run / "data"),
        unseen=", ".join(f"{TITLES[model]} {percent(summary['accuracy_unseen'][model])}" for model in MODELS),
        n_test=f"{summary['n_test']:,}",
        n_test_seen=f"{summary['n_test_seen']:,}",
        phases=phase_table(summary, phases),
        speeds=speed_table({"SFT": sft, "GRPO": grpo}),
        versions=versions(),
        commands="\n".join(line for phase in phases for line in phase.shown()),
        files=files(settings, phases),
    )


def curriculum(folder: Path) -> Section | None:
    """The stages of the GRPO fit; None where it had none."""
    run = RunFolder(folder)
    return stage_section(run) if any(row["stage"] for row in run.rollouts) else None


def files(settings: Settings, phases: Sequence[Phase]) -> dict[str, str]:
    """The recipes, and the configuration that the phases add to them, by their file."""
    recipes = [file for name in CONFIGS for file in settings.files_of(name)]
    known = dict.fromkeys([*recipes, *(phase.overlay_file for phase in phases if phase.overlay_file)])
    return {str(file): file.read_text(encoding="utf-8").strip() for file in known}


def headline(summary: dict) -> str:
    """The result in one line."""
    base, sft, grpo = (percent(summary["accuracy"][model]) for model in MODELS)
    return f"{base} before training, {sft} after SFT, {grpo} after GRPO"


def byline(summary: dict) -> str:
    """What was measured, when, with which seed and at what cost."""
    return (
        f"Accuracy of a tiny vision-language model on {summary['n_test']:,} new problems · seed {summary['seed']} · "
        f"{clock(summary['wall_s'])} min ({summary['cpu_s']:.0f} s of processor time) · "
        f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z} · cogito_pl {__version__}"
    )


def cards(summary: dict) -> list[tuple[str, str, str, str]]:
    """The four numbers, with 95% intervals."""
    cells = [
        (model, TITLES[model], percent(summary["accuracy"][model]), ends(summary["accuracy_ci"][model], "{:.1f}%"))
        for model in MODELS
    ]
    step = summary["difference"]["grpo-sft"]
    change = f"{100 * step['estimate']:+.1f}"
    return [*cells, ("step", "GRPO minus SFT", change, "points " + ends(step["ci"], "{:+.1f}"))]


def verdict(summary: dict) -> str:
    """Whether the difference between SFT and GRPO may be chance, and how the answers changed."""
    step, tokens = summary["difference"]["grpo-sft"], summary["mean_completion_tokens"]
    unread = {model: summary["verdicts"][model]["unparsed"] for model in MODELS}
    low, high = step["ci"]
    if low > 0:
        finding = "GRPO is more accurate than SFT by more than the choice of test problems explains"
    elif high < 0:
        finding = "GRPO is less accurate than SFT by more than the choice of test problems explains"
    else:
        finding = "The difference between GRPO and SFT could be chance"
    return (
        f"{finding}: it solves {step['won']:,} problems that SFT fails, and fails {step['lost']:,} that SFT solves. "
        f"A completion has {tokens['base']:.0f} tokens on average before training, {tokens['sft']:.0f} after SFT and "
        f"{tokens['grpo']:.0f} after GRPO; {unread['base']:,}, {unread['sft']:,} and {unread['grpo']:,} of them could "
        f"not be parsed. If every completion that ends in the correct answer counts, whatever its format, accuracy is "
        f"{in_any_form(summary)}. "
        "Intervals are 95%: Wilson's for a share, Newcombe's for the difference on the same problems."
    )


def in_any_form(summary: dict) -> str:
    """Accuracy where the answer tags are not required."""
    base, sft, grpo = (percent(summary["accuracy_any_form"][model]) for model in MODELS)
    return f"{base} before training, {sft} after SFT and {grpo} after GRPO"


def percent(share: float) -> str:
    """A share as a percentage with one digit."""
    return f"{100 * share:.1f}%"


def ends(interval: list[float], form: str) -> str:
    """Both ends of an interval of shares, in percent."""
    return "[{}, {}]".format(*(form.format(100 * end) for end in interval))
