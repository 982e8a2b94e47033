import shutil

import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from cogito_pl.playground.__main__ import main
from cogito_pl.playground.tags import EMBEDDINGS, SHRINK
from cogito_pl.playground.tiny import save_tiny


def test_the_answer_tag_begins_as_the_word_before_a_conclusion_and_nothing_else_changes(tmp_path, capsys):
    save_tiny(tmp_path / "base")
    shutil.copytree(tmp_path / "base", tmp_path / "before")
    main(["tags", "--model", str(tmp_path / "base")])
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("before", "base"))
    words = AutoTokenizer.from_pretrained(tmp_path / "base")
    (tag,), (so,) = (words(text, add_special_tokens=False).input_ids for text in ("<answer>", " so"))
    assert torch.equal(after[EMBEDDINGS][tag], SHRINK * before[EMBEDDINGS][so])
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {EMBEDDINGS}
    rows = (before[EMBEDDINGS] != after[EMBEDDINGS]).any(1).nonzero()[:, 0].tolist()
    assert rows == [tag]
