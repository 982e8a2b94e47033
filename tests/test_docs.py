"""The README and the pages of docs/ say what is true: their code runs as printed, their links lead somewhere.

Blocks of a page are run in order, in a folder of the page's own. A block whose first line is a comment with a file
name is written to that file. Other Python is executed; YAML is parsed; the commands of a shell block are parsed by the
program they call, and run where `<!-- run -->` stands above the block. `<!-- not run: REASON -->` leaves a block out.
"""

import contextlib
import io
import json
import re
import shlex
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import lightning.pytorch as L
import pytest
import torch
import yaml
from datasets import Dataset, Features, Image, Value
from transformers import AutoProcessor

import cogito_pl
from callbacks import BestCheckpointHandoff, DynamicLengthReward, ODSWReweighting, RolloutStatistics, Throughput
from cogito_pl import (
    TRAINER_DEFAULTS,
    Columns,
    DrawContext,
    DrawOutcome,
    Grade,
    GradeOptions,
    LossConfig,
    PolicyConfig,
    Problem,
    PromptEncoder,
    RewardConfig,
    Rollout,
    RolloutCallback,
    RolloutSchedule,
    SamplingChanges,
    SamplingConfig,
    Source,
    Stage,
    TokenValues,
)
from cogito_pl.playground.parts import PartSpec
from cogito_pl.playground.write import write_part
from cogito_pl.policy import Samples
from cogito_pl.rewards import BoxOptions
from tests.conftest import ROOT, noise_image, problem
from tests.modules.training import TokenSumReward, grpo, sft, trainer
from tests.modules.training import data as problems

