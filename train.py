"""Entry point: `python train.py fit --config configs/playground/grpo.yaml`."""

import sys
from collections.abc import Sequence

from cogito_pl.help_page import help_page
from cogito_pl.user_errors import mistakes_as_one_message


def main(args: Sequence[str] | None = None) -> object:
    """Runs the command line `args`, or the process's own; a user's mistake ends it with one message."""
    words = list(sys.argv[1:] if args is None else args)
    if page := help_page(words):
        return print(page)
    with mistakes_as_one_message(words):
        import callbacks  # noqa: F401  makes the catalogue known by class path
        from cogito_pl.cli import CogitoCLI

        return CogitoCLI(args)


if __name__ == "__main__":
    main()
