"""Measure what the Lab costs: watching a training, reading meanwhile, keeping its reports.

    python -m bench.lab                five pairs of trainings of one epoch
    python -m bench.lab --pairs 1      a look

A pair is a training that nobody watches, with the reports of `train.py`, and the same one with the
Lab's reports, which a page requests as `lab.js` does. The two alternate. Compare ratios only:
processor time is less disturbed by other processes than seconds are.
"""

import argparse
import os
import statistics
import threading
import time
from functools import partial

if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as `train.py` and `app.py`


from inkling.datasets.mnist import Mnist, load_mnist
from inkling.recognition.checkpoint import CHECKPOINT, pack
from inkling.recognition.reader import Reader
from inkling.training.lab import MAX_REPORTS, Lane, Run
from inkling.training.live_reader import LiveReader
from inkling.training.loop import train
from inkling.training.recipes import QUICK, SIZES
from inkling.ui.lab import Lab
from inkling.ui.session import Session
from model import DigitCNN
from support.sketches import sketch

POLL_S = 0.3  # seconds between two requests of a page, as in `lab.js`
READ_PAUSE_S = 0.05  # seconds between two readings, as of someone who draws


def draw_seven(reader: Reader) -> Session:
    """Return a session with a 7 on the pad."""
    session = Session()
    session.read_latest(
        lambda state, picture, r: state.with_reading(r.read(picture)), sketch(7), reader
    )
    return session


def repeat(action, pause_s: float, ended: threading.Event, seconds: list[float]) -> None:
    """Call an action until `ended`, and note how long each call takes."""
    while not ended.wait(pause_s):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)


def train_unwatched(mnist: Mnist, recipe) -> None:
    """Train as `train.py`, without its scores."""
    for _ in train(recipe, mnist):
        pass


def train_watched(mnist: Mnist, recipe, source: LiveReader, session: Session) -> int:
    """Train with the Lab's reports, and a page that requests them; return their number."""
    lane = Lane(recipe, seed=0)
    source.run, source.is_training = Run([lane]), True
    page, ended = Lab(source, True, bytes, str), threading.Event()
    known: dict = {}

    def watch() -> None:
        response = page.respond(session, {"action": "watch", **known})
        if lanes := response.get("lanes"):
            since = [one["since"] + len(one["curve"]) for one in lanes]
            known.update(known=response["known"], since=since, at=None)

    watcher = threading.Thread(target=repeat, args=(watch, POLL_S, ended, []))
    watcher.start()
    for progress in train(recipe, mnist, reports=MAX_REPORTS):
        lane.add(progress)
    ended.set()
    watcher.join()
    source.is_training = False
    return len(lane.reports)


def measure(action) -> tuple[float, float, object]:
    """Return the seconds and the processor time of an action, and its result."""
    start, cpu = time.perf_counter(), time.process_time()
    result = action()
    return time.perf_counter() - start, time.process_time() - cpu, result


def measure_latency_ms(reader: Reader, while_running) -> float:
    """Return the median latency of readings while something runs."""
    seconds: list[float] = []
    ended, picture = threading.Event(), sketch(7)
    readings = threading.Thread(
        target=repeat, args=(partial(reader.read, picture), READ_PAUSE_S, ended, seconds)
    )
    readings.start()
    while_running()
    ended.set()
    readings.join()
    return 1000 * statistics.median(seconds)


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=float, default=1.0, help="of each training")
    options = parser.parse_args()
    mnist, recipe = load_mnist(), QUICK.choose(epochs=options.epochs)
    source = LiveReader(CHECKPOINT)
    source.start()
    session = draw_seven(source.reader)
    unwatched = partial(train_unwatched, mnist, recipe)
    watched = partial(train_watched, mnist, recipe, source, session)
    watched()  # warms up
    seconds, cpu = [], []
    for _ in range(options.pairs):
        plain_s, plain_cpu, _ = measure(unwatched)
        lab_s, lab_cpu, reports = measure(watched)
        seconds.append(lab_s / plain_s)
        cpu.append(lab_cpu / plain_cpu)
        print(f"unwatched {plain_s:5.1f} s, watched {lab_s:5.1f} s, {reports} reports", flush=True)
    print(f"watching: {statistics.median(seconds):.3f} of the seconds, ", end="")
    print(f"{statistics.median(cpu):.3f} of the processor time (medians of {options.pairs})")
    latencies = [
        [
            measure_latency_ms(source.reader, run)
            for run in (partial(time.sleep, 3), unwatched, watched)
        ]
        for _ in range(options.pairs)
    ]
    idle, during, during_lab = (
        statistics.median(column) for column in zip(*latencies, strict=True)
    )
    print(f"a reading: idle 1, beside a training {during / idle:.2f}, ", end="")
    print(f"beside a watched one {during_lab / idle:.2f}")
    kept = sum(t.nbytes for t in pack(DigitCNN(SIZES[620_000])).values())
    print(f"60 reports of the largest network: {60 * kept / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
