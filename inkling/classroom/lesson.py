"""Train a network with half of the pupils' digits; compare it with the former on the others'."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from inkling.classroom.drawings import Drawing, Pupil, Seen
from inkling.datasets.mnist import Digits, load_mnist
from inkling.datasets.prepared import load_digits
from inkling.evaluation.metrics import compare_networks
from inkling.recognition.reader import Reader
from inkling.recognition.reading import make_digits
from inkling.training import loop, recipes
from inkling.training.build_checkpoint import OnProgress
from inkling.training.live_reader import describe_error
from model import DigitCNN, fuse_batch_norm


def shown(pupil: Pupil) -> list[Drawing]:
    """Return a pupil's drawings that are not hidden."""
    return [drawing for drawing in pupil.values() if not drawing.is_hidden]


def to_digits(pupils: Sequence[Pupil]) -> Digits:
    """Return the digits of pupils, as they are now, as a data set."""
    drawings = [drawing for pupil in pupils for drawing in shown(pupil)]
    inks = torch.from_numpy(np.stack([drawing.ink for drawing in drawings]))
    return Digits(inks[:, None], torch.tensor([drawing.asked for drawing in drawings]))


class Lesson:
    """One training with a class's digits, and its result; the network stays in memory."""

    def __init__(self, former: object, pupils: Sequence[Pupil], seed: int = 0):
        """Split the pupils at random; raises `ValueError` if there is nothing to compare."""
        if not isinstance(former, Reader):
            raise ValueError("No network has been trained in this process yet: try again later.")
        drawn = [pupil for pupil in pupils if shown(pupil)]
        if len(drawn) < 2:
            raise ValueError("Two phones must have drawn: one to learn from, one to test with.")
        random.Random(seed).shuffle(drawn)
        self.former, self.seed = former, seed
        self.learned, self.held_out = drawn[::2], drawn[1::2]
        self.added, self.tested = to_digits(self.learned), to_digits(self.held_out)
        self.writers = np.repeat(range(len(self.held_out)), [len(shown(p)) for p in self.held_out])
        self.model: DigitCNN | None = None  # the class's, once it is trained
        self.state: dict[str, Any] = {"curve": [], "left": None, "failure": "", "result": None}

    def run(self, on_progress: OnProgress) -> None:
        """Train and compare, in the training thread; a failure is kept as a sentence."""
        try:
            mnist = load_mnist()
            for progress in loop.train(recipes.QUICK, mnist, self.seed, self.added):
                on_progress(None)
                right = loop.accuracy(progress.model, self.tested)
                point = (progress.step / progress.steps, progress.accuracy, right)
                self.state["curve"] = [*self.state["curve"], point]
                self.state["left"] = progress.seconds_left
            model = fuse_batch_norm(progress.model)
            self.state["result"] = self.compare(model, mnist.test)
            self.model = model
        except (ValueError, OSError, RuntimeError) as error:
            self.state["failure"] = f"Training ended early: {describe_error(error)}"

    def compare(self, model: DigitCNN, test: Digits) -> dict:
        """Score both networks on the held-out pupils, on MNIST and on held-out handwriting."""
        sets = {"pupils": self.tested, "mnist": test, "fonts": load_digits("held_out_writers")}
        rows, interval = compare_networks(self.former.model, model, sets, self.writers)
        counts = {"phones": [len(self.learned), len(self.held_out)], "added": len(self.added.ink)}
        return {"rows": rows, "interval": interval} | counts

    def read_mine(self, pupil: Pupil) -> dict:
        """Return a pupil's latest drawing of each digit as both networks read it."""
        mine = list({d.asked: d for d in sorted(pupil.values(), key=lambda d: d.asked)}.values())
        groups = {"learned": self.learned, "held_out": self.held_out, "late": [pupil]}
        part = next(k for k, group in groups.items() if any(pupil is other for other in group))
        both = (read_inks(network, mine) for network in (self.former.model, self.model) if network)
        rows = [
            {"asked": d.asked, "strokes": d.strokes, "before": before, "after": after}
            for d, before, after in zip(mine, *both, strict=True)
        ]
        return {"part": part, "rows": rows}


@torch.inference_mode()
def read_inks(model: DigitCNN, drawings: Sequence[Drawing]) -> list[dict]:
    """Return how a network reads the ink of drawings."""
    torch.set_num_threads(1)  # of this thread, as `Reader.predict_glyphs`
    prediction = model.predict(torch.from_numpy(np.stack([d.ink for d in drawings]))[:, None])
    glyphs: Any = [None] * len(drawings)
    digits = make_digits(glyphs, (field.numpy() for field in prediction))
    return [Seen.of([digit])._asdict() for digit in digits]
