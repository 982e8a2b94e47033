"""Initialises the embedding of the answer tag, which pretraining does not contain, with that of a related word."""

from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from cogito_pl.files import atomic

EMBEDDINGS = "model.embed_tokens.weight"
ANSWER_TAG, CONCLUSION = "<answer>", "Ġso"
"""The tag, and the word before the answer in every lesson."""
SHRINK = 0.95
"""Factor on the copied embedding: embeddings are tied, so the tag gets a smaller logit than the word."""


def start_answer_tag(folder: str | Path) -> None:
    """Overwrites the embedding of `<answer>`, which is in no lesson, with that of ` so`, scaled by `SHRINK`.

    What follows the tag is what follows ` so` in the lessons, which fine-tuning then need not learn anew.

    Args:
        folder: A model folder with tied embeddings, as the recipes of the base export it; its weights are replaced.
    """
    file = Path(folder) / "model.safetensors"
    vocabulary = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    weights = load_file(file)
    rows = weights[EMBEDDINGS]
    rows[vocabulary.token_to_id(ANSWER_TAG)] = SHRINK * rows[vocabulary.token_to_id(CONCLUSION)]
    with safe_open(file, "pt") as opened:
        metadata = opened.metadata()
    with atomic(file) as draft:
        save_file(weights, draft, metadata=metadata)
