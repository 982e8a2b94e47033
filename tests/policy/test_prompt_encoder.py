"""One way from a problem to tensors, for the tiny model and for a real Qwen2.5-VL folder alike."""

import json
import shutil

import pytest
import torch

from cogito_pl.policy import PolicyConfig, PromptEncoder
from tests.conftest import problem

REAL_PREPROCESSOR = {  # the keys of Qwen2.5-VL-7B-Instruct's preprocessor_config.json
    "min_pixels": 3136,
    "max_pixels": 12845056,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "image_processor_type": "Qwen2VLImageProcessor",
    "processor_class": "Qwen2_5_VLProcessor",
}


@pytest.fixture(scope="module")
def encoder(tiny_folder):
    return PromptEncoder(PolicyConfig(name=str(tiny_folder), instruction="Think first."))


@pytest.fixture
def real_folder(tiny_folder, tmp_path):
    """A folder with the files and keys of the released model: older names, a template in its own JSON file."""
    folder = shutil.copytree(tiny_folder, tmp_path / "real")
    (folder / "preprocessor_config.json").write_text(json.dumps(REAL_PREPROCESSOR))
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    return folder


@pytest.mark.parametrize("sizes", [(), ((84, 56),), ((56, 56), (112, 28)), ((1, 1),), ((3, 900),), ((400, 2),)])
def test_any_number_size_and_aspect_of_images_is_encoded_and_counted_without_decoding(encoder, sizes):
    p = problem("How many?", *sizes)
    prompt = encoder.encode(p)
    assert len(prompt) == encoder.count_tokens(p)
    tokens = int((prompt.token_fields["mm_token_type_ids"] == 1).sum())
    grids = prompt.image_fields.get("image_grid_thw", torch.zeros(0, 3, dtype=torch.long))
    assert (len(grids), tokens) == (len(sizes), int(grids.prod(1).sum()) // 4)


def test_a_real_folder_is_read_without_torchvision_and_its_pixel_limits_hold(real_folder):
    stock = PromptEncoder(PolicyConfig(name=str(real_folder)))
    assert stock.processor.image_processor.size == {"shortest_edge": 3136, "longest_edge": 12845056}
    limited = PromptEncoder(PolicyConfig(name=str(real_folder), min_pixels=784, max_pixels=28 * 28 * 16))
    p = problem("How many?", (640, 480))
    assert stock.count_tokens(p) - limited.count_tokens(p) == 23 * 17 - 4 * 3
    assert len(limited.encode(p)) == limited.count_tokens(p)


def test_the_stock_processor_reads_what_ours_saved_and_agrees(encoder, tmp_path):
    pytest.importorskip("torchvision")
    from transformers import AutoProcessor

    encoder.processor.save_pretrained(tmp_path)
    shutil.copy(f"{encoder.config.name}/config.json", tmp_path)
    p = problem("How many?", (84, 56))
    ours, images = encoder.encode(p), [picture.load() for picture in p.images]
    theirs = AutoProcessor.from_pretrained(tmp_path)(text=[encoder.text(p)], images=images, return_tensors="pt")
    assert torch.equal(ours.ids, theirs["input_ids"][0])
    torch.testing.assert_close(ours.image_fields["pixel_values"], theirs["pixel_values"], atol=1e-2, rtol=0)


def test_the_images_stand_where_their_markers_are(encoder):
    ids = encoder.encode(problem("Is <image> before <image> here?", (28, 28), (28, 28))).ids
    text = encoder.tokenizer.decode(ids)
    picture = "<|vision_start|><|image_pad|><|vision_end|>"
    assert f"Is {picture} before {picture} here?\nThink first.<|im_end|>" in text


def test_a_placeholder_written_in_the_text_is_refused(encoder):
    p = problem("What does <|image_pad|> mean?")
    assert "<|image_pad|>" in encoder.rejection(p)
    with pytest.raises(ValueError, match="cannot be encoded"):
        encoder.encode(p)


def test_a_prompt_over_the_budget_is_refused_with_its_length(tiny_folder):
    encoder = PromptEncoder(PolicyConfig(name=str(tiny_folder), max_prompt_tokens=20))
    assert "max_prompt_tokens=20" in encoder.rejection(problem("How many?", (112, 112)))
    assert encoder.rejection(problem("1 + 1", (28, 28))) is None


def test_a_solution_with_an_image_token_is_refused(encoder):
    assert "<|image_pad|>" in encoder.rejection(problem("Fine", solution="see <|image_pad|>"))


def test_a_completion_ends_with_the_end_token_and_decodes_to_its_text(encoder):
    ids = encoder.encode_completion("<think>one 1</think><answer>1</answer>")
    assert int(ids[-1]) in encoder.end_ids
    assert encoder.decode(ids.tolist()) == "<think>one 1</think><answer>1</answer>"


def test_a_problem_that_is_drawn_again_is_not_encoded_again_and_the_cache_is_bounded(tiny_folder):
    encoder = PromptEncoder(PolicyConfig(name=str(tiny_folder)))
    first, twin = problem("How many?", (56, 56)), problem("How many?", (84, 84))  # of one name, and different images
    assert encoder.encode(first) is encoder.encode(first)
    assert len(encoder.encode(twin)) != len(encoder.encode(first))
    small = PromptEncoder(PolicyConfig(name=str(tiny_folder), prompt_cache_mib=0))
    assert small.encode(first) is not small.encode(first)
    assert small._cache.held == 0