PAGES = {page.stem: page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
FENCE = re.compile(
    r"(?:^<!-- (?P<marker>.*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
NAMED = re.compile(r"# (?P<name>[\w./-]+\.(?:py|ya?ml))\b")
NOT_RUN = {"takes minutes": 2}
"""Why blocks are left out, and how many are."""


LOGGED: set[str] = set()
"""Metrics that the commands of a page logged."""
PROMISED = {
    "extending": {"hard_only/kept", "reward/brevity", "applied/brevity", "rollout/admitted", "policy/entropy_floor"}
}
"""Metrics that they log if the parts that the page prints are in use."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    marker: str

    @property
    def file(self) -> str | None:
        """The file that the block is."""
        if self.marker.startswith("file: "):
            return self.marker.removeprefix("file: ")
        named = NAMED.match(self.text) if self.language in ("python", "yaml") else None
        return named and named["name"]


def blocks(page: Path) -> list[Block]:
    found = FENCE.finditer(page.read_text())
    return [Block(match["language"], match["text"], match["marker"] or "") for match in found]


def commands(text: str) -> list[list[str]]:
    """The commands of a shell block as words, without comments."""
    lines = [shlex.split(line, comments=True) for line in text.replace("\\\n", " ").splitlines()]
    return [words for words in lines if words]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> dict[str, Path]:
    """What the pages expect to be there: the playground's problems, somebody's charts, completions of a run."""
    folder = tmp_path_factory.mktemp("docs")
    for part, count in (("train", 24), ("sft", 24), ("validation", 6), ("test", 6)):
        spec = PartSpec(part=part, seed=3, difficulties=(1, 2))
        write_part(folder / "playground", spec, (spec.row(index) for index in range(count)))
    charts = folder / "my_charts"
    (charts / "data").mkdir(parents=True)
    features = Features({"image": Image(), "query": Value("string"), "label": Value("string")})
    for split, count in (("train", 24), ("test", 6)):
        rows = [
            {"image": noise_image(60 + row, 40, row).load(), "query": f"What is bar {row}?", "label": str(row)}
            for row in range(count)
        ]
        Dataset.from_list(rows, features=features).to_parquet(charts / "data" / f"{split}-00000-of-00001.parquet")
    completions = folder / "rollouts.rank0.jsonl"
    row = {"id": "1", "kind": "math", "gold": "1/2", "choices": [], "question": "?", "source": "s", "verdict": "right"}
    completions.write_text(json.dumps(row | {"response": "<answer>0.5</answer>"}) + "\n")
    return {".data/playground": folder / "playground", "data/my_charts": charts, "rollouts.rank0.jsonl": completions}


@pytest.fixture
def workplace(data, tmp_path, monkeypatch) -> Path:
    """A folder that looks like a clone of the repository with data in it."""
    for name in ("configs", "cogito_pl", "callbacks", "train.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name, path in data.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(tmp_path):
            del sys.modules[name]


def train(run_cli, words: list[str], run: bool) -> None:
    """`python train.py ...`: parsed completely, or run."""
    shows = any("--help" in word or ".help" in word or word == "--print_config" for word in words)
    if run:
        cli = run_cli(*words)
        assert words[0] != "fit" or cli.trainer.global_step == 2
        LOGGED.update(cli.trainer.callback_metrics)
        return
    with contextlib.redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as end:
        run_cli(*words, *([] if shows else ["--print_config"]))
    assert end.value.code in (0, None)


def module(name: str, words: list[str], run: bool) -> None:
    """`python -m cogito_pl.NAME ...`: its arguments are parsed, or it is run."""
    if name == "cogito_pl.quickstart":
        from cogito_pl.quickstart.command import ablation_parser, quickstart_parser

        parser, words = (ablation_parser(), words[1:]) if words[:1] == ["ablate"] else (quickstart_parser(), words)
        parser.parse_args(words)
        return
    program = __import__(f"{name}.__main__", fromlist=["main"])
    with contextlib.suppress(SystemExit) if "--help" in words else contextlib.nullcontext():
        program.main(words) if run else program.build_parser().parse_args(words)


def execute(run_cli, words: list[str], run: bool) -> None:
    if words[:2] == ["python", "train.py"]:
        train(run_cli, words[2:], run)
    elif words[:2] == ["python", "-m"]:
        module(words[2], words[3:], run)
    elif words[0] == "make":
        assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text(), words
    elif words[0] == "export":
        assert all(re.fullmatch(r"[A-Z_]+=\S*", word) for word in words[1:]), words
    else:
        raise AssertionError(f"no test knows how to run {words}")


@pytest.mark.parametrize("name", PAGES)
def test_the_code_of_a_page_runs_as_printed(name, workplace, run_cli):
    names: dict = {"__name__": "__main__"}
    LOGGED.clear()
    for block in blocks(PAGES[name]):
        if block.marker.startswith("not run: "):
            continue
        if block.file:
            path = Path(block.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        if block.language == "yaml":
            yaml.safe_load(block.text)
        elif block.language == "python" and not block.file:
            exec(compile(block.text, f"{name}.md", "exec"), names)
        elif block.language == "bash":
            for words in commands(block.text):
                execute(run_cli, words, block.marker == "run")
        else:
            assert block.language in ("python", "math", "text", "jsonl"), block
    assert PROMISED.get(name, set()) <= LOGGED


def test_blocks_that_are_not_run_say_why_and_are_few():
    markers = [block.marker for page in PAGES.values() for block in blocks(page)]
    assert Counter(m.removeprefix("not run: ") for m in markers if m.startswith("not run: ")) == NOT_RUN


def test_links_lead_to_files_and_headings():
    for page in (*PAGES.values(), ROOT / "ARCHITECTURE.md"):
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", FENCE.sub("", page.read_text())):
            path, _, heading = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.exists(), f"{page.name} links to {target}"
            if heading:
                found = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
                slugs = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in found]
                assert heading in slugs, f"{page.name} links to {target}; there are {slugs}"


def test_paths_of_the_repository_that_the_pages_name_exist():
    for page in (*PAGES.values(), ROOT / "ARCHITECTURE.md"):
        for path in re.findall(
            r"`((?:configs|callbacks|cogito_pl|tests|notebooks|benchmarks)/[\w./-]+)`", page.read_text()
        ):
            assert (ROOT / path).exists(), f"{page.name} names {path}"


def test_the_readme_is_short_and_its_image_small():
    assert len(PAGES["README"].read_text().splitlines()) <= 150
    assert all(image.stat().st_size <= 300_000 for image in (ROOT / "docs/images").iterdir())


DESCRIBED = {
    "extending": (RolloutCallback, Rollout, TokenValues, DrawOutcome, DrawContext, Grade, Problem, Samples),
    "reinforcement_learning": (LossConfig, RolloutSchedule, SamplingConfig),
    "rewards": (RewardConfig, GradeOptions, BoxOptions),
    "data": (Source, Columns),
    "curriculum": (Stage, SamplingChanges),
}
"""What a page describes completely."""


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_page_names_every_setting_field_and_method_of_what_it_describes(name):
    words = set(re.findall(r"\w+", PAGES[name].read_text()))
    for described in DESCRIBED[name]:
        fields = set(getattr(described, "__dataclass_fields__", {}))
        methods = {member for member in vars(described) if not member.startswith("_")}
        assert sorted((fields | methods if described in (RolloutCallback, Rollout) else fields) - words) == []


def test_every_metric_that_the_pages_list_is_logged(tiny_folder, playground_folder, tmp_path):
    metric = r"`((?:reward|rollout|policy|val|sft|applied|odsw|dynamic_length|handoff|speed|p)/\w+)`"
    pages = ("reinforcement_learning", "curriculum", "troubleshooting")
    listed = {name for page in pages for name in re.findall(metric, PAGES[page].read_text())}

    class Admission(RolloutCallback):
        def admit(self, trainer, module, rollout):
            return torch.ones(len(rollout.problems), dtype=torch.bool)

    class Logged(RolloutCallback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            names.update(trainer.callback_metrics)

    names: set[str] = set()
    parts = [ODSWReweighting("hard"), DynamicLengthReward(stages=None), RolloutStatistics(), Throughput(), Admission()]
    stages = (Stage(name="early"), Stage(name="late"))
    run = trainer(tmp_path, TokenSumReward(), *parts, BestCheckpointHandoff(), Logged(), max_epochs=2, logger=True)
    module = grpo(tiny_folder, loss=LossConfig(kl_coef=0.1), sampling=SamplingConfig(max_tokens=8))
    run.fit(module, problems(playground_folder, validation=True, stages=stages))
    names |= run.callback_metrics.keys()
    other = trainer(tmp_path, Logged())
    other.fit(sft(tiny_folder), problems(playground_folder, "sft"))
    assert sorted(listed - names - other.callback_metrics.keys()) == []


def test_scripts_have_the_trainer_settings_of_the_command_line(build_cli):
    cli = build_cli("fit", "--config", ROOT / "configs/playground/grpo.yaml")
    ours, plugin = dict(TRAINER_DEFAULTS), type(TRAINER_DEFAULTS["plugins"][0])
    ours["plugins"] = {"class_path": f"{plugin.__module__}.{plugin.__qualname__}"}
    assert cli.trainer_defaults == ours


def test_a_script_without_these_settings_is_told_what_to_set(tiny_folder, playground_folder, tmp_path):
    plain = L.Trainer(default_root_dir=tmp_path, accelerator="cpu", logger=False, enable_checkpointing=False)
    with pytest.raises(ValueError, match=r"reload_dataloaders_every_n_epochs=0 .*set it to 1"):
        plain.fit(grpo(tiny_folder), problems(playground_folder))


def test_the_processor_of_transformers_reads_an_export_where_torchvision_is_and_else_says_so(tiny_folder):
    load = partial(AutoProcessor.from_pretrained, tiny_folder)
    if find_spec("torchvision") is None:
        with pytest.raises(ImportError, match="Torchvision"):
            load()
    else:
        asked, encoder = problem("How many?", (84, 56)), PromptEncoder(PolicyConfig(name=str(tiny_folder)))
        images = [image.load() for image in asked.images]
        ids = load()(text=[encoder.text(asked)], images=images, return_tensors="pt")["input_ids"][0]
        assert torch.equal(ids, encoder.encode(asked).ids)


def test_the_package_alone_imports_neither_torch_nor_lightning():
    show = "import cogito_pl, sys; assert cogito_pl.grade('4', '4', 'number').correct; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", show], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"torch", "lightning", "transformers"} & set(loaded.split())


def test_every_name_of_the_package_is_declared_once_for_readers_and_for_editors():
    source = Path(cogito_pl.__file__).read_text()
    declared = re.findall(r"^    from (\S+) import (.+)$", source, re.MULTILINE)
    assert {n: home for home, names in declared for n in names.split(", ")} == cogito_pl._HOME
    assert sorted(cogito_pl.__all__) == sorted(cogito_pl._HOME)
    assert all(getattr(cogito_pl, name).__class__ is not None for name in cogito_pl.__all__)
    with pytest.raises(AttributeError, match="Polcy"):
        cogito_pl.Polcy  # noqa: B018


def test_the_package_itself_imports_names_from_where_they_are_defined():
    sources = [path for path in (ROOT / "cogito_pl").glob("**/*.py") if path.parent.name != "cogito_pl"]
    used = {
        name for path in sources for name in re.findall(r"^from cogito_pl import (.+)$", path.read_text(), re.MULTILINE)
    }
    assert used == {"__version__"}
