import re

import pytest
import torch
from transformers import AutoConfig, AutoTokenizer, GenerationConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from cogito_pl.playground.families import FAMILIES, GUESS, make_problem
from cogito_pl.playground.lessons import SHARES, draft_lesson
from cogito_pl.playground.parts import tagged
from cogito_pl.playground.scene import DIFFICULTIES
from cogito_pl.playground.things import COLOURS, SHAPES
from cogito_pl.playground.tiny import build_model, save_tiny
from cogito_pl.playground.tokenizer import TAGS, build_tokenizer


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny(folder, seed=3)
    return folder


@pytest.fixture(scope="module")
def tokenizer(folder):
    return AutoTokenizer.from_pretrained(folder)


def inputs_for(tokenizer, folder, problem):
    pixels = Qwen2VLImageProcessorPil.from_pretrained(folder)(images=list(problem.images), return_tensors="pt")
    message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": problem.question}]}
    text = tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
    cells = int(pixels["image_grid_thw"].prod()) // 4
    ids = tokenizer(text.replace("<|image_pad|>", "<|image_pad|>" * cells), return_tensors="pt").input_ids
    kinds = (ids == tokenizer.convert_tokens_to_ids("<|image_pad|>")).int()
    return {"input_ids": ids, "mm_token_type_ids": kinds, **pixels}


def test_the_tiny_model_has_about_a_million_parameters_and_fits_in_six_megabytes(folder):
    assert 1_000_000 <= sum(weight.numel() for weight in build_model().parameters()) <= 3_000_000
    assert sum(file.stat().st_size for file in folder.iterdir()) < 6_000_000


def test_its_folder_reloads_with_equal_logits(folder, tokenizer):
    inputs = inputs_for(tokenizer, folder, make_problem("count", 4, 0))
    reloaded = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder)
    with torch.no_grad():
        assert torch.equal(build_model(seed=3).eval()(**inputs).logits, reloaded(**inputs).logits)


def test_the_seed_alone_decides_the_starting_weights():
    torch.manual_seed(1)
    first = build_model(seed=5).state_dict()
    state = torch.get_rng_state()
    again, other = build_model(seed=5).state_dict(), build_model(seed=6).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["lm_head.weight"], other["lm_head.weight"])


def test_weights_start_with_unit_gain():
    for name, weight in build_model().named_parameters():
        if weight.dim() > 1 and "embed_tokens" not in name:
            assert weight.detach().std().item() == pytest.approx(weight[0].numel() ** -0.5, rel=0.05), name


def test_every_cell_is_one_image_token_and_its_image_changes_the_logits(folder, tokenizer):
    problem = make_problem("count", 4, 0)
    inputs = inputs_for(tokenizer, folder, problem)
    assert inputs["mm_token_type_ids"].sum() == 12
    model = build_model().eval()
    with torch.no_grad():
        seen = model(**inputs).logits[0, -1]
        other = model(**{**inputs, "pixel_values": inputs["pixel_values"].flip(0)}).logits[0, -1]
    assert (seen - other).abs().max() > 1e-3


def test_the_folder_says_how_generation_ends(folder, tokenizer):
    generation = GenerationConfig.from_pretrained(folder)
    assert generation.eos_token_id == tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    assert generation.pad_token_id == tokenizer.pad_token_id == tokenizer.convert_tokens_to_ids("<|endoftext|>")
    assert AutoConfig.from_pretrained(folder).model_type == "qwen2_5_vl"


def test_tags_are_single_tokens_that_survive_decoding(tokenizer):
    text = tagged("looks like 3", "3")
    ids = tokenizer(text).input_ids
    assert len(ids) == 8
    assert [tokenizer.convert_tokens_to_ids(tag) in ids for tag in TAGS] == [True] * 4
    assert tokenizer.decode([*ids, tokenizer.eos_token_id], skip_special_tokens=True) == text


@pytest.mark.parametrize("task", SHARES)
def test_every_word_of_every_text_is_one_token(task, tokenizer):
    for difficulty in DIFFICULTIES:
        for seed in range(1000, 1040):
            draft = draft_lesson(task, difficulty, seed)
            for text in (draft.question, draft.worked_out, GUESS, tagged(draft.steps, draft.answer)):
                ids = tokenizer(text).input_ids
                assert tokenizer.decode(ids) == text
                pieces = re.findall(
                    r"</?(?:think|answer)>|[A-C]\.|[a-d][1-4]|[+-]?[0-9]|[A-Za-z]+|[^\sA-Za-z0-9]", text
                )
                assert len(ids) == len(pieces), tokenizer.convert_ids_to_tokens(ids)


def test_things_digits_and_unknown_words(tokenizer):
    for word in (*COLOURS, *SHAPES, *(f"{shape}s" for shape in SHAPES)):
        assert len(tokenizer(f" {word}").input_ids) == 1
    assert tokenizer.tokenize(" 12 305") == ["Ġ1", "2", "Ġ3", "0", "5"]
    assert tokenizer.decode(tokenizer("zebra Ünïcödé 7%").input_ids) == "zebra Ünïcödé 7%"
    assert build_tokenizer().get_vocab() == tokenizer.get_vocab()
    assert 350 <= len(tokenizer) <= 450


def test_the_longest_solution_stays_short(tokenizer):
    longest = max(
        len(tokenizer(tagged(problem.careful, problem.answer)).input_ids)
        for family in FAMILIES
        for problem in (make_problem(family, 5, seed) for seed in range(20))
    )
    assert longest <= 90


@pytest.mark.parametrize("content", ["How many?", [{"type": "text", "text": "How many?"}]])
def test_the_chat_template_takes_text_and_blocks_and_adds_no_system_prompt(content, tokenizer):
    messages = [{"role": "user", "content": content}]
    rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert rendered == "<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n"


def test_the_chat_template_places_images(tokenizer):
    messages = [
        {"role": "system", "content": "Look."},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]},
        {"role": "assistant", "content": "3"},
    ]
    assert tokenizer.apply_chat_template(messages, tokenize=False) == (
        "<|im_start|>system\nLook.<|im_end|>\n"
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>What?<|im_end|>\n"
        "<|im_start|>assistant\n3<|im_end|>\n"
    )
