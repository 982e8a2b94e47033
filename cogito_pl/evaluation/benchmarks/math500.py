"""MATH-500: mathematics of high-school competitions; text only."""

from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.benchmark import BOXED, Benchmark, Item, Part, Repo


class MATH500(Benchmark):
    """500 problems whose answers are formulas, compared by meaning (kind `math`)."""

    name = "math500"
    repos = (Repo("HuggingFaceH4/MATH-500", (Part("test"),)),)
    rows = 500
    columns = ("problem", "answer", "subject", "level", "unique_id")
    instruction_first = True

    def item(self, cells, part):
        """See `Benchmark.item`."""
        return Item(
            question=cells["problem"],
            answer=cells["answer"],
            kind="math",
            instruction=BOXED,
            id=cells["unique_id"],
            meta={"subject": cells["subject"], "level": int(cells["level"])},
        )

    def aggregate(self, meta):
        """Accuracy, by subject and by level."""
        return ByCategory(meta, self.samples, ("subject", "level"))
