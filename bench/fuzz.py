"""Read odd and randomly damaged files: no crash, no unnamed error, bounded time and memory.

    python -m bench.fuzz [--count 10000] [--seed 0]

Odd files must be read or refused as `support/odd_files.py` says. A subprocess with limits reads
the files, and is restarted if it dies. Every second file is read from memory, the others from
disk. TIFF and AVIF are decoded in a third process, which is not measured. The exit status is 1 on
any failure.
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
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from inkling.recognition.reader import Reader
from inkling.ui.session import SessionState
from support.odd_files import ODD, content, saved, wrong

REPO_ROOT = Path(__file__).parent.parent
MAX_CPU_S = 1.0  # of one file
MAX_FILE_MB = 150  # memory of one file
FILE_TIMEOUT_S = 20  # after it the process ends
EXTRA_ADDRESS_BYTES = 2**30  # address space beyond that of the loaded reader
MAX_DAMAGED_BYTES = 60_000  # larger odd files are read, but not damaged
MAX_CHANGES = 4  # of one file


def read_memory_mb(field: str) -> float:
    """Return a field of this process's status in MB; 0 where there is none."""
    status = Path("/proc/self/status")
    return int(status.read_text().split(f"{field}:")[1].split()[0]) / 1024 if status.exists() else 0


def damage_file(whole: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """Return a file with a few changes: bits, bytes, lengths, its end, blocks."""
    file = bytearray(whole)
    for _ in range(rng.integers(1, MAX_CHANGES + 1)):
        if file:
            damage(file, int(rng.integers(len(file))), int(2 ** rng.uniform(0, 10)), others, rng)
    if rng.random() < 0.5:  # else a PNG's chunks would not be parsed
        for at, end in find_chunks(file):
            file[end - 4 : end] = struct.pack(">I", zlib.crc32(file[at + 4 : end - 4]))
    return bytes(file)


def damage(
    file: bytearray, at: int, size: int, others: list[bytes], rng: np.random.Generator
) -> None:
    """Change a file in one of nine ways, most of them at a place and over a size."""
    early = int(len(file) ** rng.random()) - 1  # mostly in a header
    chunks = list(find_chunks(file))
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
        case 5:  # a length of two or four bytes, in either byte order
            value = int(rng.choice([0, 1, 255, 65_535, 2**31 - 1, 2**32 - 1, len(file)]))
            width, order = int(rng.choice([2, 4])), ("little", "big")[int(rng.integers(2))]
            file[early : early + width] = (value % 256**width).to_bytes(width, order)
        case 6:
            file[at:at] = file[at : at + size] * int(rng.integers(1, 50))
        case 7:
            other = others[int(rng.integers(len(others)))]
            file[at:] = other[int(len(other) * rng.random()) :]
        case _ if chunks:  # repeat one many times
            start, end = chunks[int(rng.integers(len(chunks)))]
            file[start:start] = file[start:end] * int(2 ** rng.uniform(0, 8))


def find_chunks(file: bytearray) -> Iterator[tuple[int, int]]:
    """Yield start and end of each chunk of a PNG; nothing for other files."""
    at = 8
    while file.startswith(b"\x89PNG") and at + 12 <= len(file):
        end = at + 12 + int.from_bytes(file[at : at + 4])
        if end <= len(file):
            yield at, end
        at = end


def make_case(number: int, seed: int) -> tuple[str, bytes]:
    """Return name and content of a file: first the odd ones, then damaged ones."""
    names = list(ODD)
    if number < len(names):
        return names[number], content(names[number])
    small = [content(name) for name in names if 0 < len(content(name)) <= MAX_DAMAGED_BYTES]
    rng = np.random.default_rng((seed, number))
    whole = small[int(rng.integers(len(small)))]
    return f"damaged, number {number}", damage_file(whole, small, rng)


def read_file(number: int, name: str, whole: bytes, path: Path, reader: Reader) -> dict:
    """Read a file from memory or disk; return its note, and the error, "" if it is as it should."""
    try:
        path.write_bytes(whole)
        state = SessionState()
        by_state = bool(number % 2)
        reading = state.read(whole, reader).network_reading if by_state else reader.read_file(path)
        note = reading.note_or_error
        error = wrong(name, reading.text, note)
        if not all(np.isfinite(digit.probabilities).all() for digit in reading.digits):
            error = "probabilities are not finite"
        return {"note": note, "error": error}
    except Exception as raised:
        return {"note": "", "error": repr(raised)}


def read_all(first: int, count: int, seed: int) -> None:
    """Read files `first` to `count`; print a JSON line before and after each."""
    reader, path = Reader.load(), Path.cwd() / "odd"
    SessionState().read(saved(), reader)
    make_case(len(ODD), seed)  # makes and caches all odd files
    with contextlib.suppress(ValueError, OSError):
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + EXTRA_ADDRESS_BYTES,) * 2)
    peaks = Path("/proc/self/clear_refs")
    for number in range(first, count):
        name, whole = make_case(number, seed)
        print(json.dumps({"number": number, "name": name}), flush=True)
        if peaks.exists():
            peaks.write_text("5")  # resets VmHWM
        before, start = read_memory_mb("VmRSS"), time.process_time()
        signal.alarm(FILE_TIMEOUT_S)  # ends this process
        result = read_file(number, name, whole, path, reader)
        signal.alarm(0)
        result |= {"s": time.process_time() - start, "mb": read_memory_mb("VmHWM") - before}
        print(json.dumps(result), flush=True)


