"""HallusionBench: yes or no about images, some of which were edited to mislead."""

from typing import ClassVar

from cogito_pl.evaluation.aggregates.all_of_group import AllOfGroup
from cogito_pl.evaluation.benchmark import Benchmark, Item, Part, Repo, RowError
from cogito_pl.evaluation.verifiers.yes_no import YesNo

_GROUP = ("category", "subcategory", "set_id")


class HallusionBench(Benchmark):
    """951 questions with an image: accuracy over questions (aAcc), figures (fAcc) and pairs of questions (qAcc).

    Graded as VLMEvalKit does: yes or no, anything else is wrong. The official metric asks GPT, and counts "unclear" as
    correct for the questions without an image. Leaderboards print the mean of the three accuracies; numbers of 65 to 70
    for a 7B model fit aAcc.

    Args:
        text: Also ask the 178 questions without an image.
    """

    name = "hallusionbench"
    rows = 951
    columns = (*_GROUP, "figure_id", "question_id", "question", "gt_answer", "image")
    verifiers: ClassVar = {"yes_no": YesNo()}

    def __init__(self, text: bool = False, **settings) -> None:
        super().__init__(**settings)
        parts = (Part("image"), *([Part("non_image")] if text else []))
        self.repos = tuple(Repo(f"{owner}/HallusionBench", parts) for owner in ("lmms-lab", "lmms-lab-encoder"))
        self.rows = 951 + 178 * text

    def item(self, cells, part):
        """See `Benchmark.item`."""
        if cells["gt_answer"] not in ("0", "1"):
            raise RowError(f"gt_answer={cells['gt_answer']!r} is neither 0 (no) nor 1 (yes)")
        group = "/".join(str(cells[name]) for name in _GROUP)
        figure, question = cells["figure_id"], cells["question_id"]
        return Item(
            question=cells["question"],
            answer="yes" if cells["gt_answer"] == "1" else "no",
            kind="yes_no",
            instruction="Please answer yes or no.",
            images=("image",),
            id=f"{group}/{figure}/{question}",
            meta={
                "figure": f"{group}/{figure}",
                "pair": f"{group}/{question}",
                "cluster": group,
                "category": cells["category"],
                "subcategory": cells["subcategory"],
            },
        )

    def aggregate(self, meta):
        """aAcc, fAcc, qAcc, and their mean."""
        return AllOfGroup(meta, self.samples)
