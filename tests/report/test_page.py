"""Pieces of an HTML page."""

from pathlib import Path

from cogito_pl.experiments.phases import TRAIN, Phase
from cogito_pl.report.page import commands, metric_figure, speed_table, table, versions


def test_cells_of_a_table_are_text():
    assert table(("a", "b"), [("<b>", "2 & 3")]) == (
        "<table><tr><th>a</th><th>b</th></tr><tr><td>&lt;b&gt;</td><td>2 &amp; 3</td></tr></table>"
    )


def test_speeds_are_medians_and_what_was_not_logged_is_a_dash():
    fits = {"SFT": {"speed/step_s": [(0, 9.0), (1, 0.25), (2, 0.5)]}, "GRPO": {}}
    assert "<tr><td>optimiser step, s</td><td>0.50</td><td>-</td></tr>" in speed_table(fits)


def test_a_metric_is_drawn_raw_and_smoothed():
    drawing = metric_figure([(0, 1.0), (1, 3.0), (2, 2.0)], "#123456", "Loss", "Nats per token.")
    assert drawing.count('stroke="#123456"') == 2
    assert "<b>Loss.</b> Nats per token." in drawing


def test_every_command_and_configuration_is_shown_once_and_escaped(tmp_path):
    recipe, added = tmp_path / "recipe.yaml", tmp_path / "added.yaml"
    recipe.write_text("lr: 1  # <fast>")
    added.write_text("seed: 3")
    phase = Phase(
        name="fit", title="Fit", program=TRAIN, commands=(("fit", "--config", "my file.yaml"),), folder=Path("fit"),
        artefact=Path("fit/done"), overlay={}, overlay_file=added,
    )  # fmt: skip
    text = commands([phase], [recipe, recipe])
    assert "python train.py fit --config &#x27;my file.yaml&#x27;" in text
    assert text.count("lr: 1  # &lt;fast&gt;") == text.count("seed: 3") == 1


def test_the_versions_of_the_libraries_are_named():
    assert all(name in versions() for name in ("cogito_pl", "Python", "torch", "transformers", "lightning"))
