"""Keeps off the terminal what tells a user nothing: advertising, bars of loading, deprecations between libraries."""

import logging
import re
import warnings

import datasets
import huggingface_hub
from transformers.utils import logging as transformers_logging

NOISE = re.compile(
    r"Tip: For seamless|Seed set to \d|^GPU available: False|^TPU available: False|^HPU available"
    r"|thrown while requesting|^Retrying in"  # of the Hugging Face Hub; the error that follows says it
    r"|^`Trainer\(.*\)` was configured so|^Trainer already configured with model summary"
)
"""Messages of Lightning that repeat a setting or advertise."""

LOGGERS = (
    "lightning.pytorch", "lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.rank_zero",
    "lightning.fabric.utilities.seed", "lightning.pytorch.trainer.setup",
    "huggingface_hub.utils._http",
)  # fmt: skip

WARNINGS = (
    ".*'set_vital' is deprecated",
    ".*treespec, LeafSpec",
    "You are using a custom batch sampler `InOrderSampler`",  # it omits none
    ".*does not have many workers which may be a bottleneck",  # problems are read once, in `setup`
    ".*Consider setting `persistent_workers=True`",
    r"It is recommended to use `self\.log\(.*sync_dist=True",  # metrics are reduced over ranks before they are logged
)


class NoNoise(logging.Filter):
    """Drops the messages that `NOISE` matches."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown."""
        return not NOISE.search(record.getMessage())


def silence_libraries() -> None:
    """Switches off advertising, deprecations and bars of loading; bars of downloads stay."""
    transformers_logging.disable_progress_bar()  # which also switches off those of downloads
    huggingface_hub.utils.enable_progress_bars()
    datasets.disable_progress_bars()
    for message in WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    for category in (DeprecationWarning, FutureWarning):
        warnings.filterwarnings("ignore", category=category, module=r"(lightning|torch|torchdata|transformers)\b")
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(known, NoNoise) for known in logger.filters):
            logger.addFilter(NoNoise())
