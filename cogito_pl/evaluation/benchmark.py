"""What a benchmark is: where its data are, how a row becomes a problem, what grades it, how verdicts are summed up."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from cogito_pl.data.sampling_changes import SamplingChanges
from cogito_pl.data.source import Source
from cogito_pl.rewards.code_digest import code_digest
from cogito_pl.rewards.verifier.base import Verifier
from cogito_pl.rewards.verifier.options import GradingOverrides
from cogito_pl.rewards.verifier.registry import KINDS

if TYPE_CHECKING:  # aggregates need torch, which reading and grading do not
    from cogito_pl.evaluation.aggregates.graded import GradedMetric, Meta

ROOT = "data/benchmarks"
"""Where the folders of the data sets are by default, each under its name on the Hub."""
BOXED = 'Please solve the problem step by step and put your answer in one "\\boxed{}".'
"""The instruction of MATH-Vision, which VL-Cogito used for every benchmark."""
LETTER = "Answer with the option's letter from the given choices directly."

Cells = Mapping[str, Any]


class RowError(ValueError):
    """A row cannot be asked or graded; the message says why."""


@dataclass(frozen=True)
class Part:
    """A split of a configuration of a data set; `subset` is null where there is only one configuration."""

    split: str
    subset: str | None = None


@dataclass(frozen=True)
class Repo:
    """A data set on the Hub that holds a benchmark.

    Args:
        id: Owner and name.
        parts: What of it is the benchmark; joined.
        revision: Commit to fetch; the newest where none is known.
        gated: Whether its owners must grant access first.
    """

    id: str
    parts: tuple[Part, ...]
    revision: str | None = None
    gated: bool = False

    def fetch_command(self, root: str | Path = ROOT) -> str:
        """The command that puts the data where they are looked for."""
        pinned = f" --revision {self.revision}" if self.revision else ""
        return f"hf download --repo-type dataset {self.id}{pinned} --local-dir {Path(root) / self.id}"


@dataclass(frozen=True, kw_only=True)
class Item:
    """What a row asks.

    Args:
        question: The question with its context and options, without the instruction.
        answer: The reference answer in the form that the verifier of `kind` expects.
        kind: A shipped kind of answer, or a key of the benchmark's `verifiers`.
        instruction: What the benchmark tells the model about the form of its answer.
        choices: The options in the order of their labels, for the verifier; the question already shows them.
        images: Columns of the images in the order of their markers; empty ones are left out.
        id: Name of the problem, the same in every version of the data; its position where empty.
        meta: What results are grouped by; `cluster` names the problems whose verdicts depend on each other.
    """

    question: str
    answer: str
    kind: str
    instruction: str = ""
    choices: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    id: str = ""
    meta: Mapping[str, str | int | float | bool] = field(default_factory=dict)


class Benchmark(ABC):
    """A benchmark. Subclasses are named in YAML under `data.benchmarks`, each with settings of its own.

    Args:
        root: Folder that holds data sets as `<root>/<owner>/<name>`, laid out as on the Hub.
        path: Folder of this benchmark's data, in place of the one below `root`.
        name: Name in logs and metrics, where the benchmark is asked in more than one way.
        limit: Read only this many rows of every split and configuration, from the first.
        samples: Completions per problem; the benchmark's own number when null.
        sampling: Changes to `model.evaluation`, beside the benchmark's own.
        instruction: Replaces the benchmark's own instruction; empty to ask without one.
    """

    name: str
    """Of the benchmark, in logs and on the command line."""
    repos: tuple[Repo, ...]
    """Where the data are: the first that is on this machine is read."""
    rows: int
    """Rows that the whole benchmark has."""
    columns: ClassVar[tuple[str, ...]]
    """Columns that are read and must exist."""
    optional: ClassVar[tuple[str, ...]] = ()
    """Columns that are read where they exist."""
    verifiers: Mapping[str, Verifier] = {}
    """Verifiers of this benchmark's own kinds of answers, where its official rule is none of the shipped ones."""
    grading: ClassVar[GradingOverrides] = {}
    """How strictly shipped verifiers compare its answers; `reward.per_source` may change it."""
    own_samples: ClassVar[int] = 1
    own_sampling: ClassVar[SamplingChanges] = SamplingChanges()
    instruction_first: ClassVar[bool] = False
    """Whether the instruction stands before the question."""

    def __init__(
        self,
        root: str = ROOT,
        path: str | None = None,
        name: str | None = None,
        limit: int | None = None,
        samples: int | None = None,
        sampling: SamplingChanges = SamplingChanges(),  # noqa: B008  frozen
        instruction: str | None = None,
    ) -> None:
        self.root, self.path, self.limit, self.instruction = root, path, limit, instruction
        self.name = name or self.name
        self.samples = self.own_samples if samples is None else samples
        self.sampling = SamplingChanges(**{**self.own_sampling.changes(), **sampling.changes()})

    @abstractmethod
    def item(self, cells: Cells, part: Part) -> Item:
        """What a row asks.

        Args:
            cells: The row: `columns`, `optional`, and all columns of plain text and numbers; images undecoded.
            part: Where the row is.

        Raises:
            RowError: The row cannot be scored.
        """

    @abstractmethod
    def aggregate(self, meta: "Mapping[str, Meta]") -> "GradedMetric":
        """The benchmark's own numbers, from graded completions.

        Args:
            meta: `Problem.meta` of every problem by its id.
        """

    def unusable(self) -> str | None:
        """Why this benchmark cannot be part of a run as it is set up, with the remedy; None where it can."""
        if taken := self.verifiers.keys() & set(KINDS):
            kind = min(taken)
            return f"benchmark {self.name} has a verifier of its own for {kind}, a shipped kind; choose another name"
        return None

    def asked(self, item: Item) -> str:
        """The text of a problem as the model is asked, before `policy.instruction` is added to it."""
        told = item.instruction if self.instruction is None else self.instruction
        parts = (told, item.question) if self.instruction_first else (item.question, told)
        return "\n".join(part.strip("\n") for part in parts if part.strip())

    @property
    def folder(self) -> Path:
        """The folder of the data: `path`, or the first of `repos` that is below `root`, or where the first belongs."""
        if self.path is not None:
            return Path(self.path)
        folders = [Path(self.root) / repo.id for repo in self.repos]
        return next((folder for folder in folders if folder.is_dir()), folders[0])

    @property
    def repo(self) -> Repo:
        """The data set that `folder` is a copy of."""
        named = (repo for repo in self.repos if self.folder.parts[-2:] == tuple(repo.id.split("/")))
        return next(named, self.repos[0])

    @property
    def source(self) -> Source:
        """The benchmark as a source of the data module."""
        return Source(
            path=str(self.folder), name=self.name, limit=self.limit, sampling=self.sampling, samples=self.samples
        )

    def identity(self) -> dict[str, Any]:
        """What of this benchmark decides verdicts, beside the settings of the run: stored ones hold for it alone."""
        return {
            "benchmark": f"{type(self).__module__}.{type(self).__qualname__}",
            "repo": asdict(self.repo),
            "instruction": self.instruction,
            "grading": dict(self.grading),
            "code": code_digest([self, *self.verifiers.values()]),
        }
