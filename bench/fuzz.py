"""Read odd files and thousands that chance has damaged: no crash, no unnamed error, quick, small.

    python -m bench.fuzz [--count 10000] [--seed 0]

Odd files must be read, or refused, as `support/odd_files.py` says. A process of its own reads them,
within limits, and is started again if it dies. Every second file is read from memory as the pad's
is, the others from disk. TIFFs and AVIFs are decoded in a third process, within limits of its own,
and not counted. The exit status is 1 on any failure.
"""

import argparse
import contextlib
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from inkling.recognition.reader import Reader
from inkling.ui.session import SessionState
from support.odd_files import ODD, content, saved, wrong

ROOT = Path(__file__).parent.parent
SLOWEST = 1.0  # seconds of one file, in the processor
MEMORY = 150  # MB of one file
PATIENCE = 20  # seconds that a file may take before its process is ended
ROOM = 2**30  # bytes of addresses beyond those that a reader has
SMALL = 60_000  # bytes: larger odd files are read, and not damaged
EDITS = 4  # of one file at most


def megabytes(which: str) -> float:
    """Return a figure of this process's memory, as Linux knows it."""
    status = Path("/proc/self/status")
    return int(status.read_text().split(f"{which}:")[1].split()[0]) / 1024 if status.exists() else 0


