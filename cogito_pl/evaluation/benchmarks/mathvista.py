"""MathVista: mathematical reasoning in visual contexts."""

from typing import ClassVar

from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.benchmark import Benchmark, Item, Part, Repo, RowError
from cogito_pl.evaluation.verifiers.mathvista import MathVistaList, MathVistaNumber
from cogito_pl.evaluation.wording import letter_of


class MathVista(Benchmark):
    """1000 problems of `testmini`: 540 choices, 418 integers, 40 floats, 2 lists.

    The prompt is the column `query`: a hint about the form of the answer, which is the instruction, and the question.
    Graded by rule: letters or texts of options as choices; integers cut, floats rounded to `precision`, as the official
    `normalize_extracted_answer` does. The official pipeline extracts by a language model first, and takes the most
    similar option for a wrong one, so that its numbers are a little higher.
    """

    name = "mathvista"
    repos = (Repo("AI4Math/MathVista", (Part("testmini"),)),)
    rows = 1000
    columns = (
        "pid", "query", "decoded_image", "choices", "precision", "answer", "question_type", "answer_type", "metadata",
    )  # fmt: skip
    instruction_first = True
    verifiers: ClassVar = {
        "mathvista_integer": MathVistaNumber(),
        "mathvista_float_1": MathVistaNumber(1),
        "mathvista_float_2": MathVistaNumber(2),
        "mathvista_list": MathVistaList(),
    }

    def item(self, cells, part):
        """See `Benchmark.item`."""
        hint, newline, asked = cells["query"].partition("\n")
        hinted = hint.startswith("Hint:") and newline
        about = cells["metadata"] or {}
        choices = tuple(cells["choices"] or ())
        kind, answer = self._kind(cells), cells["answer"]
        if kind == "choice":
            answer = letter_of(choices.index(answer) if answer in choices else answer, choices)
        return Item(
            question=asked if hinted else cells["query"],
            answer=answer,
            kind=kind,
            instruction=hint if hinted else "",
            choices=choices if kind == "choice" else (),
            images=("decoded_image",),
            id=cells["pid"],
            meta={name: about[name] for name in ("task", "category", "source", "language") if about.get(name)},
        )

    def _kind(self, cells) -> str:
        if cells["question_type"] == "multi_choice":
            return "choice"
        wanted = cells["answer_type"]
        kind = f"mathvista_{wanted}_{int(cells['precision'] or 0)}" if wanted == "float" else f"mathvista_{wanted}"
        if kind not in self.verifiers:
            raise RowError(f"answer_type={wanted!r} with precision={cells['precision']!r} has no rule")
        return kind

    def aggregate(self, meta):
        """Accuracy, by task and by category."""
        return ByCategory(meta, self.samples, ("task", "category"))
