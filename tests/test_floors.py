"""Who may import whom: the floors of the house, read off the import statements."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {
    "cogito_pl.problem": 1, "cogito_pl.files": 1, "cogito_pl.seeds": 1, "cogito_pl.rl": 1, "cogito_pl.rewards": 1,
    "cogito_pl.data.curriculum": 1, "cogito_pl.data.draw_order": 1, "cogito_pl.data.loading": 1,
    "cogito_pl.data.plan": 1, "cogito_pl.data.draws": 1, "cogito_pl.data.source": 1, "cogito_pl.data.strata": 1,
    "cogito_pl.data.scores": 1, "cogito_pl.data.subset": 1, "cogito_pl.data.score_files": 1,
    "cogito_pl.data.score_match": 1, "cogito_pl.data.score_origin": 1, "cogito_pl.data.sampling_changes": 1,
    "cogito_pl.policy": 2, "cogito_pl.playground": 2,
    "cogito_pl.evaluation.verifiers": 1, "cogito_pl.evaluation.aggregates": 1,
    "cogito_pl.data": 3, "cogito_pl.difficulty": 3, "cogito_pl.evaluation": 3, "cogito_pl.modules": 3,
    "cogito_pl.evaluation.__main__": 5,
    "callbacks": 4,
    "cogito_pl.cli": 5, "cogito_pl.config_files": 5, "cogito_pl.help_page": 5, "cogito_pl.parse_errors": 5,
    "cogito_pl.listed_callbacks": 5,
    "cogito_pl.quiet": 5, "cogito_pl.terminal": 5, "cogito_pl.threads": 5, "cogito_pl.trainer_checks": 5,
    "cogito_pl.user_errors": 5, "train": 5, "cogito_pl.experiments.intervals": 1,
    "cogito_pl.experiments": 6, "cogito_pl.report": 7, "cogito_pl.report.curves": 5,
    "cogito_pl.experiments.__main__": 8, "cogito_pl.quickstart": 8,
}  # fmt: skip
LOWEST_FLOOR_OF = {"transformers": 2, "datasets": 2, "lightning": 3}


def floor(module: str) -> int | None:
    """The floor of a module of ours: that of its longest known prefix."""
    parts = module.split(".")
    prefixes = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((FLOORS[prefix] for prefix in prefixes if prefix in FLOORS), None)


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def sources() -> dict[str, Path]:
    files = [ROOT / "train.py", *ROOT.glob("callbacks/**/*.py"), *ROOT.glob("cogito_pl/**/*.py")]
    named = {".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): f for f in files}
    return {name: file for name, file in named.items() if name != "cogito_pl"}


def test_every_module_stands_on_a_floor():
    assert [name for name in sources() if floor(name) is None and name != "cogito_pl.data"] == []


def test_nothing_imports_from_a_floor_above_its_own():
    wrong = [
        f"{name} (floor {floor(name)}) imports {used}"
        for name, path in sources().items()
        for used in imports(path)
        if (floor(used) or LOWEST_FLOOR_OF.get(used.split(".")[0], 0)) > floor(name)
    ]
    assert wrong == []


def test_sft_and_grpo_never_import_each_other_nor_callbacks_their_siblings():
    files = sources()
    assert "cogito_pl.modules.grpo" not in imports(files["cogito_pl.modules.sft"])
    assert "cogito_pl.modules.sft" not in imports(files["cogito_pl.modules.grpo"])
    for name, path in files.items():
        if name.startswith("callbacks."):
            assert not any(used.startswith("callbacks") for used in imports(path)), name


def test_what_runs_and_shows_experiments_knows_nothing_of_a_particular_one():
    particular = ("cogito_pl.quickstart", "cogito_pl.playground")
    for name, path in sources().items():
        if name.startswith(("cogito_pl.experiments", "cogito_pl.report")):
            assert not any(used.startswith(particular) for used in imports(path)), name


def test_files_keep_to_their_budgets():
    budgets = {"callbacks": 100, "cogito_pl/modules": 200, "cogito_pl/rl": 215, "cogito_pl/rewards": 180}
    over = [
        f"{file.relative_to(ROOT)}: {len(file.read_text().splitlines())} lines"
        for folder, budget in budgets.items()
        for file in (ROOT / folder).glob("*.py")
        if len(file.read_text().splitlines()) > budget
    ]
    assert over == []
    assert len((ROOT / "train.py").read_text().splitlines()) < 25
