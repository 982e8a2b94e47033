"""Keeps off the terminal what tells a user nothing: advertising, bars of loading, deprecations between libraries."""

import logging
import os
import re
import warnings

NOISE = re.compile(
    r"Tip: For seamless|^Seed set to|^GPU available: False|^TPU available: False|^HPU available"
    r"|^`Trainer\(.*\)` was configured so|^Trainer already configured with model summary"
)
"""Messages of Lightning that repeat a setting or advertise."""

LOGGERS = (
    "lightning.pytorch", "lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.rank_zero",
    "lightning.fabric.utilities.seed", "lightning.pytorch.trainer.setup",
)  # fmt: skip

WARNINGS = (
    ".*'set_vital' is deprecated",
    ".*treespec, LeafSpec",
    "You are using a custom batch sampler `InOrderSampler`",  # it omits none
    ".*does not have many workers which may be a bottleneck",  # problems are read once, in `setup`
    ".*Consider setting `persistent_workers=True`",
)


class NoNoise(logging.Filter):
    """Drops the messages that `NOISE` matches."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown."""
        return not NOISE.search(record.getMessage())


def silence_libraries() -> None:
    """Switches off advertising, bars of loading and deprecations; before the libraries are imported."""
    for name in ("HF_DATASETS_DISABLE_PROGRESS_BARS", "HF_HUB_DISABLE_PROGRESS_BARS"):
        os.environ.setdefault(name, "1")
    for message in WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(lightning|torch|torchdata|transformers)\b")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"(lightning|torch|torchdata|transformers)\b")
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(known, NoNoise) for known in logger.filters):
            logger.addFilter(NoNoise())
