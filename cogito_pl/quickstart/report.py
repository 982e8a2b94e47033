"""`report.html`: one page that explains a run by itself. Puts the sections together; what they say is made elsewhere.

Nothing on the page comes from outside: images are data, charts are SVG, and text from data or models is escaped.
"""

from pathlib import Path
from string import Template

from cogito_pl.quickstart import report_appendix as appendix
from cogito_pl.quickstart import report_words as words
from cogito_pl.quickstart.curves import read_curves
from cogito_pl.quickstart.phases import Phase
from cogito_pl.quickstart.report_curriculum import curriculum_section
from cogito_pl.quickstart.report_figures import CAREFUL, bar_figures, curve_figures, legend
from cogito_pl.quickstart.report_problems import RULE, shown_problems
from cogito_pl.quickstart.settings import Settings
from cogito_pl.quickstart.strategy import careful_curve
from cogito_pl.quickstart.summary import Answers

TEMPLATE = Path(__file__).with_name("report_template.html")


def write_report(settings: Settings, summary: dict, answers: Answers, plan: list[Phase]) -> Path:
    """Writes the report of a finished run and returns where.

    Args:
        settings: Of the run.
        summary: What is in `summary.json`.
        answers: Graded completions of every model.
        plan: The phases that were run.
    """
    folders = (settings.run / "sft", settings.run / "grpo")
    sft, grpo = (read_curves(folder) | {CAREFUL: careful_curve(folder)} for folder in folders)
    page = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=f"cogito_pl quickstart, seed {settings.seed}",
        headline=words.headline(summary),
        byline=words.byline(summary),
        cards=words.cards(summary),
        verdict=words.verdict(summary),
        curves=curve_figures(sft, grpo),
        legend=legend(),
        bars=bar_figures(summary),
        curriculum=curriculum_section(settings.run / "grpo", grpo.get("handoff/from_step", [])),
        controls=appendix.control_section(summary),
        rule=RULE,
        problems=shown_problems(answers, settings.run / "data"),
        honesty=words.honesty(summary),
        costs=appendix.phase_table(summary, plan) + appendix.speed_table({"SFT": sft, "GRPO": grpo}),
        versions=appendix.versions(),
        commands=appendix.commands(settings, plan),
    )
    path = settings.run / "report.html"
    path.write_text(page, encoding="utf-8", errors="backslashreplace")
    return path
