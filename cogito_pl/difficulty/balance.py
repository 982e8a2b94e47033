"""Cross-modality attention balance: how a response divides its attention between images and text.

CMAB: arXiv 2511.06722, equation 4. For response token t and layer l, with A the
attention row averaged over heads and S its sum over a set of prompt tokens,

    rho[l, t] = S_image[l, t] / S_text[l, t]
    rho[t]    = exp(mean over layers of log(rho[l, t] + epsilon)),   first and last layer left out
    rho       = mean over t of rho[t]

The authors' released code computes another number: one layer (index 20), attention per token in the place of sums, text
that precedes the first image only, the first response token left out, and the ratio of sums over t. `PAPER` and
`OFFICIAL` name the two. They differ by about the ratio of image to text tokens, so bands for one do not fit the other.

A problem without images has S_image = 0 and thus rho = 0 (epsilon, to be exact). The response's own tokens are
neither image nor text, as in both.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from cogito_pl.policy.token_sets import TEXT_SETS

TEXTS = {
    "all": ("sink", "before", "question_before", "after", "question_after"),
    "before": ("sink", "before", "question_before"),
    "question": ("question_before", "question_after"),
}


@dataclass(frozen=True, kw_only=True)
class BalanceConfig:
    """How captured attention becomes one number; the defaults are the paper's.

    Args:
        layers: `inner` leaves out the first and the last, `all` takes every one; or indices, counted from zero.
        text: Tokens that count as text: the whole prompt but its images (`all`), what precedes the first image
            (`before`), or the words of the question (`question`).
        sink: Position 0 belongs to the text.
        per_token: Divide sums by the number of their tokens.
        tokens: How response tokens become one number: `mean_of_ratios`, `median_of_ratios`, which a few tokens with
            hardly any attention on text do not decide, or `ratio_of_sums`.
        skip_first: Leave out the first response token; a response of one token keeps it.
        epsilon: Added to every ratio before the logarithm.
    """

    layers: Literal["inner", "all"] | tuple[int, ...] = "inner"
    text: Literal["all", "before", "question"] = "all"
    sink: bool = True
    per_token: bool = False
    tokens: Literal["mean_of_ratios", "median_of_ratios", "ratio_of_sums"] = "mean_of_ratios"
    skip_first: bool = False
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        if not isinstance(self.layers, str) and (not self.layers or min(self.layers) < 0):
            raise ValueError(f"balance.layers={self.layers} must be indices from 0, at least one; or inner, or all")
        if self.epsilon < 0:
            raise ValueError(f"balance.epsilon={self.epsilon} is negative; choose 0 or a little more")


PAPER = BalanceConfig()
OFFICIAL = BalanceConfig(
    layers=(20,), text="before", per_token=True, tokens="ratio_of_sums", skip_first=True, epsilon=0.0
)
VARIANTS = {
    "paper": PAPER,
    "official": OFFICIAL,
    "per_token": BalanceConfig(per_token=True),
    "no_sink": BalanceConfig(sink=False),
    "question": BalanceConfig(text="question"),
}
"""Balances that are columns of every score file; any other is recomputed from the kept attention."""


def balance(sums: Tensor, sizes: Tensor, config: BalanceConfig = PAPER) -> float:
    """The balance of one response.

    Args:
        sums: Attention on each token set, `[layers, T, S]`; see `TokenSets` for the sets.
        sizes: Tokens of each set, `[S]`.
        config: How the sums become one number.

    Raises:
        ValueError: The model lacks the layers, or the prompt the text, that `config` names.
    """
    if config.skip_first and sums.shape[1] > 1:
        sums = sums[:, 1:]
    if config.tokens == "ratio_of_sums":
        sums = sums.sum(1, keepdim=True)
    by_token = over_layers(ratios(sums, sizes, config), config)
    return float(by_token.quantile(0.5) if config.tokens == "median_of_ratios" else by_token.mean())


def ratios(sums: Tensor, sizes: Tensor, config: BalanceConfig = PAPER) -> Tensor:
    """Image over text, for every layer and token: `[layers, T]`."""
    columns = [TEXT_SETS.index(name) for name in TEXTS[config.text] if config.sink or name != "sink"]
    image, text = sums[..., len(TEXT_SETS) :].double().sum(-1), sums[..., columns].double().sum(-1)
    image_tokens, text_tokens = token_counts(sizes, config)
    if not text_tokens:
        raise ValueError(f"the prompt has no token in balance.text={config.text}, sink={config.sink}; choose text: all")
    return (image / max(image_tokens, 1)) / (text / text_tokens) if config.per_token else image / text


def over_layers(ratios: Tensor, config: BalanceConfig = PAPER) -> Tensor:
    """Geometric mean of `[layers, T]` over the chosen layers, `[T]`."""
    count = len(ratios)
    chosen = {"inner": range(1, count - 1), "all": range(count)}.get(config.layers, config.layers)
    if not len(chosen) or max(chosen) >= count:
        raise ValueError(f"balance.layers={config.layers} does not fit a model of {count} layers")
    return (ratios[list(chosen)] + config.epsilon).log().mean(0).exp()


def token_counts(sizes: Tensor, config: BalanceConfig = PAPER) -> tuple[int, int]:
    """Image tokens and text tokens of the prompt."""
    columns = [TEXT_SETS.index(name) for name in TEXTS[config.text] if config.sink or name != "sink"]
    return int(sizes[len(TEXT_SETS) :].sum()), int(sizes[columns].sum())


def all_variants(sums: Tensor, sizes: Tensor) -> dict[str, float | None]:
    """The balance by each of `VARIANTS`; None for one that the model's layers or the prompt do not allow."""
    found: dict[str, float | None] = {}
    for name, config in VARIANTS.items():
        try:
            found[name] = balance(sums, sizes, config)
        except ValueError:
            found[name] = None
    return found
