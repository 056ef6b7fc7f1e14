"""Digits become a network: the training loop, which reports as it goes."""

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel

from inkling.datasets.mnist import Digits, Mnist, join
from inkling.datasets.prepared import held_out_pictures
from inkling.training.calibration import calibrate, predict_logits
from inkling.training.device import best_device, best_precision, training_threads
from inkling.training.recipes import Recipe
from inkling.training.training_set import TrainingSet
from model import DigitCNN, fuse_batch_norm

REPORT_EVERY = 40  # steps: each report costs a pass over REPORT_DIGITS held-out digits
REPORT_DIGITS = 1_000
TEACHERS_SEED = 1_000  # added for each teacher, so that no two networks begin alike


@dataclass(frozen=True)
class Progress:
    """How far a training is, with the weights it has so far."""

    step: int
    steps: int
    epoch: int  # the one it is in, from 1
    epochs: int
    held_out: tuple[tuple[int, float], ...]  # (step, accuracy on held-out digits), 0 to 1, so far
    history: tuple[dict, ...]  # of every finished epoch
    model: DigitCNN  # a copy in evaluation mode, on the CPU
    seconds_left: float = 0.0  # until the last step, as fast as the steps were so far
    teacher: int = 0  # which teacher this is, from 1; 0: it is the network itself

    @property
    def accuracy(self) -> float:
        """The latest accuracy on held-out digits, 0 to 1."""
        return self.held_out[-1][1]

    @property
    def done(self) -> bool:
        """Whether `model` is the finished one."""
        return self.step == self.steps and not self.teacher


def train(
    recipe: Recipe,
    mnist: Mnist,
    seed: int = 0,
    added: Digits | None = None,
) -> Iterator[Progress]:
    """Train a network, and report after every `REPORT_EVERY` steps and at the end.

    The training goes on as the next report is asked for: stop asking, and it has stopped. `added`
    are digits of your own, learned as drawn ones. The same recipe, seed, machine, number of threads
    and precision (`best_precision`) give the same weights.

    If the recipe has teachers, they are trained first, and the network learns from their mean
    answer more than from the labels (Hinton et al. 2015, arXiv 1503.02531).
    """
    started = time.perf_counter()
    teachers: list[DigitCNN] = []
    for k in range(1, recipe.teachers + 1):
        as_teacher = replace(recipe, epochs=recipe.teachers_epochs, teachers=0)
        for progress in train(as_teacher, mnist, seed + k * TEACHERS_SEED, added):
            yield replace(progress, teacher=k)
        teachers.append(fuse_batch_norm(progress.model).to(best_device()))
    torch.set_num_threads(training_threads())
    torch.manual_seed(seed)
    device = best_device()
    model = DigitCNN(recipe.widths).to(device).to(memory_format=torch.channels_last)
    average = average_of(model, recipe.averaging) if recipe.averaging else None
    precision = best_precision(model, recipe.batch_size)
    training_set = TrainingSet(recipe, mnist.train, added, seed)
    steps = max(1, round(recipe.epochs * training_set.steps_an_epoch))
    optimizer, schedule = make_optimizer(model, recipe, steps)
    reports = Reports(mnist.held_out, steps, training_set.steps_an_epoch, started)
    for step, (ink, labels) in enumerate(training_set.batches(steps, device), start=1):
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            ink = ink.to(precision, memory_format=torch.channels_last)
            logits = model.class_logits(ink)
            loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
            if teachers:
                taught = F.cross_entropy(logits, mean_answer(teachers, ink))
                loss = recipe.taught * taught + (1 - recipe.taught) * loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if average:
            average.update_parameters(model)
        reports.losses.append(loss.detach())
        if reports.due(step):
            latest = cast(DigitCNN, average.module) if average else model
            so_far = copy.deepcopy(latest).to("cpu").eval()
            if step == steps:
                calibrate(so_far, join(mnist.held_out, held_out_pictures()))
            yield reports.make(step, so_far)


@torch.no_grad()
def mean_answer(teachers: list[DigitCNN], ink: Tensor) -> Tensor:
    """Return the mean of what networks make of ink (B, 1, 28, 28): probabilities (B, 22)."""
    answers = [teacher.class_logits(ink).float().softmax(dim=1) for teacher in teachers]
    return torch.stack(answers).mean(dim=0)


class Reports:
    """What is told of a training: how far it is, and how well it reads digits held out."""

    def __init__(self, held_out: Digits, steps: int, steps_an_epoch: int, started: float):
        """Begin with nothing to tell; `started` is when by `time.perf_counter`."""
        self.digits = held_out
        self.glance = Digits(*(part[:REPORT_DIGITS] for part in held_out))
        self.steps, self.steps_an_epoch = steps, steps_an_epoch
        self.losses: list[Tensor] = []  # of this epoch's steps
        self.held_out: list[tuple[int, float]] = []
        self.history: list[dict] = []
        self.started, self.first_step = started, time.perf_counter()

    def ends_epoch(self, step: int) -> bool:
        """Tell whether a step, from 1, is the last of its epoch or of all."""
        return step % self.steps_an_epoch == 0 or step == self.steps

    def due(self, step: int) -> bool:
        """Tell whether there is a report after this step."""
        return step % REPORT_EVERY == 0 or self.ends_epoch(step)

    def make(self, step: int, model: DigitCNN) -> Progress:
        """Score the network so far, on all held-out digits at the end of an epoch, and report."""
        ends = self.ends_epoch(step)
        score = accuracy(model, self.digits if ends else self.glance)
        self.held_out.append((step, score))
        epoch, epochs = (-(-count // self.steps_an_epoch) for count in (step, self.steps))
        if ends:
            row = {
                "epoch": epoch,
                "loss": round(torch.stack(self.losses).mean().item(), 4),
                "held_out": score,
                "seconds": round(time.perf_counter() - self.started, 1),
            }
            self.history.append(row)
            self.losses.clear()
        told = tuple(self.held_out), tuple(self.history)
        left = (time.perf_counter() - self.first_step) * (self.steps / step - 1)
        return Progress(step, self.steps, epoch, epochs, *told, model, left)


def accuracy(model: DigitCNN, digits: Digits) -> float:
    """Return the share of digits that the network reads right, 0 to 1."""
    right = predict_logits(model, digits.ink).argmax(dim=1) == digits.labels
    return right.float().mean().item()


def average_of(model: DigitCNN, keep: float) -> AveragedModel:
    """Return what averages the model's weights over steps, soon forgetting the early ones."""

    def mix(average: Tensor, latest: Tensor, steps: Tensor | int) -> Tensor:
        return average + (latest - average) * (1 - keep * (steps + 1) / (steps + 10))

    return AveragedModel(model, avg_fn=mix, use_buffers=True)


def make_optimizer(
    model: DigitCNN, recipe: Recipe, steps: int
) -> tuple[torch.optim.SGD, OneCycleLR]:
    """Return SGD with Nesterov momentum, and one cycle of its learning rate.

    Normalisation and biases are not decayed.
    """
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(
        groups,
        recipe.peak_learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )
    warm_up = max(recipe.warm_up, 2 / steps) if steps > 2 else recipe.warm_up  # 1 / steps: 0 / 0
    schedule = OneCycleLR(
        optimizer,
        recipe.peak_learning_rate,
        total_steps=steps,
        pct_start=warm_up,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    return optimizer, schedule
