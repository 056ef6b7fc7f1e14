"""What a command writes may hold any name, and go to a terminal, a full disk or a closed pipe."""

import errno
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

INTERRUPTED = 130  # the status that shells give what Ctrl-C has ended: 128 and SIGINT's number
PIPE_CLOSED = 141  # and what has written to a closed pipe: 128 and SIGPIPE's
INSTALL_RAY = "python -m pip install -r deploy/requirements-ray.txt"
INSTALL_ONNX = "python -m pip install -r deploy/requirements-onnx.txt"
NAMED = 5  # of many files: these are enough to see what kind they are


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a command and end the process with its status.

    What a terminal's code page cannot write is escaped. A closed pipe or a full disk at the other
    end of the output, and Ctrl-C, end the command without a traceback.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started this
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace")
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except OSError as error:  # a command answers for all others itself
        status = unwritten(error)
    sys.exit(status)


def unwritten(error: OSError) -> int:
    """Say why the output cannot be written, unless its reader has gone; return the status."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # what is left would be written again at the end of the process
            os.dup2(nowhere, stream.fileno())
    if isinstance(error, BrokenPipeError) or error.errno == errno.EINVAL and os.name == "nt":
        return PIPE_CLOSED
    print(
        f"The output cannot be written: {(error.strerror or str(error)).lower()}.", file=sys.stderr
    )
    return 1


def printable(name: object) -> str:
    """Return a name as one line that cannot move the cursor."""
    return str(name) if str(name).isprintable() else ascii(str(name))


def some_of(names: Iterable[object]) -> str:
    """Return the first few of many names."""
    told = [printable(name) for name in names]
    return ", ".join(told[:NAMED]) + ", …" * (len(told) > NAMED)
