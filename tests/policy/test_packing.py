"""Sequences of different prompts in one row: none sees another, nothing is padded, and fewer forwards are made."""

import random

import pytest
import torch

from cogito_pl.policy import Policy, PolicyConfig, SamplingConfig, packed_attention
from cogito_pl.policy.export import export
from cogito_pl.policy.row_layout import batch_rows, lay_out, pack_rows, plan_rows
from tests.conftest import problem
from tests.policy.families.tiny_models import save_qwen3_vl
from tests.policy.test_log_probs import PROBLEMS, completions


@pytest.fixture(scope="module")
def policy(tiny_folder):
    return Policy(PolicyConfig(name=str(tiny_folder), layout="packed", max_row_tokens=460))


def traces(policy, lengths):
    """A prompt for every length, those with images among them, and a response of that many tokens."""
    asked = [PROBLEMS[place] if place < 4 else problem(f"Trace {place} ?", seed=place) for place in range(len(lengths))]
    return [policy.encode(p) for p in asked], *completions(policy, lengths)


def count_forwards(policy, *arguments):
    """What the arguments' log-probabilities are, and the shapes of the forwards behind them."""
    shapes = []
    seen = policy.model.model.register_forward_pre_hook(
        lambda module, args, given: shapes.append(tuple(given["input_ids"].shape)), with_kwargs=True
    )
    try:
        return policy.log_probs(*arguments).values, shapes
    finally:
        seen.remove()


def rows_of(lengths, prompt=40):
    layout = {"layout": "packed", "max_tokens": 8192, "pair_cost": 1e-4}
    return plan_rows(range(len(lengths)), [prompt] * len(lengths), lengths, **layout)


def test_a_packed_trace_has_the_log_probs_and_the_gradients_that_it_has_alone(policy):
    lengths = [150, 37, 400, 1, 90, 12]
    prompts, ids, mask = traces(policy, lengths)
    values, shapes = count_forwards(policy, prompts, ids, mask)
    assert len(shapes) < len(lengths)
    for row, length in enumerate(lengths):
        alone = policy.log_probs(prompts[row : row + 1], ids[row : row + 1, :length], mask[row : row + 1, :length])
        torch.testing.assert_close(values[row, :length], alone.values[0], atol=1e-5, rtol=0)
    slopes = []
    for parts in ([slice(0, 6)], [slice(row, row + 1) for row in range(6)]):
        policy.zero_grad()
        for part in parts:
            policy.log_probs(prompts[part], ids[part], mask[part]).values.square().mean(1).sum().backward()
        slopes.append({name: parameter.grad.clone() for name, parameter in policy.model.named_parameters()})
    policy.zero_grad()
    for name, slope in slopes[1].items():
        assert (slopes[0][name] - slope).norm() <= 1e-5 * slope.norm().clamp(min=1e-8), name


def test_another_trace_in_its_row_changes_nothing_about_a_trace(policy):
    prompts, ids, mask = traces(policy, [60, 80])
    before, shapes = count_forwards(policy, prompts, ids, mask)
    assert len(shapes) == 1
    ids[1, :70] = ids[1, :70].flip(0)
    after = policy.log_probs(prompts, ids, mask).values
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])


def test_a_packed_row_is_laid_out_as_the_docstring_draws_it():
    first, second = plan_rows([0, 1], [3, 2], [3, 4], layout="packed", max_tokens=99, pair_cost=0.0)
    ids = torch.tensor([[11, 12, 19, 0], [21, 22, 23, 29]])
    batch = lay_out([(first, second)], [torch.tensor([1, 2, 3]), torch.tensor([5, 6])],
                    [torch.arange(3), torch.arange(2)], ids, pad_id=0)  # fmt: skip
    assert batch.ids.tolist() == [[1, 2, 3, 11, 12, 5, 6, 21, 22, 23]]
    assert batch.positions.tolist() == [[0, 1, 2, 3, 4, 0, 1, 2, 3, 4]]
    assert batch.predictors.tolist() == [2, 3, 4, 6, 7, 8, 9]
    assert batch.mask is None
    assert batch.segments == ((5, None), (5, None))


def test_several_completions_of_a_prompt_still_share_it_in_a_packed_row(policy):
    prompts, ids, mask = traces(policy, [5, 9, 7])
    prompts[1] = prompts[0]
    values, shapes = count_forwards(policy, prompts, ids, mask)
    assert shapes == [(1, len(prompts[0]) + 4 + 8 + len(prompts[2]) + 6)]
    alone = policy.log_probs(prompts[1:2], ids[1:2], mask[1:2]).values
    torch.testing.assert_close(values[1], alone[0], atol=1e-5, rtol=0)


