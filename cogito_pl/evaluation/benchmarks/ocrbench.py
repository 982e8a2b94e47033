"""OCRBench: reading text in images."""

import json
from typing import ClassVar

from cogito_pl.evaluation.aggregates.total import Total
from cogito_pl.evaluation.benchmark import Benchmark, Item, Part, Repo
from cogito_pl.evaluation.verifiers.ocrbench import OCRBenchText


class OCRBench(Benchmark):
    """1000 questions of ten types, a point each. Papers print the sum, or a tenth of it.

    Correct if one of the answers is contained in what the response states as its answer. Questions are asked as they
    are, without an instruction.
    """

    name = "ocrbench"
    repos = (Repo("echo840/OCRBench", (Part("test"),)),)
    rows = 1000
    columns = ("dataset", "question", "question_type", "answer", "image")
    verifiers: ClassVar = {"ocrbench": OCRBenchText(), "ocrbench_formula": OCRBenchText(formula=True)}

    def item(self, cells, part):
        """See `Benchmark.item`."""
        golds = [cells["answer"]] if isinstance(cells["answer"], str) else cells["answer"]
        return Item(
            question=cells["question"],
            answer=json.dumps(golds or [""], ensure_ascii=False),
            kind="ocrbench_formula" if cells["dataset"] == "HME100k" else "ocrbench",
            images=("image",),
            meta={"type": cells["question_type"], "dataset": cells["dataset"]},
        )

    def aggregate(self, meta):
        """Points, by type."""
        return Total(meta, self.samples)
