"""GPQA-Diamond: graduate-level science with four options; text only."""

from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.benchmark import BOXED, Benchmark, Item, Part, Repo
from cogito_pl.evaluation.wording import letter_of, lettered
from cogito_pl.seeds import digest

_OPTIONS = ("Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")


class GPQADiamond(Benchmark):
    """198 questions. The data name the correct option first, so the order of options is one by a hash of the question.

    It is the same in every run and on every machine; lighteval and lmms-eval shuffle without a seed. Access to the data
    must be granted on the Hub.
    """

    name = "gpqa_diamond"
    repos = (Repo("Idavidrein/gpqa", (Part("train", "gpqa_diamond"),), gated=True),)
    rows = 198
    columns, optional = ("Question", *_OPTIONS), ("Record ID", "High-level domain")
    instruction_first = True

    def item(self, cells, part):
        """See `Benchmark.item`."""
        asked = cells["Question"].strip()
        order = sorted(_OPTIONS, key=lambda column: digest(f"{asked}\0{cells[column].strip()}\0{column}"))
        options = tuple(cells[column].strip() for column in order)
        return Item(
            question=f"{asked}\n{lettered(options)}",
            answer=letter_of(order.index("Correct Answer"), options),
            kind="choice",
            instruction=BOXED,
            choices=options,
            id=str(cells.get("Record ID") or ""),
            meta={"domain": cells["High-level domain"]} if cells.get("High-level domain") else {},
        )

    def aggregate(self, meta):
        """Accuracy, by domain."""
        return ByCategory(meta, self.samples, ("domain",))
