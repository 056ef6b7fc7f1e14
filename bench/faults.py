"""Mutation testing: apply faults one by one to a copy, and count those that tests detect.

python -m bench.faults                      all of `faults.toml`: an hour on one core
python -m bench.faults own --only imaging   of one list, faults in matching files
python -m bench.faults --tree ../old        in another checkout
"""

import argparse
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import types
from pathlib import Path

ROOT = Path(__file__).parent.parent
FAULTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
FAULT_TIMEOUT_S = 600  # of one fault's tests; a timeout counts as detected
PYTEST = ["-x", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
PYTEST += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # some plugins are imported before
FAILURE = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.M)
# Imported once, before the forks: most faults' tests take less time than these imports.
LIBRARIES = ["gradio", "playwright.sync_api", "pytest", "scipy.stats", "sklearn.metrics", "torch"]


def copy_tree(tree: Path, copy: Path) -> None:
    """Copy the files of a checkout that git tracks or does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in filter(None, subprocess.check_output(command, cwd=tree, text=True).split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if (tree / name).exists():
            shutil.copy2(tree / name, copy / name)


def test_in(copy: Path, files: list[str], output: Path) -> None:
    """Run test files in a copy of the repository, and end this process, which is a fork."""
    os.setsid()
    os.chdir(copy)
    for stream in (1, 2):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    sys.path[:] = [str(copy), *(path for path in sys.path if path not in ("", str(ROOT)))]
    sys.modules.pop("bench", None)
    sys.modules["__main__"] = types.ModuleType("__main__")  # spawned processes would import it
    # a file written twice within a second can leave stale bytecode
    sys.dont_write_bytecode = os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    try:
        os._exit(importlib.import_module("pytest").main([*PYTEST, *files]))
    finally:
        os._exit(4)


def run_tests(copy: Path, tests: list[str]) -> str:
    """Run test files; return the first failing test, "a timeout", or "" if all pass."""
    places = [test.rpartition("/") for test in tests]
    files = [str(Path("tests", package, f"test_{name}.py")) for package, _, name in places]
    output, end = copy / "output.txt", time.monotonic() + FAULT_TIMEOUT_S
    output.unlink(missing_ok=True)
    if not (child := os.fork()):
        test_in(copy, files, output)
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)  # and its servers and browsers
            os.waitpid(child, 0)
            return "a timeout"
        time.sleep(0.1)
    status, said = os.waitstatus_to_exitcode(ended[1]), output.read_text("utf-8", "replace")
    if status not in (0, 1, 2):
        sys.exit(said)
    return (FAILURE.findall(said) or [said[-500:]])[0] if status else ""


def try_fault(copy: Path, fault: list[str]) -> str | None:
    """Apply a fault, run its tests, and revert it; return what detects it, None if it is stale."""
    name, old, new, *tests = fault
    path = copy / "inkling" / name
    path = path if path.exists() else copy / name
    sound = path.read_text("utf-8") if path.exists() else ""
    if sound.count(old) != 1:
        return None
    path.write_text(sound.replace(old, new), "utf-8")
    try:
        return run_tests(copy, tests)
    finally:
        path.write_text(sound, "utf-8")


def main() -> None:
    """Try the faults, and print for each what notices it, and the share at the end."""
    parser = argparse.ArgumentParser(description="Count the faults that tests detect.")
    parser.add_argument("lists", nargs="*", choices=[*FAULTS, []], help="default: all")
    parser.add_argument("--only", default="", help="pattern of the faulty files' names")
    parser.add_argument("--tree", type=Path, default=ROOT, help="checkout to copy")
    options = parser.parse_args()
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    for library in LIBRARIES:
        importlib.import_module(library)
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(options.tree, copy := Path(folder))
        for name in options.lists or FAULTS:
            noticed = tried = 0
            for fault in (row for row in FAULTS[name] if re.search(options.only, row[0])):
                began = time.monotonic()
                seen = try_fault(copy, fault)
                words = "STALE" if seen is None else f"detected by {seen}" if seen else "MISSED"
                seconds = time.monotonic() - began
                print(f"{fault[0]}: {fault[1]!r}: {words}, {seconds:.0f} s", flush=True)
                tried += seen is not None
                noticed += bool(seen)
            print(f"{name}: {noticed} of {tried} detected", flush=True)


if __name__ == "__main__":
    main()