def test_packing_leaves_no_padding_and_makes_fewer_forwards():
    draw = random.Random(0)
    lengths = [min(4096, int(draw.lognormvariate(6.5, 1.0))) for _ in range(64)]
    rows = rows_of(lengths)
    whole = sum(row.tokens for row in rows)
    longest = max(row.tokens for row in rows)
    counted = {}
    for pack in (batch_rows, pack_rows):
        batches = pack(rows, max_tokens=8192)
        assert sorted(row.members[0] for batch in batches for line in batch for row in line) == list(range(64))
        widths = [max(sum(row.tokens for row in line) for line in batch) * len(batch) for batch in batches]
        assert max(widths) <= 8192
        counted[pack.__name__] = (1 - whole / sum(widths), len(batches))
    assert 1 - whole / (64 * longest) > 0.7  # what padding to the longest would be
    assert counted["pack_rows"][0] == 0
    assert counted["pack_rows"][1] == -(-whole // 8192)  # as few forwards as the budget allows
    assert counted["batch_rows"][0] < 0.05
    assert counted["batch_rows"][1] > 2 * counted["pack_rows"][1]


def test_a_trace_over_the_budget_has_a_row_of_its_own():
    batches = pack_rows(rows_of([9000, 100, 50]), max_tokens=8192)
    assert [[row.members for row in line] for (line,) in batches] == [[(0,)], [(1,), (2,)]]


def test_no_attention_is_computed_between_the_traces_of_a_row(policy, monkeypatch):
    prompts, ids, mask = traces(policy, [150, 37, 90])
    lengths = []
    plain = packed_attention.sdpa_attention_forward

    def count(module, query, *others, **options):
        lengths.append(query.shape[2])
        return plain(module, query, *others, **options)

    monkeypatch.setattr(packed_attention, "sdpa_attention_forward", count)
    policy.log_probs(prompts, ids, mask)
    expected = sorted((len(prompt) + tokens - 1 for prompt, tokens in zip(prompts, (150, 37, 90), strict=True)))
    layers = policy.model.config.get_text_config().num_hidden_layers
    assert sorted(lengths) == sorted(expected * layers)


def test_activations_that_are_computed_again_keep_the_traces_apart(policy, tiny_folder):
    prompts, ids, mask = traces(policy, [150, 37, 90])
    again = Policy(PolicyConfig(name=str(tiny_folder), layout="packed", gradient_checkpointing=True))
    slopes = []
    for each in (policy, again):
        each.zero_grad()
        each.log_probs(prompts, ids, mask).values.sum().backward()
        slopes.append({name: parameter.grad.clone() for name, parameter in each.model.named_parameters()})
        each.zero_grad()
    for name, slope in slopes[0].items():
        torch.testing.assert_close(slopes[1][name], slope, atol=1e-5, rtol=1e-4, msg=name)


def test_qwen3_vl_is_packed_too(tmp_path):
    folder = save_qwen3_vl(tmp_path / "qwen3_vl")
    packed, auto = (Policy(PolicyConfig(name=str(folder), layout=layout)) for layout in ("packed", "auto"))
    prompts, ids, mask = traces(packed, [15, 37, 9, 20])
    values, shapes = count_forwards(packed, prompts, ids, mask)
    assert len(shapes) == 1
    torch.testing.assert_close(values, auto.log_probs(prompts, ids, mask).values, atol=1e-5, rtol=0)


def test_a_packed_policy_samples_and_is_exported_as_any_other(policy, tiny_folder, tmp_path):
    auto = Policy(PolicyConfig(name=str(tiny_folder)))
    prompts, ids, mask = traces(policy, [5, 5])
    settings, seeds = SamplingConfig(max_tokens=12), [[1, 2], [3, 4]]
    assert torch.equal(auto.sample(prompts, settings, seeds).ids, policy.sample(prompts, settings, seeds).ids)
    export(policy, tmp_path / "export")
    assert "cogito_packed" not in (tmp_path / "export" / "config.json").read_text()
    again = Policy(PolicyConfig(name=str(tmp_path / "export")))
    assert torch.equal(again.log_probs(prompts, ids, mask).values, auto.log_probs(prompts, ids, mask).values)
