"""What a base knows of the answer's tag before any fine-tuning: it begins as the word that it will stand in for."""

from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from cogito_pl.files import atomic

EMBEDDINGS = "model.embed_tokens.weight"
ANSWER_TAG, CONCLUSION = "<answer>", "Ġso"
"""The tag, and the word that leads every lesson's working to its answer."""
SHRINK = 0.95
"""The base keeps preferring the word: embeddings are tied, so the shorter row gets the smaller logit."""


def start_answer_tag(folder: str | Path) -> None:
    """Overwrites the embedding of `<answer>`, which no lesson has trained, with that of ` so`, a little shortened.

    Fine-tuning then need not learn from nothing that what follows the tag is what follows ` so`.

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
