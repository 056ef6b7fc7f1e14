"""Trainings of the Lab, whose reports stay: to compare networks, and to read with any of them."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, cast
from uuid import uuid4

import torch
from torch import Tensor

from inkling.datasets.mnist import Digits, load_mnist
from inkling.datasets.prepared import load_digits
from inkling.recognition.checkpoint import Checkpoint, pack, unpack
from inkling.recognition.reader import Reader
from inkling.training import build_checkpoint, recipes
from inkling.training.loop import Progress, predict_logits, train
from model import DigitCNN

MAX_REPORTS = 60  # of a run, whose weights stay in memory: 1.3 MB each if large
MAX_EPOCHS, MAX_SEED = 20, 2**31 - 1  # of a training on the page
CACHED_READERS = 8  # of a lane: 2.5 MB each if large
SHOWN_DIFFERENCES = 6  # digits that one network reads alone; not tuned


@dataclass(eq=False)
class Lane:
    """One training of a run: its reports, and the networks of these."""

    recipe: recipes.Recipe
    seed: int
    added: Digits | None = None
    reports: list[Progress] = field(default_factory=list)
    states: list[dict[str, Tensor]] = field(default_factory=list)  # packed, of each report
    result: Checkpoint | None = None  # the last network, scored and with a gallery

    def __post_init__(self) -> None:
        self.training = build_checkpoint.describe_training(self.recipe, self.seed, self.added)
        self.title = f"{self.recipe.name}, {self.training['weights']:,} weights"
        self.reader = lru_cache(CACHED_READERS)(self._make_reader)

    @property
    def share(self) -> float:
        """The share of the steps that are done, 0 to 1."""
        return self.reports[-1].step / self.reports[-1].steps if self.reports else 0.0

    def add(self, progress: Progress) -> None:
        """Keep a report, whose network is packed."""
        self.states.append(pack(progress.model))
        self.reports.append(replace(progress, model=cast(DigitCNN, None)))

    def network(self, k: int) -> Checkpoint:
        """Return the network of a report; the last one's has figures and a gallery."""
        if self.result and k == len(self.reports) - 1:
            return self.result
        report = self.reports[k]
        figures = {"figures": {"held_out": report.accuracy}, "history": list(report.history)}
        return Checkpoint(unpack(self.recipe.widths, self.states[k]), self.training | figures, None)

    def _make_reader(self, k: int) -> Reader:
        reader, report = Reader(*self.network(k)), self.reports[k]
        reader.title = f"{self.title}, at step {report.step:,} of {report.steps:,}"
        return reader


class Run:
    """One training, or a race of two."""

    def __init__(self, lanes: list[Lane]):
        self.name, self.lanes = uuid4().hex[:8], lanes
        self.differences: list[dict] = []  # of the two networks, or of one and the page's

    def train(self, on_progress: build_checkpoint.OnProgress, opponent: DigitCNN | None) -> None:
        """Train all lanes, the one behind first; score and compare them, one with `opponent`."""
        mnist, reports = load_mnist(), MAX_REPORTS // len(self.lanes)
        on_progress(None)
        trainings = {
            lane: train(lane.recipe, mnist, lane.seed, lane.added, reports) for lane in self.lanes
        }
        last: dict[Lane, Progress] = {}
        while (lane := min(self.lanes, key=lambda lane: lane.share)).share < 1:
            last[lane] = next(trainings[lane])
            on_progress(last[lane])
            lane.add(last[lane])
        trainings.clear()  # and their data
        models: list[DigitCNN] = []
        for lane in self.lanes:
            made = build_checkpoint.describe_network(last[lane], mnist, on_progress, lane.training)
            models.append(unpack(lane.recipe.widths, lane.states[-1]))  # as in a file
            lane.result = made._replace(model=models[-1])
            lane.reader.cache_clear()
        models += [opponent] if opponent else []
        hands = load_digits("held_out_writers")
        for name, digits in (("MNIST’s test digits", mnist.test), ("held-out hands", hands)):
            if len(models) > 1:
                self.differences.append({"name": name} | compare(models[0], models[1], digits))

    def find_report(self, key: str) -> tuple[Lane, int] | None:
        """Return the lane and the report of a key "name-lane-report"; None if there is none."""
        for j, lane in enumerate(self.lanes):
            for k in range(len(lane.reports)):
                if key == f"{self.name}-{j}-{k}":
                    return lane, k
        return None


def list_choices() -> dict[str, Any]:
    """Return the quick recipe, and the number of weights of each size."""
    widths = {0: recipes.QUICK.widths}  # unless the ladder has these
    widths |= {size: one for size, one in recipes.SIZES.items() if one != recipes.QUICK.widths}
    counts = sorted((build_checkpoint.count_weights(one), size) for size, one in widths.items())
    return {"quick": recipes.QUICK, "sizes": counts}


def parse_run(payload: Any, corrections: Digits | None) -> Run:
    """Return the run that a page requests; raises `ValueError` with a sentence."""
    try:
        epochs, seed = float(payload["epochs"]), int(payload["seed"])
        choices = [(one["data"], int(one["size"])) for one in payload["lanes"]]
        is_known = all(
            data in recipes.DATA_LEVELS and size in {0, *recipes.SIZES} for data, size in choices
        )
    except (LookupError, TypeError, ValueError, OverflowError):
        is_known = False
    if not is_known or len(choices) not in (1, 2):
        raise ValueError("Choose what a network learns from, its size, its epochs and a seed.")
    if not (0 < epochs <= MAX_EPOCHS and 0 <= seed <= MAX_SEED):
        raise ValueError(f"Choose up to {MAX_EPOCHS} epochs, and a seed from 0 to {MAX_SEED:,}.")
    added = {"corrections": corrections}
    if "corrections" in dict(choices) and not corrections:
        raise ValueError("No digit was corrected yet: correct one, then train again.")
    made = [(recipes.QUICK.choose(data, size, epochs), added.get(data)) for data, size in choices]
    return Run([Lane(recipe, seed, digits) for recipe, digits in made])


@torch.inference_mode()
def compare(first: DigitCNN, second: DigitCNN, digits: Digits) -> dict:
    """Return how many digits of each label one network reads alone, and some of these."""
    labels = digits.labels
    a, b = (predict_logits(model, digits.ink).argmax(dim=1) for model in (first, second))
    alone = [(a == labels) & (b != labels), (a != labels) & (b == labels)]
    shown = torch.cat([read.nonzero()[:SHOWN_DIFFERENCES, 0] for read in alone])
    return {
        "alone": [torch.bincount(labels[read], minlength=10).tolist() for read in alone],
        "shown": digits.ink[shown, 0],  # (N, 28, 28)
        "answers": torch.stack([labels, a, b])[:, shown].T.tolist(),
    }
