"""EMMA: multimodal reasoning in mathematics, physics, chemistry and coding."""

from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.benchmark import Benchmark, Item, Part, Repo
from cogito_pl.evaluation.wording import lettered, with_images

_SUBJECTS = ("Chemistry", "Coding", "Math", "Physics")
_IMAGES = tuple(f"image_{number}" for number in range(1, 6))
_STEPS = "Please solve the problem step by step."
_CHOICE = 'Answer with the option\'s letter from the given choices and put the letter in one "\\boxed{}". ' + _STEPS
_OPEN = 'Answer the question using a single word or phrase and put the answer in one "\\boxed{}". ' + _STEPS


class EMMA(Benchmark):
    """2788 problems: Chemistry 1176, Coding 564, Math 892, Physics 156; choices and open questions.

    Choices are graded by letter or text, open answers as formulas (kind `math`), where the official script compares
    texts or asks a language model. The sizes but that of Math, and how long options are lettered officially, are not
    verified. Papers rarely say whether they use this set or EMMA-mini.
    """

    name = "emma"
    repos = tuple(
        Repo(f"{owner}/EMMA", tuple(Part("test", subject) for subject in _SUBJECTS))
        for owner in ("luckychao", "mm-reasoning")
    )
    rows = 2788
    columns = ("pid", "question", "options", "answer", "type", "context", "category", *_IMAGES)

    def item(self, cells, part):
        """See `Benchmark.item`."""
        choice = cells["type"] == "Multiple Choice"
        options = tuple(cells["options"] or ()) if choice else ()
        shown = [name for name in _IMAGES if cells.get(name)]
        text = "\n".join(filter(None, (cells["context"], cells["question"], lettered(options))))
        asked, images = with_images(text, r"<image_(\d)>", _IMAGES, shown)
        return Item(
            question=asked,
            answer=cells["answer"],
            kind="choice" if choice else "math",
            instruction=_CHOICE if choice else _OPEN,
            choices=options,
            images=images,
            id=cells["pid"],
            meta={"subject": part.subset or "", "category": cells["category"] or ""},
        )

    def aggregate(self, meta):
        """Accuracy, by subject."""
        return ByCategory(meta, self.samples, ("subject",))


class EMMAMini(EMMA):
    """EMMA's official subset of 400 problems; its configurations are assumed to be those of EMMA (not verified)."""

    name = "emma_mini"
    repos = tuple(
        Repo(f"{owner}/EMMA-mini", tuple(Part("test", subject) for subject in _SUBJECTS))
        for owner in ("luckychao", "mm-reasoning")
    )
    rows = 400
