"""Geometry3K: geometry with a diagram, asked without its options, as VL-Cogito did."""

from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.benchmark import BOXED, Benchmark, Item, Part, Repo


class Geometry3K(Benchmark):
    """601 problems whose value is graded as a formula (kind `math`). `images`, `problem` and `answer` are read.

    Copies of the data set from before `id`, `choices` and `ground_truth` were added are read as well. There is no
    official prompt; VL-Cogito's is used. lmms-eval asks for the letter of four options instead, which a guess gets in a
    quarter of the cases. The train split is part of VL-Cogito's training data.
    """

    name = "geometry3k"
    repos = (Repo("hiyouga/geometry3k", (Part("test"),)),)
    rows = 601
    columns, optional = ("images", "problem", "answer"), ("id",)
    instruction_first = True

    def item(self, cells, part):
        """See `Benchmark.item`."""
        return Item(
            question=cells["problem"],
            answer=cells["answer"],
            kind="math",
            instruction=BOXED,
            images=("images",),
            id=str(cells.get("id") or ""),
        )

    def aggregate(self, meta):
        """Accuracy."""
        return ByCategory(meta, self.samples)
