"""Sends warnings and log messages of the libraries to a file of the run, off the terminal."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOGGERS = ("py.warnings", "lightning.pytorch", "lightning.fabric", "transformers", "datasets")


@contextmanager
def libraries_log_to(path: Path) -> Iterator[None]:
    """Appends warnings and log messages of the libraries to `path` while the block runs; switches their bars off."""
    import datasets
    from transformers.utils import logging as transformers_logging

    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    bars = [
        (transformers_logging.is_progress_bar_enabled(), transformers_logging.enable_progress_bar),
        (datasets.are_progress_bars_disabled() is False, datasets.enable_progress_bars),
    ]
    with warnings.catch_warnings():
        logging.captureWarnings(True)
        transformers_logging.disable_progress_bar()
        datasets.disable_progress_bars()
        for logger in loggers:
            logger.handlers, logger.propagate = [handler], False
        try:
            yield
        finally:
            for logger, (handlers, propagate) in zip(loggers, before, strict=True):
                logger.handlers, logger.propagate = handlers, propagate
            for was_on, switch_on in bars:
                if was_on:
                    switch_on()
            logging.captureWarnings(False)
            handler.close()
