"""Training loop with distillation, progress reports and calibration."""

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from inkling.datasets.mnist import Digits, Mnist, join
from inkling.datasets.prepared import load_digits
from inkling.training.device import best_device, best_precision, training_threads
from inkling.training.recipes import Recipe
from inkling.training.training_set import TrainingSet
from model import DigitCNN, calibrated_softmax, fuse_batch_norm, rejection_logit

REPORT_EVERY = 40  # steps: a report costs a pass over REPORT_DIGITS held-out digits
REPORT_DIGITS = 500
REFUSED_SHARE = 0.007  # of held-out digits that are rejected as no digit
LOGITS_BATCH = 500  # digits
TEMPERATURES = torch.logspace(-1, 1, 201, base=4)  # tried in calibration: 0.25 to 4, 1.4 % apart
NO_DIGITS = Digits(torch.empty(0, 1, 28, 28), torch.empty(0))
TEACHERS_SEED = 1_000  # added for each teacher: each starts from other weights


@dataclass(frozen=True)
class Progress:
    """Progress of a training, with its current weights."""

    step: int
    steps: int
    epoch: int  # the current one, from 1
    epochs: int
    held_out: tuple[tuple[int, float], ...]  # (step, accuracy on held-out digits), 0 to 1, so far
    history: tuple[dict, ...]  # a row for every finished epoch
    model: DigitCNN  # a copy in evaluation mode, on the CPU
    seconds_left: float = 0.0  # until the last step, at the mean speed so far
    teacher: int = 0  # number of the teacher, from 1; 0: the network itself
    digits: Digits = NO_DIGITS  # held out, of which the first are answered
    answers: Tensor = NO_DIGITS.labels  # (N,) uint8

    @property
    def accuracy(self) -> float:
        """The latest accuracy on held-out digits, 0 to 1."""
        return self.held_out[-1][1]


def train(
    recipe: Recipe, mnist: Mnist, seed: int = 0, added: Digits | None = None, reports: int = 0
) -> Iterator[Progress]:
    """Train a network, and report after every `REPORT_EVERY` steps and after each epoch.

    With `reports`, about as many are spread evenly instead. To stop training, stop iterating.
    `added` digits are learned as drawn ones. The same recipe, seed, machine, number of threads and
    precision give the same weights. The mean output of the recipe's teachers and the labels are the
    targets (Hinton et al. 2015, arXiv 1503.02531).
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
    average = build_weight_average(model, recipe.averaging) if recipe.averaging else None
    precision = best_precision(model, recipe.batch_size)
    training_set = TrainingSet(recipe, mnist.train, added, seed)
    steps = max(1, round(recipe.epochs * training_set.steps_per_epoch))
    optimizer = NesterovSGD(model, recipe, steps)
    tracker = ProgressTracker(mnist.held_out, steps, training_set.steps_per_epoch, started)
    report_every = math.ceil(steps / reports) if reports else REPORT_EVERY
    for step, (ink, labels) in enumerate(training_set.batches(steps, device), start=1):
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            ink = ink.to(precision, memory_format=torch.channels_last)
            logits = model.class_logits(ink)
            loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
            if teachers:
                distillation = F.cross_entropy(logits, average_teachers(teachers, ink))
                loss = recipe.taught * distillation + (1 - recipe.taught) * loss
        model.zero_grad()
        loss.backward()
        optimizer.update(step)
        if average:
            average.update_parameters(model)
        tracker.losses.append(loss.detach())
        if step % report_every == 0 or tracker.ends_epoch(step):
            latest = cast(DigitCNN, average.module) if average else model
            so_far = copy.deepcopy(latest).to("cpu").eval()
            if step == steps:
                drawn = (load_digits("held_out"),) if recipe.drawn else ()
                calibrate(so_far, join(mnist.held_out, *drawn))
            yield tracker.report(step, so_far)


@torch.no_grad()
def average_teachers(teachers: list[DigitCNN], ink: Tensor) -> Tensor:
    """Return the networks' mean class probabilities (B, 22) for ink (B, 1, 28, 28)."""
    outputs = [teacher.class_logits(ink).float().softmax(dim=1) for teacher in teachers]
    return torch.stack(outputs).mean(dim=0)


