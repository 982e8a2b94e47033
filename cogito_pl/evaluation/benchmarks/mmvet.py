"""MM-Vet: open answers that only a judge can grade."""

from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.benchmark import Benchmark, Item, Part, Repo
from cogito_pl.rewards.verifier.base import Verifier


class MMVet(Benchmark):
    """218 questions whose answers a language model scores from 0 to 1; there is no rule for them.

    It can be asked only with a judge of your own: a `Verifier` whose `judge` compares a response with the gold (which
    has `<AND>` and `<OR>`) and gives a score. Its number is `judge_score`, so that it is never taken for a rule's. The
    types of the columns are not verified.

    Args:
        judge: Scores a response; the benchmark is refused without one.
    """

    name = "mmvet"
    repos = (Repo("lmms-lab/MMVet", (Part("test"),)),)
    rows = 218
    columns, optional = ("question_id", "image", "question", "answer"), ("capability",)

    def __init__(self, judge: Verifier | None = None, **settings) -> None:
        super().__init__(**settings)
        self.judge = judge
        self.verifiers = {} if judge is None else {"mmvet_judged": judge}

    def item(self, cells, part):
        """See `Benchmark.item`."""
        able = cells.get("capability") or ""
        return Item(
            question=cells["question"],
            answer=cells["answer"],
            kind="mmvet_judged",
            images=("image",),
            id=str(cells["question_id"]),
            meta={"capability": able if isinstance(able, str) else " and ".join(sorted(able))},
        )

    def unusable(self):
        """There is no number without a judge."""
        if self.judge is None:
            return (
                "benchmark mmvet is graded by a judge alone, and none is given; leave it out, or set "
                "its `judge` to a Verifier of your own: {class_path: MMVet, init_args: {judge: my_package.MyJudge}}"
            )
        return None

    def aggregate(self, meta):
        """The mean of the judge's scores, by capability."""
        return ByCategory(meta, self.samples, ("capability",), headline="judge_score")
