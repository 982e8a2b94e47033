"""ChartQA: short answers about charts, within five percent."""

from typing import ClassVar

from cogito_pl.evaluation.aggregates.versions import MeanOfVersions
from cogito_pl.evaluation.benchmark import Benchmark, Item, Part, Repo


class ChartQA(Benchmark):
    """2500 questions: 1250 by people, 1250 made from summaries; the accuracy of each half, and their mean.

    Graded by ChartQA's relaxed accuracy to the letter: 1,000 and $50 are no numbers there, a gold of 0 is compared as
    text. The rule is applied to the answer that a response states, as a response with reasoning needs;
    `reward.per_source: {chartqa: {chart: relaxed}}` reads numbers as people write them. Other copies on the Hub
    (`HuggingFaceM4/ChartQA`, `ahmed-masry/ChartQA`) have other columns and are not read.
    """

    name = "chartqa"
    repos = (Repo("lmms-lab/ChartQA", (Part("test"),)), Repo("lmms-lab-encoder/ChartQA", (Part("test"),)))
    rows = 2500
    columns = ("type", "question", "answer", "image")
    grading: ClassVar = {"chart": "official"}

    def item(self, cells, part):
        """See `Benchmark.item`."""
        return Item(
            question=cells["question"],
            answer=cells["answer"],
            kind="chart",
            instruction="Answer the question with a single word.",
            images=("image",),
            meta={"type": cells["type"].removesuffix("_test")},
        )

    def aggregate(self, meta):
        """Accuracy of questions by people and of augmented ones, and the mean of both."""
        return MeanOfVersions(meta, self.samples, "type")
