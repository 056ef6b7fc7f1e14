"""Run a command: exit status, Ctrl-C, output errors, and names that are safe to print."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

SIGINT_STATUS = 130  # shell exit status after SIGINT: 128 + 2
SIGPIPE_STATUS = 141  # shell exit status after SIGPIPE: 128 + 13
MAX_NAMES_SHOWN = 5  # of many files; not tuned


class UserError(ValueError):
    """What a command's user can mend: the message is one sentence with the remedy."""


def make_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser whose help shows defaults."""
    formatter = argparse.ArgumentDefaultsHelpFormatter
    return argparse.ArgumentParser(description=description, formatter_class=formatter)


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a command and exit with its status, after an error or Ctrl-C without a traceback.

    Characters that the terminal's encoding lacks are escaped.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the parent process
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace")
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = SIGINT_STATUS
    except UserError as error:
        sys.exit(str(error))
    except OSError as error:  # errors of the output name no file
        if error.filename is not None:
            sys.exit(f"{printable(error.filename)}: {str(error.strerror).lower()}")
        status = report_write_error(error)
    sys.exit(status)


def report_write_error(error: OSError) -> int:
    """Print why the output cannot be written, unless its pipe is closed; return the exit status."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # Python would write the rest again at exit
            os.dup2(null, stream.fileno())
    if isinstance(error, BrokenPipeError) or error.errno == errno.EINVAL and os.name == "nt":
        return SIGPIPE_STATUS
    reason = (error.strerror or str(error)).lower()
    print(f"The output cannot be written: {reason}.", file=sys.stderr)
    return 1


def printable(name: object) -> str:
    """Return a name as one line without control characters."""
    return str(name) if str(name).isprintable() else ascii(str(name))


def join_first(names: Iterable[object]) -> str:
    """Return the first few of many names, joined by commas."""
    shown = [printable(name) for name in names]
    return ", ".join(shown[:MAX_NAMES_SHOWN]) + ", …" * (len(shown) > MAX_NAMES_SHOWN)
