"""MathVision (MATH-V): problems of mathematical competitions with a diagram."""

from typing import ClassVar, Literal

from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.benchmark import BOXED, Benchmark, Item, Part, Repo
from cogito_pl.evaluation.wording import lettered, with_images


class MathVision(Benchmark):
    """3040 problems of `test` (or 304 of `testmini`): 1532 choices of five options, 1508 values.

    A choice is correct by its letter or by the text of its option; values are compared after rounding to 2 decimals
    (`reward.per_source` may say otherwise; VLMEvalKit has 1e-6). Where a question mentions several images, the data
    hold one that shows them all.

    Args:
        split: `test`, or its subset `testmini`.
    """

    name = "mathvision"
    rows = 3040
    columns = ("id", "question", "options", "decoded_image", "answer", "level", "subject")
    grading: ClassVar = {"decimals": 2}
    instruction_first = True

    def __init__(self, split: Literal["test", "testmini"] = "test", **settings) -> None:
        super().__init__(**settings)
        self.repos = tuple(Repo(owner + "/MathVision", (Part(split),)) for owner in ("MathLLMs", "MathLLM"))
        self.rows = 3040 if split == "test" else 304

    def item(self, cells, part):
        """See `Benchmark.item`."""
        options = tuple(cells["options"] or ())
        asked, _ = with_images(cells["question"], r"<image(\d+)>", ("decoded_image",), ("decoded_image",))
        return Item(
            question=f"{asked}\nChoices: {lettered(options)}" if options else asked,
            answer=cells["answer"],
            kind="choice" if options else "math",
            instruction=BOXED,
            choices=options,
            images=("decoded_image",),
            id=cells["id"],
            meta={"subject": cells["subject"], "level": int(cells["level"])},
        )

    def aggregate(self, meta):
        """Accuracy, by subject and by level."""
        return ByCategory(meta, self.samples, ("subject", "level"))
