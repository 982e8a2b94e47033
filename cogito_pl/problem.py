"""A problem: one question with its images and its verifiable answer. The record that all other parts exchange."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from PIL import Image

from cogito_pl.seeds import digest

IMAGE_MARKER = "<image>"


@dataclass(frozen=True)
class LazyImage:
    """An image that is decoded only when it is needed, so that a problem takes little memory.

    Args:
        name: Where the image comes from, for messages.
        size: Width and height in pixels, upright.
        load: Decodes it to an upright RGB image. It may have a method `digest` that tells its content without decoding.
    """

    name: str
    size: tuple[int, int]
    load: Callable[[], Image.Image]

    def digest(self) -> str:
        """Digest of the content: of the stored bytes where `load` knows them, else of the decoded pixels."""
        stored = getattr(self.load, "digest", None)
        return stored() if stored else digest(self.load().tobytes())

    @classmethod
    def of(cls, image: Image.Image, name: str = "memory") -> "LazyImage":
        """Wraps an image that is already decoded."""
        rgb = image.convert("RGB")
        return cls(name, rgb.size, rgb.copy)


@dataclass(frozen=True)
class Exchange:
    """A question that was asked before, with `<image>` where its images belong, and the response that it got."""

    question: str
    response: str


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One question, its images and its answer.

    Args:
        id: Stable name within its source; seeds and logs refer to it.
        question: The text, with one `<image>` where each image belongs. Of several turns, the last question.
        answer: The reference answer; a correct response is equivalent to it.
        kind: Which verifier decides whether it is. Stated by the data or in the settings of the source, never guessed.
        images: The images, in the order of their markers, those of earlier turns first.
        choices: The options of a `choice` problem, in the order of their labels A, B, C, ...
        solution: A worked response, the target of supervised fine-tuning.
        history: The turns before the question, in order; none for most problems.
        system: System message of the data, which stands in the place of `policy.system_prompt`.
        source: Name of the data source.
        meta: Further columns of the data (family, difficulty, ...), plain numbers and strings.
    """

    id: str
    question: str
    answer: str
    kind: str
    images: tuple[LazyImage, ...] = ()
    choices: tuple[str, ...] = ()
    solution: str | None = None
    history: tuple[Exchange, ...] = ()
    system: str | None = None
    source: str = ""
    meta: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError with the reason when the problem cannot be used."""
        if not self.question.strip():
            raise ValueError("the question is empty")
        if not self.answer.strip():
            raise ValueError("the answer is empty")
        if not self.kind.strip():
            raise ValueError("the kind is empty")
        if self.kind == "choice" and len(self.choices) > 26:
            raise ValueError(f"{len(self.choices)} choices are more than there are labels (A to Z)")
        if not all(turn.question.strip() and turn.response.strip() for turn in self.history):
            raise ValueError("an earlier turn is empty")
        markers = sum(question.count(IMAGE_MARKER) for question in self.questions)
        if markers != len(self.images):
            what = "question has" if not self.history else "questions have"
            raise ValueError(f"the {what} {markers} {IMAGE_MARKER} markers for {len(self.images)} images")

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions of all turns, in order."""
        return (*(turn.question for turn in self.history), self.question)

    @cached_property
    def opening(self) -> "Problem":
        """The first turn by itself, with the images of its question; the problem itself where it is the only one."""
        if not self.history:
            return self
        first = self.history[0]
        images = self.images[: first.question.count(IMAGE_MARKER)]
        return replace(self, question=first.question, solution=first.response, images=images, history=())

    def shown_digest(self) -> str:
        """Digest of what a model is shown: the turns and the content of the images, not where they are."""
        shown: tuple = (self.question, [(image.size, image.digest()) for image in self.images])
        if self.history or self.system is not None:
            shown += (self.history, self.system)
        return digest(repr(shown))

    def expected_digest(self) -> str:
        """Digest of what, beside the rules of grading, decides whether a response is correct."""
        return digest(repr((self.answer, self.kind, self.choices, self.source)))
