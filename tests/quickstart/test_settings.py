import subprocess
import sys

import pytest

from cogito_pl.experiments.phases import SettingsError
from cogito_pl.quickstart.__main__ import main
from cogito_pl.quickstart.command import ablation_parser, quickstart_parser
from cogito_pl.quickstart.settings import Overlay, Settings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "--seed -1"),
        ({"n_test": 0}, "--n-test 0"),
        ({"config_dir": "nowhere"}, "no sft.yaml"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(change, message, make_settings, tmp_path):
    if "config_dir" in change:
        change = {"config_dir": tmp_path / change["config_dir"]}
    with pytest.raises(SettingsError, match=message):
        make_settings(**change)


@pytest.mark.parametrize("name", ["run [1]", "a*", "what?", "a::b", "${HOME}"])
def test_a_folder_that_data_sets_are_not_found_in_is_refused_before_anything_runs(name, make_settings, tmp_path):
    with pytest.raises(SettingsError, match="choose another folder"):
        make_settings(run=tmp_path / name)


def test_a_misspelt_overlay_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="there is no file"):
        Overlay.parse(str(tmp_path / "none.yaml"))


def test_an_overlay_reaches_the_phases_that_it_is_for(tmp_path, make_settings):
    everywhere, only = tmp_path / "all.yaml", tmp_path / "only=grpo.yaml"
    everywhere.write_text("{}")
    only.write_text("{}")
    overlays = (Overlay.parse(str(everywhere)), Overlay.parse(f"grpo={only}"))
    settings = make_settings(overlays=overlays)
    assert settings.overlays_of("sft") == [everywhere]
    assert settings.overlays_of("grpo") == [everywhere, only]


def test_the_folder_is_named_after_the_seed_when_none_is_given(make_settings):
    recipes = str(make_settings().config_dir)
    for run in (None, ""):
        assert Settings.read(7, run, 10, recipes, [], curriculum=True).run.as_posix() == "runs/quickstart/seed7"


def test_the_fingerprint_changes_with_seed_size_and_configuration(make_settings, tmp_path):
    overlay = tmp_path / "o.yaml"
    overlay.write_text("trainer: {max_epochs: 1}")
    prints = [
        make_settings(**change).fingerprint()
        for change in ({}, {"seed": 2}, {"n_test": 21}, {"overlays": (Overlay(file=overlay),)})
    ]
    overlay.write_text("trainer: {max_epochs: 2}")
    prints.append(make_settings(overlays=(Overlay(file=overlay),)).fingerprint())
    assert all(one != other for place, one in enumerate(prints) for other in prints[:place])


def test_the_command_line_ends_with_the_message_and_no_traceback(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--n-test", "0"])
    assert "--n-test 0" in capsys.readouterr().err


@pytest.mark.parametrize("parser", [quickstart_parser(), ablation_parser()])
def test_every_option_is_explained(parser):
    assert all(action.help for action in parser._actions)


def test_the_command_line_is_parsed_before_torch_is_imported():
    program = "import sys, cogito_pl.quickstart.command; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
