"""Which folder is the run that is meant, and what it holds."""

import pytest

from cogito_pl.report.__main__ import main
from cogito_pl.report.run_folder import NoRunError, RunFolder, find_run
from tests.report.runs import CONFIG, completion, write_config, write_curves, write_lines


def test_a_log_folder_is_its_own_run(tmp_path):
    write_lines(tmp_path / "validation.rank0.jsonl", [completion()])
    run = find_run(tmp_path)
    assert (run.path, run.note) == (tmp_path, "")


@pytest.mark.parametrize("below", ["", "lightning_logs"])
def test_of_several_versions_the_newest_is_taken_and_that_is_said(tmp_path, below):
    for number in (0, 2, 10):
        write_config(tmp_path / below / f"version_{number}")
    (tmp_path / below / "version_11").mkdir()  # of a run that was refused
    run = find_run(tmp_path)
    assert run.path == tmp_path / below / "version_10"
    assert run.note == f"the newest of 3 runs in {tmp_path}"


def test_the_only_version_needs_no_note(tmp_path):
    write_config(tmp_path / "version_0")
    assert find_run(tmp_path) == RunFolder(tmp_path / "version_0")


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_without_a_run_is_one_message(tmp_path, capsys, make):
    folder = tmp_path / "nothing"
    if make:
        folder.mkdir()
    with pytest.raises(NoRunError, match="RUN="):
        find_run(folder)
    with pytest.raises(SystemExit) as exit_info:
        main([str(folder)])
    assert exit_info.value.code == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"RUN={folder}" in message


def test_the_command_is_read_off_the_settings(tmp_path):
    for name, own in (
        ("fit", {}),
        ("validate", {"verbose": True}),
        ("predict", {"return_predictions": None}),
    ):
        write_config(tmp_path / name, **own)
        assert RunFolder(tmp_path / name).command == name


def test_without_settings_what_was_logged_tells_a_fit_from_a_validation(tmp_path):
    write_curves(tmp_path / "fit", {"policy/kl": [1]})
    write_curves(tmp_path / "checked", {"val/accuracy": [1]})
    assert RunFolder(tmp_path / "fit").command == "fit"
    assert RunFolder(tmp_path / "checked").command == "validate"


def test_a_torn_last_line_is_left_out(tmp_path):
    write_lines(tmp_path / "rollouts.jsonl", [{"step": 0}], torn='{"step": 1, "pro')
    write_lines(tmp_path / "rejected.jsonl", [{"file": "a"}], torn='{"fi')
    assert RunFolder(tmp_path).rollouts == [{"step": 0}]
    assert RunFolder(tmp_path).rejected == [{"file": "a"}]


def test_a_path_of_the_settings_is_found_from_where_the_run_was_started(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    write_config(tmp_path / "runs" / "one", data=CONFIG["data"])
    monkeypatch.chdir(tmp_path / "runs")
    assert RunFolder(tmp_path / "runs" / "one").found("data") == tmp_path / "data"
    assert str(RunFolder(tmp_path / "runs" / "one").found("gone")) == "gone"
