"""`report.html`: one page that describes a finished quickstart, with its results, their uncertainty and their limits.

The page loads nothing from elsewhere: images are data URIs, charts are SVG, and text from data or models is escaped.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from string import Template

from cogito_pl import __version__
from cogito_pl.experiments.cost import clock
from cogito_pl.experiments.phases import Phase
from cogito_pl.quickstart.phases import MODELS, TITLES
from cogito_pl.quickstart.report_figures import CAREFUL, bar_figures, careful_curve, curve_figures, legend
from cogito_pl.quickstart.report_problems import RULE, shown_problems
from cogito_pl.quickstart.settings import CONFIGS, Settings
from cogito_pl.quickstart.summary import Answers
from cogito_pl.quickstart.tables import control_section, phase_table
from cogito_pl.report.curriculum import curriculum_section
from cogito_pl.report.curves import read_curves
from cogito_pl.report.page import commands, speed_table, versions

TEMPLATE = Path(__file__).with_name("report_template.html")


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
    recipes = [file for name in CONFIGS for file in settings.files_of(name)]
    page = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=f"cogito_pl quickstart, seed {settings.seed}",
        headline=headline(summary),
        byline=byline(summary),
        cards=cards(summary),
        verdict=verdict(summary),
        curves=curve_figures(sft, grpo),
        legend=legend(),
        bars=bar_figures(summary),
        curriculum=curriculum_section(settings.run / "grpo", grpo.get("handoff/from_step", [])),
        controls=control_section(summary),
        rule=RULE,
        problems=shown_problems(answers, settings.run / "data"),
        limits=limits(summary),
        costs=phase_table(summary, phases) + speed_table({"SFT": sft, "GRPO": grpo}),
        versions=versions(),
        commands=commands(phases, recipes),
    )
    path = settings.run / "report.html"
    path.write_text(page, encoding="utf-8", errors="backslashreplace")
    return path


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


def cards(summary: dict) -> str:
    """The four numbers, with 95% intervals."""
    cells = [
        (model, TITLES[model], percent(summary["accuracy"][model]), ends(summary["accuracy_ci"][model], "{:.1f}%"))
        for model in MODELS
    ]
    step = summary["difference"]["grpo-sft"]
    cells.append(
        ("step", "GRPO &minus; SFT", f"{100 * step['estimate']:+.1f}", "points " + ends(step["ci"], "{:+.1f}"))
    )
    return "".join(
        f'<div class="card {style}">{title}<b>{value}</b><span class="soft">{spread}</span></div>'
        for style, title, value, spread in cells
    )


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


def limits(summary: dict) -> str:
    """What the experiment shows and what it does not."""
    unseen = ", ".join(f"{TITLES[model]} {percent(summary['accuracy_unseen'][model])}" for model in MODELS)
    return (
        "<p><b>It shows</b> that the whole pipeline works: data, SFT, sampling, rule-based grading, policy gradients "
        "and evaluation, with the commands, modules and recipe format for models of billions of parameters. "
        "Each model answered the same problems once, by greedy decoding.</p>"
        "<p><b>The format counts.</b> An answer is correct only inside its tags, on which the base was not trained. A "
        "part of the difference between base and SFT is therefore the format. The reasoning before an answer is not "
        "graded and may contradict it.</p>"
        "<p><b>It does not show</b> how large an effect is on real models or images. The model has about a million "
        "parameters, and a program draws the images. The written solutions are a mixture of guesses and careful scans, "
        "so that GRPO can prefer the better of the two: a gain here is mostly that preference, and no evidence that "
        "GRPO teaches what a model could not do at all. Test problems are new draws from the generator of the training "
        "problems, not another kind of problem, and the settings of the recipes were chosen on this generator too.</p>"
        f"<p>{summary['n_test_seen']:,} of the {summary['n_test']:,} test problems repeat, by chance, the question and "
        f"the image of a training problem, as short sums do; without them: {unseen}. The intervals cover the choice of "
        "test problems; another training seed changes the numbers as well. Before you rely on a small difference, run "
        "more seeds.</p>"
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
