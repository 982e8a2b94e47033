"""cogito_pl: post-training of vision-language models with difficulty and curricula, on PyTorch Lightning.

Imports nothing, so that a grading worker or `--help` does not pay for torch.
"""

__version__ = "0.1.0"
