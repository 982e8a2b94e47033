"""The words of the report: what came out, how sure that is, and what it does not show. Knows the summary only."""

from datetime import datetime

from cogito_pl import __version__
from cogito_pl.quickstart.bar import clock
from cogito_pl.quickstart.phases import MODELS, TITLES


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
    """Whether the step from SFT to GRPO can be told from chance, and how the answers changed."""
    step, tokens = summary["difference"]["grpo-sft"], summary["mean_completion_tokens"]
    unread = {model: summary["verdicts"][model]["unparsed"] for model in MODELS}
    low, high = step["ci"]
    if low > 0:
        finding = "On these problems GRPO is better than SFT beyond what chance in the choice of problems explains"
    elif high < 0:
        finding = "On these problems GRPO is worse than SFT beyond what chance in the choice of problems explains"
    else:
        finding = "On these problems the difference between GRPO and SFT could be chance"
    return (
        f"{finding}: it solves {step['won']:,} problems that SFT fails, and fails {step['lost']:,} that SFT solves. "
        f"A completion has {tokens['base']:.0f} tokens on average before training, {tokens['sft']:.0f} after SFT and "
        f"{tokens['grpo']:.0f} after GRPO; no answer could be read in {unread['base']:,}, {unread['sft']:,} and "
        f"{unread['grpo']:,} of them. Counting every completion that ends in the right answer, in any form, "
        f"accuracy is {in_any_form(summary)}. "
        "Intervals are 95%: Wilson's for a share, Newcombe's for the difference over the same problems."
    )


def honesty(summary: dict) -> str:
    """What the toy shows and what it does not."""
    unseen = ", ".join(f"{TITLES[model]} {percent(summary['accuracy_unseen'][model])}" for model in MODELS)
    return (
        "<p><b>It shows</b> that the whole path works: data, a supervised start, sampling, grading by rule, policy "
        "gradients and evaluation, through the commands, modules and recipe format that are made for models of "
        "billions of weights. Each model answered the same problems, greedily, once.</p>"
        "<p><b>Form counts.</b> Accuracy asks for the answer in its tags, which the base has not been taught. The "
        "step from base to SFT is therefore partly a lesson in form. The reasoning before an answer is not graded and "
        "may contradict it.</p>"
        "<p><b>It does not show</b> how large an effect is on real models or pictures. The model has about a million "
        "weights, and a program draws the pictures. The written solutions mix guesses and careful scans on purpose, so "
        "that reinforcement finds a better habit to choose: a gain here is mostly that habit being chosen more often, "
        "and no evidence that reinforcement teaches what a model could not do at all. Test problems are new draws from "
        "the generator that made the training problems, not another kind of problem; the settings of the recipes were "
        "found on this generator, too.</p>"
        f"<p>{summary['n_test_seen']:,} of the {summary['n_test']:,} test problems repeat, by chance, the question and "
        f"the picture of a training problem, as short sums do; without them: {unseen}. The intervals tell how much "
        "other test problems could change the numbers; another seed of training changes them as well. Before "
        "believing a small difference, run more seeds.</p>"
    )


def in_any_form(summary: dict) -> str:
    """Accuracy where the answer tags are not asked for."""
    base, sft, grpo = (percent(summary["accuracy_any_form"][model]) for model in MODELS)
    return f"{base} before training, {sft} after SFT and {grpo} after GRPO"


def percent(share: float) -> str:
    """A share as a percentage with one digit."""
    return f"{100 * share:.1f}%"


def ends(interval: list[float], form: str) -> str:
    """Both ends of an interval of shares, in percent."""
    return "[{}, {}]".format(*(form.format(100 * end) for end in interval))
