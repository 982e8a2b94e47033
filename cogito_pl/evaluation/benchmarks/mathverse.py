"""MathVerse: every problem in five versions that move its text into the diagram."""

from cogito_pl.evaluation.aggregates.versions import MeanOfVersions
from cogito_pl.evaluation.benchmark import Benchmark, Item, Part, Repo
from cogito_pl.evaluation.wording import options_in

_MARK = "Question:"


class MathVerse(Benchmark):
    """788 problems in five versions; the accuracy of each, and their mean. The versions of a problem are a cluster.

    The prompt is the column `query_cot`, whose part before "Question:" is the instruction. Letters are graded as
    choices, values as formulas; a degree sign that the data misspell as 掳 is restored. The official metric extracts
    and compares by a language model. ReVisual-R1's table has the version `Vision Only` alone. The configuration without
    images (`testmini_text_only`) is not part of it.
    """

    name = "mathverse"
    repos = (Repo("AI4Math/MathVerse", (Part("testmini", "testmini"),)),)
    rows = 3940
    columns = ("sample_index", "problem_index", "problem_version", "query_cot", "image", "answer", "question_type")
    optional = ("metadata", "question")
    instruction_first = True

    def item(self, cells, part):
        """See `Benchmark.item`."""
        told, mark, asked = cells["query_cot"].partition(_MARK)
        choice = cells["question_type"] == "multi-choice"
        listed = (cells.get("question") or "").partition("Choices:")[2]
        about = cells.get("metadata") or {}
        return Item(
            question=mark + asked if mark else told,
            answer=_restored(cells["answer"]),
            kind="choice" if choice else "math",
            instruction=told.strip() if mark else "",
            choices=options_in(_restored(listed), r"(?:^|\n)\s*\(?{}\)?\s*[:.]?\s*") if choice else (),
            images=("image",),
            id=cells["sample_index"],
            meta={
                "version": cells["problem_version"],
                "cluster": cells["problem_index"],
                **{name: about[name] for name in ("subject", "subfield") if about.get(name)},
            },
        )

    def aggregate(self, meta):
        """Accuracy of each version, and their mean."""
        return MeanOfVersions(meta, self.samples)


def _restored(text: str) -> str:
    """The degree sign, where its bytes were read as GBK."""
    return text.replace("掳", "°")
