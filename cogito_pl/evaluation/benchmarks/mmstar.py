"""MMStar: questions that cannot be answered without the image."""

from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.benchmark import LETTER, Benchmark, Item, Part, Repo
from cogito_pl.evaluation.wording import options_in


class MMStar(Benchmark):
    """1500 questions with four options, which the question lists ("Options: A: ..., B: ..."), in six categories.

    The accuracy is that over all questions; lmms-eval prints a mean over the 18 smaller categories, which differs a
    little.
    """

    name = "mmstar"
    repos = (Repo("Lin-Chen/MMStar", (Part("val"),)),)
    rows = 1500
    columns = ("index", "question", "image", "answer", "category", "l2_category")

    def item(self, cells, part):
        """See `Benchmark.item`."""
        listed = cells["question"].rpartition("Options:")[2]
        return Item(
            question=cells["question"],
            answer=cells["answer"],
            kind="choice",
            instruction=LETTER.removesuffix("."),
            choices=options_in(listed, r"(?:^|,|\n)\s*{}:"),
            images=("image",),
            id=str(cells["index"]),
            meta={"category": cells["category"], "l2_category": cells["l2_category"]},
        )

    def aggregate(self, meta):
        """Accuracy, by category."""
        return ByCategory(meta, self.samples, ("category", "l2_category"))
