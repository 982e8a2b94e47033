"""A token is drawn from the distribution at its own row's temperature, by a number of its own row and step."""

import pytest
import torch

from cogito_pl.policy import SamplingConfig
from cogito_pl.policy.token_sampler import TokenChooser

LOGITS = torch.tensor([0.1, 0.5, 0.15, 0.25]).log()
COUNT = 4000


def chosen(rows, steps=1):
    """Tokens `[R, steps]` from the same logits at every step."""
    chooser = TokenChooser(rows, range(len(rows)), [], torch.device("cpu"))
    places = torch.arange(len(rows))
    return torch.stack([chooser.choose(LOGITS.expand(len(rows), -1), places, step)[0] for step in range(steps)], 1)


@pytest.mark.parametrize("temperature", [0.3, 2.0])
def test_frequencies_are_those_of_the_distribution_at_the_temperature(temperature):
    rows = [SamplingConfig(max_tokens=1, temperature=temperature)] * COUNT
    frequencies = chosen(rows)[:, 0].bincount(minlength=4) / COUNT
    torch.testing.assert_close(frequencies, (LOGITS / temperature).softmax(0), atol=0.03, rtol=0)


def test_rows_beside_each_other_have_temperatures_of_their_own():
    rows = [SamplingConfig(max_tokens=1, temperature=(0.3, 2.0)[row % 2]) for row in range(2 * COUNT)]
    tokens = chosen(rows)[:, 0]
    for place, temperature in enumerate((0.3, 2.0)):
        frequencies = tokens[place::2].bincount(minlength=4) / COUNT
        torch.testing.assert_close(frequencies, (LOGITS / temperature).softmax(0), atol=0.03, rtol=0)


def test_the_steps_of_a_completion_are_drawn_independently_of_each_other():
    rows = [SamplingConfig(max_tokens=2)] * COUNT
    first, second = chosen(rows, steps=2).T
    joint = (4 * first + second).bincount(minlength=16).view(4, 4) / COUNT
    expected = LOGITS.exp()
    torch.testing.assert_close(joint, expected[:, None] * expected, atol=0.03, rtol=0)
