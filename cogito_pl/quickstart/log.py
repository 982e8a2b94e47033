"""Keeps the terminal for headings, bars and the table: what libraries have to say goes to a file of the run."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SPEAKERS = ("py.warnings", "lightning.pytorch", "lightning.fabric", "transformers", "datasets")


@contextmanager
def libraries_speak_to(path: Path) -> Iterator[None]:
    """Sends warnings and log messages of the libraries to the end of `path` while the block runs."""
    import datasets
    from transformers.utils import logging as transformers_logging

    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    speakers = [logging.getLogger(name) for name in SPEAKERS]
    before = [(speaker.handlers, speaker.propagate) for speaker in speakers]
    bars = [
        (transformers_logging.is_progress_bar_enabled(), transformers_logging.enable_progress_bar),
        (datasets.are_progress_bars_disabled() is False, datasets.enable_progress_bars),
    ]
    with warnings.catch_warnings():
        logging.captureWarnings(True)
        transformers_logging.disable_progress_bar()
        datasets.disable_progress_bars()
        for speaker in speakers:
            speaker.handlers, speaker.propagate = [handler], False
        try:
            yield
        finally:
            for speaker, (handlers, propagate) in zip(speakers, before, strict=True):
                speaker.handlers, speaker.propagate = handlers, propagate
            for was_on, switch_on in bars:
                if was_on:
                    switch_on()
            logging.captureWarnings(False)
            handler.close()
