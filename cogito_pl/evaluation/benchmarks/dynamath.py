"""DynaMath: 501 questions in ten variants each."""

from typing import ClassVar

from cogito_pl.evaluation.aggregates.variants import OverVariants
from cogito_pl.evaluation.benchmark import Benchmark, Item, Part, Repo, RowError
from cogito_pl.evaluation.verifiers.dynamath import MARKER, DynaMathChoice, DynaMathFloat, DynaMathText

VARIANTS = 10
_FORM = (
    "## Answer instruction\nAnswer the question above in JSON with two keys: \"solution\", the steps that lead to the "
    'answer, and "short answer", the answer alone. {}'
)  # fmt: skip
_SHORT = {
    "float": "If the answer is a numerical value, format it as a three-digit floating-point number.",
    "multiple choice": "The short answer is the letter of the correct option.",
    "text": "The short answer is a word or a short phrase.",
}


class DynaMath(Benchmark):
    """5010 rows: the average over all of them, and the worst case, in which a question counts if no variant fails.

    Floats may differ by 0.001 from the gold (absolute), letters and texts follow the official rules. The prompt asks
    for the JSON keys and the number format of the official one, in words of its own. The official pipeline reads the
    JSON, here what follows the key "short answer" is read, or a tag or box.
    """

    name = "dynamath"
    repos = (
        Repo("DynaMath/DynaMath_Sample", tuple(Part(f"sample_variant{n}") for n in range(1, VARIANTS + 1))),
    )  # fmt: skip
    rows = 501 * VARIANTS
    columns = ("id", "question", "decoded_image", "ground_truth", "answer_type", "subject", "knowledge_level")
    verifiers: ClassVar = {
        "dynamath_float": DynaMathFloat(),
        "dynamath_multiple_choice": DynaMathChoice(),
        "dynamath_text": DynaMathText(),
    }
    grading: ClassVar = {"markers": (MARKER,)}

    def item(self, cells, part):
        """See `Benchmark.item`."""
        wanted = cells["answer_type"]
        if wanted not in _SHORT:
            raise RowError(f"answer_type={wanted!r} is none of {', '.join(_SHORT)}")
        variant = part.split.removeprefix("sample_variant")
        return Item(
            question=f"## Question\n{cells['question']}",
            answer=cells["ground_truth"],
            kind=f"dynamath_{wanted.replace(' ', '_')}",
            instruction=_FORM.format(_SHORT[wanted]),
            images=("decoded_image",),
            id=f"{cells['id']}/{variant}",
            meta={
                "seed": cells["id"],
                "cluster": cells["id"],
                "variant": variant,
                "subject": cells["subject"],
                "level": cells["knowledge_level"],
            },
        )

    def aggregate(self, meta):
        """Average, worst case and reasoning robustness."""
        return OverVariants(meta, self.samples, VARIANTS)