def run_readers(count: int, seed: int) -> list[dict]:
    """Read files in subprocesses; return the result of each."""
    results: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        while len(results) < count:
            done = len(results)
            command = [sys.executable, "-m", "bench.fuzz", "--from", done, "--count", count]
            child = subprocess.Popen(
                [*map(str, command), "--seed", str(seed)],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(REPO_ROOT)},
                stdout=subprocess.PIPE,
                text=True,
            )
            for line in child.stdout:
                result = json.loads(line)
                if "number" in result:
                    results.append({**result, "error": "the process died"})
                else:
                    results[-1] |= result
            status = child.wait()
            if done == len(results):
                sys.exit(f"The reading process ended at its start, with status {status}.")
    return results


def find_fault(result: dict) -> str:
    """Return what is wrong with a file's result, or ""."""
    if result["error"] or result["mb"] > MAX_FILE_MB:
        return result["error"] or f"{result['mb']:.0f} MB"
    return f"{result['s']:.2f} s of processor time" if result["s"] > MAX_CPU_S else ""


def report(results: list[dict]) -> int:
    """Print a summary; return the number of failures."""
    timed = [r for r in results if "s" in r]
    p50, p99 = np.quantile([r["s"] for r in timed], (0.5, 0.99))
    slowest, largest = (max(timed, key=lambda r: r[field]) for field in ("s", "mb"))
    refused = sum(r["note"].startswith("error: ") for r in timed)
    failures = [(r["name"], fault) for r in results if (fault := find_fault(r))]
    print(f"{len(results)} files, of which {len(results) - len(timed)} ended the process")
    print(f"read {len(timed) - refused}, refused {refused}, failures {len(failures)}")
    print(f"processor  p50 {p50:.3f} s   p99 {p99:.3f} s   most {slowest['s']:.3f} s", end="")
    print(f" ({slowest['name']})\nmemory     most {largest['mb']:.0f} MB ({largest['name']})")
    for name, fault in failures[:20]:
        print(f"FAILED {name!r}: {fault}")
    return len(failures)


def main() -> int:
    """Read the files; return 1 if any fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from", type=int, dest="first", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first is not None:
        read_all(options.first, options.count, options.seed)
        return 0
    return int(report(run_readers(options.count, options.seed)) > 0)


if __name__ == "__main__":
    sys.exit(main())
