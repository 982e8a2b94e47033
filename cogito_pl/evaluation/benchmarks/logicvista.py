"""LogicVista: logical reasoning, with the options drawn in the image."""

from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.benchmark import BOXED, Benchmark, Item, Part, Repo


class LogicVista(Benchmark):
    """448 problems, 447 of which can be scored: the row without question and answer (v1_382) is rejected.

    Answers are sets of letters up to I ("A, C"), compared as sets; the gold 3 of v1_20, whose options are numbered, is
    a number. Since options are only in the image, their texts count nowhere. The official metric extracts the letters
    by a language model. The types of the columns of `lscpku/LogicVista` are not verified; `skill` and `id`, which
    mirrors have, are read where they exist.
    """

    name = "logicvista"
    repos = (Repo("lscpku/LogicVista", (Part("test"),)), Repo("evalscope/LogicVista", (Part("test"),)))
    rows = 448
    columns, optional = ("image", "question", "answer"), ("id", "skill", "imagename")
    instruction_first = True

    def item(self, cells, part):
        """See `Benchmark.item`."""
        answer, skill = (cells["answer"] or "").strip(), cells.get("skill") or []
        skills = sorted([skill] if isinstance(skill, str) else skill)
        return Item(
            question=cells["question"] or "",
            answer=answer,
            kind="number" if answer.isdigit() else "choice",
            instruction=BOXED,
            images=("image",),
            id=str(cells.get("id") or ""),
            meta={"skill": " and ".join(skills)} if skills else {},
        )

    def aggregate(self, meta):
        """Accuracy, by skill."""
        return ByCategory(meta, self.samples, ("skill",))
