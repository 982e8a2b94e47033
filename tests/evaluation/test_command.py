"""`python -m cogito_pl.evaluation list` and `show`."""

import re
from dataclasses import replace

import pytest

from cogito_pl.evaluation.__main__ import main
from cogito_pl.evaluation.benchmark import Part, Repo
from cogito_pl.evaluation.benchmarks import BENCHMARKS


def test_list_counts_what_is_there_and_prints_the_command_for_what_is_not(copies, tmp_path, capsys):
    for name in ("mathvista", "dynamath"):
        root = copies(name)
    for folder in ("AI4Math/MathVista", "DynaMath/DynaMath_Sample"):
        (tmp_path / folder).parent.mkdir()
        (tmp_path / folder).symlink_to(root / folder)
    (tmp_path / "echo840/OCRBench").mkdir(parents=True)
    main(["list", "--root", str(tmp_path)])
    printed = capsys.readouterr().out
    rows = {
        line.split()[0]: re.split(r"\s{2,}", line.strip())[1:3] for line in printed.splitlines() if line[:1].strip()
    }
    assert rows["mathvista"] == ["AI4Math/MathVista", "5 of 1,000"]
    assert rows["dynamath"][1] == "30 of 5,010"
    assert rows["chartqa"][1] == "missing"
    assert "no parquet" in re.sub(r"\s+", " ", printed)  # the folder of OCRBench is empty
    commands = [line.strip() for line in printed.splitlines() if "hf download" in line and line.startswith("  hf")]
    assert len(commands) == len(BENCHMARKS) - 2
    assert f"hf download --repo-type dataset lmms-lab/ChartQA --local-dir {tmp_path}/lmms-lab/ChartQA" in commands
    assert any(
        line.startswith("hf download --repo-type dataset Idavidrein/gpqa ") and "gated" in line for line in commands
    )
    assert "needs a judge" in re.sub(r"\s+", " ", printed)


def test_a_known_revision_is_pinned_in_the_command():
    repo = Repo("owner/name", (Part("test"),), revision="0123abc")
    assert (
        repo.fetch_command("data")
        == "hf download --repo-type dataset owner/name --revision 0123abc --local-dir data/owner/name"
    )
    assert "revision" not in replace(repo, revision=None).fetch_command()


def test_show_prints_three_problems_as_they_are_asked(copies, capsys):
    main(["show", "mathvista", "--root", str(copies("mathvista"))])
    printed = capsys.readouterr().out
    assert printed.count("--- ") == 3
    assert "--- 2  (images: 36 x 28)\n<image>\nHint: Please answer with an integer answer" in printed
    assert "=> 3  [mathvista_integer]" in printed


def test_a_name_that_does_not_exist_and_data_that_are_missing_end_with_a_message(tmp_path, capsys):
    for words, message in (
        (["show", "mathvisa"], "there is no benchmark 'mathvisa'; choose one of geometry3k, "),
        (["show", "mmmu", "--root", str(tmp_path)], "hf download --repo-type dataset MMMU/MMMU"),
    ):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert end.value.code == 2
        assert message in capsys.readouterr().err
