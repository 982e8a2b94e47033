"""AIME 2024 and 2025: thirty problems each, whose answers are integers from 0 to 999; text only."""

from cogito_pl.data.sampling_changes import SamplingChanges
from cogito_pl.evaluation.aggregates.repeats import Repeats
from cogito_pl.evaluation.benchmark import Benchmark, Item, Part, Repo

_LAST_LINE = (
    "Solve the problem step by step. The last line of your response should be of the following format: 'Therefore, the "
    "final answer is: $\\boxed{ANSWER}$. I hope it is correct' (without quotes), where ANSWER is just the final number."
)


class AIME24(Benchmark):
    """AIME 2024, asked sixteen times: avg@16, pass@k. With thirty problems the standard error of one run is 9 points.

    Sampled at temperature 0.6 and top_p 0.95 unless `sampling` says otherwise. The form of the answer is lighteval's.
    Published numbers mix single runs, averages and pass@k: compare only what says which.
    """

    name = "aime24"
    repos = (Repo("HuggingFaceH4/aime_2024", (Part("train"),)),)
    rows = 30
    columns, optional = ("problem", "answer"), ("id",)
    own_samples = 16
    own_sampling = SamplingChanges(temperature=0.6, top_p=0.95)
    instruction_first = True

    def item(self, cells, part):
        """See `Benchmark.item`."""
        return Item(
            question=cells["problem"],
            answer=str(int(cells["answer"])),  # "073" is 73
            kind="number",
            instruction=_LAST_LINE,
            id="" if cells.get("id") is None else str(cells["id"]),
        )

    def aggregate(self, meta):
        """avg@k and pass@k."""
        return Repeats(meta, self.samples)


class AIME25(AIME24):
    """AIME 2025, as `AIME24`. Of the columns only `problem` and `answer` are verified."""

    name = "aime25"
    repos = (Repo("yentinglin/aime_2025", (Part("train"),)), Repo("math-ai/aime25", (Part("test"),)))