class ProgressTracker:
    """Collects losses and scores of a training, and makes its progress reports."""

    def __init__(self, held_out: Digits, steps: int, steps_per_epoch: int, started: float):
        """Start the clock for `seconds_left`; `started` is the whole training's `perf_counter`."""
        self.digits = held_out
        self.sample = Digits(*(part[:REPORT_DIGITS] for part in held_out))
        self.steps, self.steps_per_epoch = steps, steps_per_epoch
        self.losses: list[Tensor] = []  # of this epoch's steps
        self.held_out: list[tuple[int, float]] = []
        self.history: list[dict] = []
        self.started, self.first_step = started, time.perf_counter()

    def ends_epoch(self, step: int) -> bool:
        """Return whether a step, from 1, is the last of its epoch or of all."""
        return step % self.steps_per_epoch == 0 or step == self.steps

    def report(self, step: int, model: DigitCNN) -> Progress:
        """Score the network, at the end of an epoch on all held-out digits, and report."""
        ends = self.ends_epoch(step)
        digits = self.digits if ends else self.sample
        answers = predict_logits(model, digits.ink).argmax(dim=1)
        score = (answers == digits.labels).float().mean().item()
        self.held_out.append((step, score))
        epoch, epochs = (-(-count // self.steps_per_epoch) for count in (step, self.steps))
        if ends:
            row = {
                "epoch": epoch,
                "loss": round(torch.stack(self.losses).mean().item(), 4),
                "held_out": score,
                "seconds": round(time.perf_counter() - self.started, 1),
            }
            self.history.append(row)
            self.losses.clear()
        scores, history = tuple(self.held_out), tuple(self.history)
        left = (time.perf_counter() - self.first_step) * (self.steps / step - 1)
        fields = (step, self.steps, epoch, epochs, scores, history, model, left)
        return Progress(*fields, digits=self.digits, answers=answers.byte())


@torch.inference_mode()
def predict_logits(model: Callable[[Tensor], Tensor], ink: Tensor) -> Tensor:
    """Return the logits (N, K) for ink (N, 1, 28, 28), computed in batches."""
    return torch.cat([model(batch).float() for batch in ink.split(LOGITS_BATCH)])


def calibrate(model: DigitCNN, digits: Digits) -> None:
    """Fit the network's temperature and rejection threshold to held-out digits.

    The temperature maximises the likelihood of the labels (Guo et al. 2017, arXiv 1706.04599).
    """
    class_logits = predict_logits(model.class_logits, digits.ink).clone()
    logits = model.digit_logits(class_logits)
    losses = [
        F.nll_loss(calibrated_softmax(logits, temperature).log(), digits.labels)
        for temperature in TEMPERATURES
    ]
    model.temperature.copy_(TEMPERATURES[torch.stack(losses).argmin()])
    model.doubt_ceiling.copy_(rejection_logit(class_logits).quantile(1 - REFUSED_SHARE))
    model.doubt_scale.copy_(rejection_logit(class_logits).std() / 2)


def accuracy(model: DigitCNN, digits: Digits) -> float:
    """Return the share of digits that the network reads correctly, 0 to 1."""
    right = predict_logits(model, digits.ink).argmax(dim=1) == digits.labels
    return right.float().mean().item()


def build_weight_average(model: DigitCNN, keep: float) -> AveragedModel:
    """Return a moving average of the model's weights that soon forgets the early ones."""

    def mix(average: Tensor, latest: Tensor, steps: Tensor | int) -> Tensor:
        return average + (latest - average) * (1 - keep * (steps + 1) / (steps + 10))

    return AveragedModel(model, avg_fn=mix, use_buffers=True)


class NesterovSGD:
    """Gradient descent with Nesterov momentum; decays matrices alone; learning rate in a triangle.

    The first use of `torch.optim` imports PyTorch's compiler, which takes over a second.
    """

    def __init__(self, model: DigitCNN, recipe: Recipe, steps: int):
        self.recipe, self.steps = recipe, steps
        self.moving = [(weight, torch.zeros_like(weight)) for weight in model.parameters()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Update the weights by their gradients after a step, from 1."""
        recipe, warm_up = self.recipe, self.recipe.warm_up * self.steps
        rise, fall = step / max(1, warm_up), (self.steps - step + 1) / (self.steps - warm_up)
        rate = recipe.peak_learning_rate * min(rise, fall)
        for weight, velocity in self.moving:
            gradient = cast(Tensor, weight.grad)
            if weight.ndim > 1:
                gradient.add_(weight, alpha=recipe.weight_decay)
            velocity.mul_(recipe.momentum).add_(gradient)
            weight.sub_(gradient.add_(velocity, alpha=recipe.momentum), alpha=rate)
