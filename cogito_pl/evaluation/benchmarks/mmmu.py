"""MMMU: questions of college exams in thirty subjects."""

import re
from typing import ClassVar

from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.benchmark import LETTER, Benchmark, Item, Part, Repo
from cogito_pl.evaluation.verifiers.mmmu import MMMUChoice, MMMUOpen
from cogito_pl.evaluation.wording import lettered, literal_list, with_images

SUBJECTS = (
    "Accounting", "Agriculture", "Architecture_and_Engineering", "Art", "Art_Theory", "Basic_Medical_Science",
    "Biology", "Chemistry", "Clinical_Medicine", "Computer_Science", "Design", "Diagnostics_and_Laboratory_Medicine",
    "Economics", "Electronics", "Energy_and_Power", "Finance", "Geography", "History", "Literature", "Manage",
    "Marketing", "Materials", "Math", "Mechanical_Engineering", "Music", "Pharmacy", "Physics", "Psychology",
    "Public_Health", "Sociology",
)  # fmt: skip
_IMAGES = tuple(f"image_{number}" for number in range(1, 8))


class MMMU(Benchmark):
    """900 problems of the validation split, 30 of every subject: 847 choices, 53 open questions.

    Options, and several forms of an open answer, are Python lists written as text. `<image N>` stands for the column
    `image_N`. Graded by the official rules without their random guess: where no option can be read the response is
    unparsed, which costs a quarter of a point for every such response that a guess would have got. The labels of `test`
    are private: papers that say "test" most likely mean validation.
    """

    name = "mmmu"
    repos = (
        Repo("MMMU/MMMU", tuple(Part("validation", subject) for subject in SUBJECTS)),
        Repo("lmms-lab/MMMU", (Part("validation"),)),
    )
    rows = 900
    columns = ("id", "question", "options", "answer", "question_type", *_IMAGES)
    optional = ("topic_difficulty", "subfield")
    verifiers: ClassVar = {"mmmu_choice": MMMUChoice(), "mmmu_open": MMMUOpen()}

    def item(self, cells, part):
        """See `Benchmark.item`."""
        choice = cells["question_type"] == "multiple-choice"
        options = tuple(literal_list(cells["options"], "options")) if choice else ()
        shown = [name for name in _IMAGES if cells.get(name)]
        asked, images = with_images(f"{cells['question']}\n{lettered(options)}", r"<image (\d)>", _IMAGES, shown)
        subject = re.fullmatch(r"[a-z]+_(.+)_\d+", cells["id"])
        return Item(
            question=asked,
            answer=cells["answer"],
            kind="mmmu_choice" if choice else "mmmu_open",
            instruction=LETTER if choice else "Answer the question using a single word or phrase.",
            choices=options,
            images=images,
            id=cells["id"],
            meta={"subject": part.subset or (subject[1] if subject else "")},
        )

    def aggregate(self, meta):
        """Accuracy over all problems, and by subject."""
        return ByCategory(meta, self.samples, ("subject",))
