"""A study of phases that only pretend, as small as the ablation runner allows."""

from dataclasses import dataclass
from pathlib import Path

from cogito_pl.experiments.phases import TRAIN, Phase, Plan


@dataclass(frozen=True)
class PretendStudy:
    """Phases are named like those of the quickstart; an arm depends on the texts of its files."""

    n_test: int = 4
    files: tuple[Path, ...] = ()
    by = ("family", "difficulty")
    same_test = False
    remedy = "give it to every arm"
    prepared = None
    own_seeds = False
    typical_s = dict.fromkeys(("data", "sft", "evaluate-sft", "score", "sft-first", "grpo", "evaluate-grpo"), 1.0)

    def start(self, seed, folder):
        return plan(seed, folder, "data", "sft", "evaluate-sft")

    def arm(self, arm, seed, folder, start):
        first = ["sft-first"] if arm.sft_first else []
        texts = [file.read_text() for file in (*arm.files, *arm.sft_first)]
        return plan(seed, folder, *first, "grpo", "evaluate-grpo", texts=texts)

    def scoring(self, seed, folder, start):
        return plan(seed, folder, "score", artefact=self.scores(start))

    def scores(self, start):
        return start / "scores" / "train.parquet"

    def check(self, arms, start):
        pass


def plan(seed, folder, *names, artefact=None, texts=()):
    phases = tuple(phase(name, folder, artefact) for name in names)
    return Plan(folder=folder, phases=phases, fingerprint={"seed": seed, "texts": list(texts)}, log=folder / "log.txt")


def phase(name, folder, artefact=None):
    results = artefact.parent if artefact else folder / name
    return Phase(
        name=name,
        title=name,
        program=TRAIN,
        commands=(("fit", "--name", name),),
        folder=results,
        artefact=artefact or results / "validation.rank0.jsonl",
        overlay={},
    )
