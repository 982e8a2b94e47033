"""Settings of a data source: a path, a split and the names of its columns."""

from dataclasses import dataclass
from pathlib import Path

from cogito_pl.data.sampling_changes import SamplingChanges


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of the data's columns.

    A column that is named here must exist. Of the defaults, all but `question` and `answer` may be absent.

    Args:
        question: The text of the question, with or without `<image>` markers.
        answer: The reference answer: text, a number, or a list that holds exactly one.
        images: The image or the list of images. Null to use the text alone.
        kind: The kind of answer, which decides the verifier. Null to use the source's `kind` for every row.
        choices: The options of a choice problem, a list of texts.
        solution: A worked response for supervised fine-tuning.
        id: A stable name of the row.
    """

    question: str = "question"
    answer: str = "answer"
    images: str | None = "images"
    kind: str | None = "kind"
    choices: str | None = "choices"
    solution: str | None = "solution"
    id: str | None = "id"


@dataclass(frozen=True, kw_only=True)
class Source:
    """One set of problems on this machine.

    Args:
        path: A folder laid out as on the Hugging Face Hub, a folder written by `save_to_disk`, or one .parquet, .jsonl
            or .json file; relative to the working directory.
        name: Name of the source in logs, metrics and stages. By default the last part of the path, with the subset.
        subset: The configuration that the folder's README names.
        split: The split of a folder. A single file is its own split.
        columns: Names of the columns.
        kind: The kind of every answer, for data without a kind column and for rows where it is empty.
        image_root: Folder that relative image paths start from, and that no image may lie outside of. By default the
            folder of the data.
        limit: Read only this many rows, from the first.
        sampling: Changes to `model.evaluation` for a source of `data.validation`.
        samples: Completions per problem of a source of `data.validation`.
    """

    path: str
    name: str = ""
    subset: str | None = None
    split: str = "train"
    columns: Columns = Columns()
    kind: str | None = None
    image_root: str | None = None
    limit: int | None = None
    sampling: SamplingChanges = SamplingChanges()  # noqa: RUF009  frozen
    samples: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError for settings that no data can satisfy."""
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"source {self.label}: limit={self.limit} leaves no rows; use null for all of them")
        if self.samples < 1:
            raise ValueError(f"source {self.label}: samples={self.samples} leaves nothing to grade; use 1 or more")

    @property
    def label(self) -> str:
        """The name, or one derived from the path."""
        path = Path(self.path).absolute()
        stem = path.stem if path.suffix in (".parquet", ".jsonl", ".json") else path.name
        return self.name or (f"{stem}/{self.subset}" if self.subset else stem)
