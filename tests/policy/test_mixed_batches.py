"""Prompts with and without images in one batch: the same log-probabilities and gradients as in batches of their own."""

import json
import os
import socket
import subprocess
import sys

import pytest
import torch

from cogito_pl.policy import Policy, PolicyConfig
from tests.conftest import ROOT
from tests.policy.families import tiny_models
from tests.policy.mixed_ranks import IMAGES, TEXTS, Loss, gradients

FAMILIES = ("qwen2_vl", "qwen3_vl", "llava", "gemma3", "idefics3")


def both(folder, layout):
    """Gradients of a mixed batch, and those of its images and its texts one after the other, added up."""
    mixed, separate = (Loss(Policy(PolicyConfig(name=str(folder), layout=layout))) for _ in range(2))
    mixed((IMAGES[0], TEXTS[0], IMAGES[1], TEXTS[1])).backward()
    for part in (IMAGES, TEXTS):
        separate(part).backward()
    return gradients(mixed.policy), gradients(separate.policy)


def assert_close(mixed, separate):
    assert mixed.keys() == separate.keys()
    assert max(value.abs().max().item() for value in mixed.values()) > 0.1
    for name, value in mixed.items():
        torch.testing.assert_close(value, separate[name], atol=1e-5, rtol=0, msg=name)


@pytest.mark.parametrize("layout", ["auto", "padded", "packed"])
def test_a_mixed_batch_has_the_gradients_of_batches_of_one_modality(tiny_folder, layout):
    assert_close(*both(tiny_folder, layout))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_so_it_has_in_every_family(tmp_path, family):
    assert_close(*both(getattr(tiny_models, f"save_{family}")(tmp_path / family), "auto"))


def test_an_update_of_texts_alone_gives_a_trained_tower_gradients_of_zero_as_on_several_ranks(tiny_folder):
    loss = Loss(Policy(PolicyConfig(name=str(tiny_folder))))
    loss(TEXTS).backward()
    tower = [p for m in loss.policy.family.part(loss.policy.model, "vision") for p in m.parameters()]
    assert tower
    assert all(p.grad is not None and not p.grad.any() for p in tower)


def on_two_ranks(folder, which, *models):
    """What each of two processes found, by case."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = os.environ | {
        "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
        "WORLD_SIZE": "2",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.policy.mixed_ranks", str(folder), which, *map(str, models)]
    ranks = [
        subprocess.Popen(command, cwd=ROOT, env=shared | {"RANK": str(rank)}, stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    try:
        errors = [rank.communicate(timeout=2400)[1] for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    assert [rank.returncode for rank in ranks] == [0, 0], "\n".join(error[-3000:] for error in errors)
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(2)]


def assert_same_gradients(results, cases):
    for found in results:
        assert len(found) == cases
        assert {name: far for name, (far, _) in found.items() if far > 1e-5} == {}
        assert min(largest for _, largest in found.values()) > 0.1


def test_two_ranks_of_which_one_has_no_image_have_the_gradients_of_one_rank(tiny_folder, tmp_path):
    """Under DDP and FSDP2, with the tower trained and frozen."""
    assert_same_gradients(on_two_ranks(tmp_path, "few", tiny_folder), cases=4)


@pytest.mark.slow
def test_so_have_ranks_with_weights_that_no_forward_reaches(tmp_path):
    """The last layer of LLaVA's tower is one: DDP waits for a gradient of it."""
    assert_same_gradients(on_two_ranks(tmp_path, "few", tiny_models.save_llava(tmp_path / "llava")), cases=4)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_so_have_ranks_of_every_family_and_of_every_mixture(tiny_folder, tmp_path):
    folders = [getattr(tiny_models, f"save_{family}")(tmp_path / family) for family in FAMILIES]
    assert_same_gradients(on_two_ranks(tmp_path, "all", tiny_folder, *folders), cases=24 * 6)
