"""Settings of a data source: a path, a split, the format of its rows and the names of its columns."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

AnswerIn = Literal["column", "box", "tag", "last_line", "response"]

from cogito_pl.data.sampling_changes import SamplingChanges


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of the data's columns.

    A column that is named here must exist. Of the defaults, all but `question` and `answer` may be absent; what a
    format takes from a conversation has no column.

    Args:
        question: The text of the question, with or without `<image>` markers.
        answer: The reference answer: text, a number, or a list that holds exactly one.
        images: The image or the list of images. Null to use the text alone.
        kind: The kind of answer, which decides the verifier. Null to use the source's `kind` for every row.
        choices: The options of a choice problem, a list of texts.
        solution: A worked response for supervised fine-tuning.
        id: A stable name of the row.
        history: Earlier turns, a list of pairs of a question and a response.
        system: The system message.
        turns: The conversation, for the formats that hold one; null for the name that the format has for it.
    """

    question: str = "question"
    answer: str = "answer"
    images: str | None = "images"
    kind: str | None = "kind"
    choices: str | None = "choices"
    solution: str | None = "solution"
    id: str | None = "id"
    history: str | None = "history"
    system: str | None = "system"
    turns: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    r"""One set of problems on this machine.

    Args:
        path: A folder laid out as on the Hugging Face Hub, a folder written by `save_to_disk`, or one .parquet, .jsonl
            or .json file; relative to the working directory.
        name: Name of the source in logs, metrics and stages. By default the last part of the path, with the subset.
        subset: The configuration that the folder's README names.
        split: The split of a folder. A single file is its own split.
        format: How a row holds a problem: `columns` (a column for each part of it), or a conversation as `messages`,
            `sharegpt` or `swift` have it. Stated, never guessed.
        columns: Names of the columns.
        answer_in: Where the answer stands: in its `column`, or in the last response: the content of its last `box`
            (`\boxed{...}`) or `tag` (`<answer>...</answer>`), its `last_line`, or the whole `response`.
        system: What is done with a row's system message: `keep` puts it in the place of `policy.system_prompt`, `drop`
            leaves it out, `refuse` rejects the row.
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
    format: str = "columns"
    columns: Columns = Columns()
    answer_in: AnswerIn = "column"
    system: Literal["keep", "drop", "refuse"] = "keep"
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
