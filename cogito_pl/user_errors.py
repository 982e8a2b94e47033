"""Tells a user's mistake from a bug: the first is one message and exit status 2, the second keeps its traceback.

A mistake is what somebody checked and refused, so that its text says what to change:

* a `ValueError` or an `OSError` that a `raise` statement raised before the first step, in this project or in a
  library; during the steps, in this project outside of `cogito_pl.rl` (whose checks guard shapes), and not below a
  user's own code;
* a file or folder that the operating system cannot open, before the first step;
* a `MisconfigurationException` of Lightning, whenever it comes; a `RuntimeError` of its command line or its callbacks.

Everything else is a bug, of this project, a library or a user's own code: its traceback is shown.
"""

import dis
import hashlib
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from cogito_pl.config_files import where_path_given

SHOW_TRACEBACK = "COGITO_TRACEBACK"
LINES = 6
STATUS = 2
_PACKAGE = Path(__file__).resolve().parent
_OURS = (_PACKAGE, _PACKAGE.parent / "callbacks")
_STEPS = "/lightning/pytorch/loops/"
_CHECKING = ("/lightning/pytorch/callbacks/", "/lightning/pytorch/cli.py")


@contextmanager
def mistakes_as_one_message(args: Sequence[str]) -> Iterator[None]:
    """Ends the process with one message where the block raises a user's mistake; lets anything else through.

    Args:
        args: The command line, in which the setting of a path is looked up.
    """
    try:
        yield
    except Exception as error:
        cause = without_wrapping(error)
        if not is_mistake(cause):
            raise cause from cause.__cause__
        exit_with(message_of(cause, args), error)


def message_of(error: BaseException, args: Sequence[str]) -> str:
    """The error's text, with the place to look for one of Lightning's, and the setting of a file that has no access."""
    if not isinstance(error, OSError) or error.filename is None or _by_raise_statement(error.__traceback__):
        text = str(error) or type(error).__name__
        lightning = "/lightning/pytorch/" in _raised_in(error)
        return f"{text}\nSee python train.py {args[0]} --help" if lightning and args else text
    given = where_path_given(args, str(error.filename))
    setting = f"{given.place}={given.value}: " if given else ""
    return f"{setting}{error.filename}: {error.strerror}; correct the path, or its permissions"


def exit_with(message: str, error: BaseException | None = None) -> NoReturn:
    """Prints a message, once over all ranks, and ends the process with status 2.

    Args:
        message: Setting, value and remedy; lines after the sixth are left out.
        error: Its traceback is shown where `COGITO_TRACEBACK=1` is set.
    """
    show = os.environ.get(SHOW_TRACEBACK) == "1"
    if _speaks(message):
        if show and error is not None:
            traceback.print_exception(error)
        lines = [line.rstrip() for line in f"error: {message.strip()}".splitlines() if line.strip()]
        if len(lines) > LINES:
            lines = [*lines[: LINES - 1], f"... ({SHOW_TRACEBACK}=1 shows all of it)"]
        print("\n".join(lines), file=sys.stderr, flush=True)
    raise SystemExit(STATUS) from error


def without_wrapping(error: BaseException) -> BaseException:
    """The error below the alternatives that jsonargparse tried: it turns whatever a class raises into a ValueError."""
    while error.__cause__ is not None and "/jsonargparse/" in _raised_in(error):
        error = error.__cause__
    return error


def is_mistake(error: BaseException) -> bool:
    """Whether the error is a user's mistake, by the rules at the head of this file."""
    from lightning.pytorch.utilities.exceptions import MisconfigurationException

    if isinstance(error, MisconfigurationException):
        return True
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    if not files:
        return False
    if isinstance(error, RuntimeError):
        return any(part in files[-1] for part in _CHECKING) and _by_raise_statement(error.__traceback__)
    if not isinstance(error, (ValueError, OSError)):
        return False
    if any(_STEPS in file for file in files):
        ours = _is_ours(files[-1]) and Path(files[-1]).parent.name != "rl"
        foreign = any(not _is_ours(file) and not _is_library(file) for file in files if not file.endswith("train.py"))
        return ours and not foreign and _by_raise_statement(error.__traceback__)
    missing = isinstance(error, OSError) and error.filename is not None
    return missing or _by_raise_statement(error.__traceback__)


def _raised_in(error: BaseException) -> str:
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    return files[-1] if files else ""


def _by_raise_statement(trace: TracebackType | None) -> bool:
    """Whether the error was raised on purpose; `int("x")` and an unpacking that fails are not."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return any(i.offset == trace.tb_lasti and i.opname == "RAISE_VARARGS" for i in dis.get_instructions(code))


def _is_ours(file: str) -> bool:
    return any(Path(file).is_relative_to(folder) for folder in _OURS)


def _is_library(file: str) -> bool:
    standard = Path(os.__file__).parent
    return "site-packages" in file or Path(file).is_relative_to(standard) or file.startswith("<")


def _speaks(message: str) -> bool:
    """Whether this rank prints: the first that meets the error; before ranks have met, the first of its machine."""
    if (distributed := sys.modules.get("torch.distributed")) is not None and distributed.is_initialized():
        try:
            store = distributed.distributed_c10d._get_default_store()
            return store.add(f"cogito_pl/error/{hashlib.sha1(message.encode()).hexdigest()}", 1) == 1
        except RuntimeError:  # the rank that keeps the store has ended, having printed its own
            return True
    return os.environ.get("LOCAL_RANK", "0") == "0"