def damaged(whole: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """Return a file with some things changed: bits, bytes, lengths, its end, blocks of it."""
    file = bytearray(whole)
    for _ in range(rng.integers(1, EDITS + 1)):
        if file:
            damage(file, int(rng.integers(len(file))), int(2 ** rng.uniform(0, 10)), others, rng)
    if rng.random() < 0.5:  # so that chunks of a PNG are parsed
        for at, end in chunks(file):
            file[end - 4 : end] = struct.pack(">I", zlib.crc32(file[at + 4 : end - 4]))
    return bytes(file)


def damage(
    file: bytearray, at: int, size: int, others: list[bytes], rng: np.random.Generator
) -> None:
    """Change a file in one of nine ways, most of them at a place, and as long as a size."""
    early = int(len(file) ** rng.random()) - 1  # in a header mostly
    places = list(chunks(file))
    match rng.integers(9):
        case 0:
            file[at] ^= 1 << int(rng.integers(8))
        case 1:
            file[early] = int(rng.integers(256))
        case 2:
            file[at : at + size] = rng.bytes(size)
        case 3:
            del file[at:]
        case 4:
            del file[at : at + size]
        case 5:  # a length, as formats write it: in two bytes or four, either way round
            value = int(rng.choice([0, 1, 255, 65_535, 2**31 - 1, 2**32 - 1, len(file)]))
            wide, order = int(rng.choice([2, 4])), ("little", "big")[int(rng.integers(2))]
            file[early : early + wide] = (value % 256**wide).to_bytes(wide, order)
        case 6:
            file[at:at] = file[at : at + size] * int(rng.integers(1, 50))
        case 7:
            other = others[int(rng.integers(len(others)))]
            file[at:] = other[int(len(other) * rng.random()) :]
        case _ if places:  # a chunk many times over
            start, end = places[int(rng.integers(len(places)))]
            file[start:start] = file[start:end] * int(2 ** rng.uniform(0, 8))


def chunks(file: bytearray) -> Iterator[tuple[int, int]]:
    """Yield where each chunk of a PNG starts and ends; nothing for another file."""
    at = 8
    while file.startswith(b"\x89PNG") and at + 12 <= len(file):
        end = at + 12 + int.from_bytes(file[at : at + 4])
        if end <= len(file):
            yield at, end
        at = end


def case(number: int, seed: int) -> tuple[str, bytes]:
    """Return the name and content of a file: the odd ones first, then damaged ones."""
    names = list(ODD)
    if number < len(names):
        return names[number], content(names[number])
    small = [content(name) for name in names if 0 < len(content(name)) <= SMALL]
    rng = np.random.default_rng((seed, number))
    whole = small[int(rng.integers(len(small)))]
    return f"damaged, number {number}", damaged(whole, small, rng)


def read_all(first: int, count: int, seed: int) -> None:
    """Read files `first` to `count`, and print what became of each as a line of JSON."""
    reader, file = Reader.load(), Path.cwd() / "odd"
    SessionState().read(saved(), reader)
    case(len(ODD), seed)  # makes all of them
    with contextlib.suppress(ValueError, OSError):
        room = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
    peaks = Path("/proc/self/clear_refs")
    for number in range(first, count):
        name, whole = case(number, seed)
        print(json.dumps({"number": number, "name": name}), flush=True)
        file.write_bytes(whole)
        if peaks.exists():
            peaks.write_text("5")  # forget the peak so far
        before, start = megabytes("VmRSS"), time.process_time()
        signal.alarm(PATIENCE)  # ends this process
        try:
            visit = SessionState()
            reading = (
                visit.read(whole, reader).network_reading if number % 2 else reader.read_file(file)
            )
            note = reading.note_or_error
            told = {"note": note, "error": wrong(name, reading.text, note)}
            if not all(np.isfinite(d.probabilities).all() for d in reading.digits):
                told["error"] = "probabilities that are no numbers"
        except Exception as raised:
            told = {"note": "", "error": repr(raised)}
        signal.alarm(0)
        told |= {"s": time.process_time() - start, "mb": megabytes("VmHWM") - before}
        print(json.dumps(told), flush=True)


def watch(count: int, seed: int) -> list[dict]:
    """Have files read in processes of their own; return what became of each."""
    results: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        while len(results) < count:
            known = len(results)
            command = [sys.executable, "-m", "bench.fuzz", "--from", known, "--count", count]
            child = subprocess.Popen(
                [*map(str, command), "--seed", str(seed)],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                text=True,
            )
            for line in child.stdout:
                told = json.loads(line)
                if "number" in told:
                    results.append({**told, "error": "the process died"})
                else:
                    results[-1] |= told
            status = child.wait()
            if known == len(results):
                sys.exit(f"The reading process ended at its start, with status {status}.")
    return results


def fault(result: dict) -> str:
    """Return what is wrong with how a file was read, "" if nothing is."""
    if result["error"] or result["mb"] > MEMORY:
        return result["error"] or f"{result['mb']:.0f} MB"
    return f"{result['s']:.2f} s of the processor" if result["s"] > SLOWEST else ""


def report(results: list[dict]) -> int:
    """Print what became of the files; return the number of failures."""
    timed = [r for r in results if "s" in r]
    p50, p99 = np.quantile([r["s"] for r in timed], (0.5, 0.99))
    slowest, largest = (max(timed, key=lambda r: r[what]) for what in ("s", "mb"))
    refused = Counter(r["note"] for r in timed if r["note"].startswith("error: "))
    bad = [(r["name"], words) for r in results if (words := fault(r))]
    print(f"{len(results)} files, of which {len(results) - len(timed)} ended the process")
    print(f"read {len(timed) - refused.total()}, refused {refused.total()}, failures {len(bad)}")
    print(f"processor  p50 {p50:.3f} s   p99 {p99:.3f} s   most {slowest['s']:.3f} s", end="")
    print(f" ({slowest['name']})\nmemory     most {largest['mb']:.0f} MB ({largest['name']})")
    for note, times in refused.most_common(5):
        print(f"{times:6d}  {note}")
    for name, words in bad[:20]:
        print(f"FAILED {name!r}: {words}")
    return len(bad)


def main() -> int:
    """Read as many files as asked for and say what became of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from", type=int, dest="first", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first is not None:
        read_all(options.first, options.count, options.seed)
        return 0
    return int(report(watch(options.count, options.seed)) > 0)


if __name__ == "__main__":
    sys.exit(main())
