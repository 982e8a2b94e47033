"""Settings of the reward: weights of its terms, verifiers, and limits of grading."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, get_args

from cogito_pl.rewards.format import Form
from cogito_pl.rewards.official import OFFICIAL
from cogito_pl.rewards.repetition import RepetitionOptions
from cogito_pl.rewards.verifier.base import Verifier
from cogito_pl.rewards.verifier.options import GradeOptions, GradingOverrides
from cogito_pl.rewards.verifier.parsing.box_frames import BoxOptions
from cogito_pl.rewards.verifier.registry import KINDS, check_picklable

VariantName = Literal["default", "vl_cogito", "revisual_r1", "revisual_r1_text", "difficulty_sampling"]
DEFAULT_WEIGHTS = {"accuracy": 1.0, "format": 0.5, "repetition": 0.0}


@dataclass(frozen=True, kw_only=True)
class RewardConfig:
    """What a response is rewarded for: the weighted sum of its terms.

    A weight that is left out (null) is the variant's own.

    Args:
        accuracy: Weight of a correct answer; 1 by default.
        format: Weight of the format; 0.5 by default.
        repetition: Weight of the repetition penalty, from -1 to 0; off (0) by default, 0.5 in VL-Cogito's hard stage.
        per_kind: Other weights for problems of some kind, by term, e.g. {boxes: {format: 0}}.
        form: The format that is rewarded: "tags", <think>...</think><answer>...</answer>; "boxed", a LaTeX box after
            the reasoning; "both", tags with a box in the answer.
        repetition_of: What counts as repetition.
        grading: How strictly answers are compared.
        per_source: Other settings of `grading` for problems of some source, by the source's name, e.g.
            {ocrbench: {text: contains}}; what is left out is as in `grading`.
        verifiers: Verifiers of your own by the kind of answer that they decide, e.g.
            {dna: {class_path: my_package.MyVerifier}}: a new kind, or another verifier for a shipped one.
        boxes: How bounding boxes are compared.
        variant: "default", or the reward that a paper's released code computes, its false verdicts included, for runs
            that must match theirs: vl_cogito, revisual_r1 (multimodal), revisual_r1_text, difficulty_sampling. Each has
            its own grader, terms and weights, see `cogito_pl.rewards.official`.
        workers: Processes that grade.
        deadline_s: Seconds that grading one response may take; after that it counts as unparsed.
    """

    accuracy: float | None = None
    format: float | None = None
    repetition: float | None = None
    per_kind: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    form: Form = "tags"
    repetition_of: RepetitionOptions = field(default_factory=RepetitionOptions)
    grading: GradeOptions = field(default_factory=GradeOptions)
    per_source: Mapping[str, GradingOverrides] = field(default_factory=dict)
    verifiers: Mapping[str, Verifier] = field(default_factory=dict)
    boxes: BoxOptions = field(default_factory=BoxOptions)
    variant: VariantName = "default"
    workers: int = 2
    deadline_s: float = 5.0

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        for setting, value, known in (
            ("variant", self.variant, get_args(VariantName)),
            ("form", self.form, get_args(Form)),
            *(("per_kind", kind, (*KINDS, *self.verifiers)) for kind in self.per_kind),
        ):
            if value not in known:
                raise ValueError(f"reward.{setting}={value!r} is unknown; choose from {', '.join(known)}")
        for kind, verifier in self.verifiers.items():
            if not kind.strip():
                raise ValueError(f"reward.verifiers has the kind {kind!r}; choose a name")
            check_picklable(kind, verifier)
        for source in self.per_source:
            self.grading_for(source)
        weights = self._stated()
        for kind, own in self.per_kind.items():
            weights |= {f"per_kind.{kind}.{term}": weight for term, weight in own.items()}
            if unknown := own.keys() - self._own().keys():
                raise ValueError(
                    f"reward.per_kind.{kind} weighs {min(unknown)!r}; choose from {', '.join(self._own())}"
                )
        for name, weight in weights.items():
            if not 0 <= weight < math.inf:
                raise ValueError(f"reward.{name}={weight} is not a weight; choose 0 (off) or a positive number")
        if self.workers < 1:
            raise ValueError(f"reward.workers={self.workers} grades nothing; choose at least 1")
        if not 0 < self.deadline_s < math.inf:
            raise ValueError(
                f"reward.deadline_s={self.deadline_s} is not a time; choose a positive number of seconds, e.g. 5"
            )
        if official := OFFICIAL.get(self.variant):
            for name, default, unused in (
                ("form", "tags", "format" in official.terms),
                ("repetition_of", RepetitionOptions(), "repetition" in official.terms),
                ("grading", GradeOptions(), True),
                ("per_source", {}, True),
                ("verifiers", {}, True),
                ("boxes", BoxOptions(), True),
            ):
                if unused and getattr(self, name) != default:
                    raise ValueError(f"reward.{name} does nothing with variant={self.variant}, leave it out")

    def _own(self) -> dict[str, float]:
        if self.variant == "default":
            return dict(DEFAULT_WEIGHTS)
        return dict.fromkeys(DEFAULT_WEIGHTS, 0.0) | dict(OFFICIAL[self.variant].weights)

    def _stated(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in DEFAULT_WEIGHTS if getattr(self, name) is not None}

    def weights(self, kind: str) -> dict[str, float]:
        """The weight of every term for problems of a kind."""
        return self._own() | self._stated() | dict(self.per_kind.get(kind, {}))

    def grading_for(self, source: str) -> GradeOptions:
        """How strictly the answers of a source are compared.

        Raises:
            ValueError: `per_source` has a setting for it that does not exist or cannot work.
        """
        own = self.per_source.get(source, {})
        known = [option.name for option in fields(GradeOptions)]
        if unknown := own.keys() - set(known):
            raise ValueError(f"reward.per_source.{source} sets {min(unknown)!r}; choose from {', '.join(known)}")
        try:
            return replace(self.grading, **own)
        except ValueError as error:
            raise ValueError(f"reward.per_source.{source}: {error}") from None
