"""We-Math: composite problems, and each of their steps as a problem of its own."""

import re
from typing import ClassVar

from cogito_pl.evaluation.aggregates.four_dimensions import FourDimensions
from cogito_pl.evaluation.benchmark import Benchmark, Item, Part, Repo, RowError
from cogito_pl.evaluation.verifiers.we_math import MARKER, WeMathLetter
from cogito_pl.evaluation.wording import options_in


class WeMath(Benchmark):
    """1740 problems that make 525 composites of two or three steps; strict and loose score, IK, IG, CM and RM.

    The form of the answer is that of the official prompt, in words of its own; the letter is read by the official rule.
    Papers mostly print the strict score.
    """

    name = "we_math"
    repos = (Repo("We-Math/We-Math", (Part("testmini"),)),)
    rows = 1740
    columns = ("ID", "question", "option", "answer", "image_path", "key", "knowledge concept")
    verifiers: ClassVar = {"we_math": WeMathLetter()}
    grading: ClassVar = {"markers": (MARKER,)}

    def item(self, cells, part):
        """See `Benchmark.item`."""
        found = re.fullmatch(r"([23])steps_([123]|multi)", cells["key"])
        if not found:
            raise RowError(f"the key {cells['key']!r} names no step of a composite problem")
        parts, role = int(found[1]), found[2]
        return Item(
            question=f"{cells['question']}\n{cells['option']}",
            answer=cells["answer"].strip(),
            kind="we_math",
            instruction="Describe your thought process briefly and give the option that you choose, in this form:\n"
            "<Thought process>: <<your thought process>> <Answer>: <<your option>>",
            choices=options_in(cells["option"], r"(?:^|;)\s*{}\."),
            images=("image_path",),
            id=f"{cells['ID']}/{role}",
            meta={
                "composite": cells["ID"],
                "cluster": cells["ID"],
                "role": role,
                "parts": parts,
                "steps": parts if role == "multi" else 1,
                "concept": cells["knowledge concept"] or "",
            },
        )

    def aggregate(self, meta):
        """The four dimensions and both scores."""
        return FourDimensions(meta, self.samples)
