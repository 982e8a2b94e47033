"""ScienceQA: school science, with and without images."""

from typing import Literal

from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.benchmark import LETTER, Benchmark, Item, Part, Repo
from cogito_pl.evaluation.wording import letter_of, lettered


class ScienceQA(Benchmark):
    """Multiple choice with 2 to 5 options: 2017 questions with an image, or all 4241.

    The answer is the index of an option; `hint` is given as context. Papers rarely say which set they use; numbers of
    85 to 88 fit the questions with an image.

    Args:
        subset: `img`, the questions that have an image, or `full`.
    """

    name = "scienceqa"
    rows = 2017
    columns = ("image", "question", "choices", "answer", "hint", "subject", "topic", "grade")

    def __init__(self, subset: Literal["img", "full"] = "img", **settings) -> None:
        super().__init__(**settings)
        parts = (Part("test", f"ScienceQA-{subset.upper()}"),)
        self.repos = (Repo("lmms-lab/ScienceQA", parts), Repo("lmms-lab-encoder/ScienceQA", parts))
        self.rows = 2017 if subset == "img" else 4241

    def item(self, cells, part):
        """See `Benchmark.item`."""
        options = tuple(cells["choices"])
        context = f"Context: {cells['hint']}\n" if cells["hint"] else ""
        return Item(
            question=f"{context}{cells['question']}\n{lettered(options)}",
            answer=letter_of(cells["answer"], options),
            kind="choice",
            instruction=LETTER,
            choices=options,
            images=("image",),
            meta={name: cells[name] for name in ("subject", "grade") if cells[name]},
        )

    def aggregate(self, meta):
        """Accuracy, by subject."""
        return ByCategory(meta, self.samples, ("subject",))
