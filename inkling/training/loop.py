"""Digits become a network: a recipe, the training, and honest confidence at its end."""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from inkling.datasets.augment import distort, shift
from inkling.datasets.mnist import Digits, Mnist, join
from inkling.datasets.non_digits import outliers, seen_again
from inkling.datasets.pen_digits import HELD_OUT_SEED, drawn_digits
from inkling.training.device import best_device, best_precision, training_threads
from model import DigitCNN, calibrated, doubt

REPORT_EVERY = 40  # steps: each report costs a pass over REPORT_DIGITS held-out digits
REPORT_DIGITS = 1_000
EVALUATION_BATCH = 500
HELD_OUT_DRAWN = 2_000  # drawn digits that confidence is fitted on, beside MNIST's held-out ones
ADDED_TIMES = 20  # how often each digit that is added comes in an epoch, each time another way
MOST_ADDED = 0.25  # of MNIST's digits: the most that come, added, in an epoch
REFUSED = 0.0015  # share of held-out digits that may be taken for no digit


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training gives, apart from the seed."""

    name: str
    epochs: float
    widths: tuple[int, ...]  # channels of the network's blocks
    batch_size: int = 256
    peak_learning_rate: float = 0.3
    warm_up: float = 0.25  # share of all steps until the learning rate's peak
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    shift: int = 2  # px, the farthest that a digit is moved
    distorted: float = 0  # share of the digits that are also turned, stretched and slanted
    turn: float = 12  # degrees, the farthest
    stretch: float = 0.1  # of its width and of its height, the farthest
    slant: float = 0.2  # of its height, the farthest
    drawn: int = 18_000  # digits of the drawn styles, beside MNIST's 55,000
    drawn_bonus: float = 0  # added to drawn digits' logits in use, where they come more often
    separate: bool = True  # learn drawn digits as classes of their own
    outliers: int = 14_000  # things that are no single digit, as classes of their own
    again: int = 10_000  # of MNIST's digits, taken from a picture once more
    redraw: int = 3  # epochs after which other digits are drawn
    averaging: float = 0  # share of the averaged weights that a step keeps; 0: no averaging


QUICK = Recipe(
    "quick", epochs=5, widths=(16, 32, 64, 128), drawn=8_000, outliers=6_000, again=1_000, redraw=5
)
DEFAULT = Recipe(
    "default",
    epochs=14,
    widths=(36, 56, 112, 144, 200),
    distorted=0.8,
    drawn_bonus=0.5,
    averaging=0.998,
)


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

    @property
    def accuracy(self) -> float:
        """The latest accuracy on held-out digits, 0 to 1."""
        return self.held_out[-1][1]

    @property
    def done(self) -> bool:
        """Whether `model` is the finished one."""
        return self.step == self.steps


def train(
    recipe: Recipe,
    mnist: Mnist,
    seed: int = 0,
    added: Digits | None = None,
    between: Callable[[], None] = lambda: None,
) -> Iterator[Progress]:
    """Train a network, and report after every `REPORT_EVERY` steps and at the end.

    The training goes on as the next report is asked for: stop asking, and it has stopped. `added`
    are digits of your own, learned as drawn ones. `between` is called often before the first report
    and whenever digits are drawn, which takes seconds; what it raises ends the training. The same
    recipe, seed, machine, number of threads and precision (`best_precision`) give the same weights.
    """
    torch.set_num_threads(training_threads())
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    device = best_device()
    model = DigitCNN(recipe.widths).to(device, memory_format=torch.channels_last)
    average = average_of(model, recipe.averaging) if recipe.averaging else None
    precision = best_precision(model, recipe.batch_size)
    most = int(MOST_ADDED * len(mnist.train.labels))
    own = min(ADDED_TIMES * len(added.labels), most) if added else 0
    an_epoch = len(mnist.train.labels) + recipe.drawn + recipe.outliers + own
    steps_an_epoch = an_epoch // recipe.batch_size
    steps = max(1, round(recipe.epochs * steps_an_epoch))
    epochs = -(-steps // steps_an_epoch)
    warm_up = max(recipe.warm_up, 2 / steps) if steps > 2 else recipe.warm_up  # 1 / steps: 0 / 0
    optimizer = make_optimizer(model, recipe)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.peak_learning_rate,
        total_steps=steps,
        pct_start=warm_up,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    glance = Digits(mnist.held_out.ink[:REPORT_DIGITS], mnist.held_out.labels[:REPORT_DIGITS])
    held_out, history, losses = [], [], []
    started = time.perf_counter()
    for step in range(1, steps + 1):
        epoch, place = divmod(step - 1, steps_an_epoch)
        if place == 0:
            if epoch % recipe.redraw == 0:
                drawn = drawn_digits(recipe.drawn, (seed, epoch), between)
                others = outliers(recipe.outliers, join(mnist.train, drawn), (seed, epoch), between)
                if added:
                    drawn = join(drawn, variants(added, own, recipe, generator))
                drawn = drawn._replace(labels=drawn.labels + 10 * recipe.separate)
                ink, labels = join(mnist.train, drawn, others)
                again = torch.randperm(len(mnist.train.labels), generator=generator)[: recipe.again]
                ink[again] = seen_again(mnist.train.ink[again], (seed, epoch))
                ink, labels = ink.to(device), labels.to(device)
            order = torch.randperm(len(labels), generator=generator).to(device)
        batch = order[place * recipe.batch_size : (place + 1) * recipe.batch_size]
        pictures = augment(ink[batch], recipe, generator)
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            logits = model.by_kind(pictures.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits, labels[batch], label_smoothing=recipe.label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if average:
            average.update_parameters(model)
        losses.append(loss.detach())
        last_of_epoch = place == steps_an_epoch - 1 or step == steps
        if step % REPORT_EVERY and not last_of_epoch:
            continue
        so_far = copy.deepcopy(average.module if average else model).to("cpu").eval()
        if step == steps:
            so_far.drawn_bonus.fill_(recipe.drawn_bonus)
            drawn_held_out = drawn_digits(HELD_OUT_DRAWN, HELD_OUT_SEED)
            calibrate(so_far, join(mnist.held_out, drawn_held_out))
        score = accuracy(so_far, mnist.held_out if last_of_epoch else glance)
        held_out.append((step, score))
        if last_of_epoch:
            history.append(
                {
                    "epoch": epoch + 1,
                    "loss": round(torch.stack(losses).mean().item(), 4),
                    "held_out": score,
                    "seconds": round(time.perf_counter() - started, 1),
                }
            )
            losses.clear()
        yield Progress(step, steps, epoch + 1, epochs, tuple(held_out), tuple(history), so_far)


def variants(digits: Digits, count: int, recipe: Recipe, generator: torch.Generator) -> Digits:
    """Return `count` digits, each of these as often as the others, and each a little different."""
    order = torch.randperm(len(digits.labels), generator=generator)
    chosen = order[torch.arange(count) % len(order)]
    how = recipe.shift, recipe.turn, recipe.stretch, recipe.slant
    return Digits(distort(digits.ink[chosen], *how, generator), digits.labels[chosen])


def augment(ink: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Return the batch of ink varied as the recipe says."""
    varied = shift(ink, recipe.shift, generator)
    if recipe.distorted:  # the others keep their fine grain, which distorting blurs
        chosen = torch.rand(len(ink), generator=generator) < recipe.distorted
        how = recipe.shift, recipe.turn, recipe.stretch, recipe.slant
        varied[chosen] = distort(ink[chosen], *how, generator)
    return varied


def average_of(model: DigitCNN, keep: float) -> AveragedModel:
    """Return what averages the model's weights over steps, soon forgetting the early ones."""

    def mix(average: Tensor, latest: Tensor, steps: Tensor) -> Tensor:
        return average + (latest - average) * (1 - keep * (steps + 1) / (steps + 10))

    return AveragedModel(model, avg_fn=mix, use_buffers=True)


def make_optimizer(model: DigitCNN, recipe: Recipe) -> torch.optim.SGD:
    """Return SGD with Nesterov momentum; normalisation and biases are not decayed."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.SGD(
        groups,
        recipe.peak_learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )


@torch.inference_mode()
def predict_logits(model: Callable[[Tensor], Tensor], ink: Tensor) -> Tensor:
    """Return the logits (N, 10) of many pictures (N, 1, 28, 28), batch by batch."""
    return torch.cat([model(batch).float() for batch in ink.split(EVALUATION_BATCH)])


def accuracy(model: nn.Module, digits: Digits) -> float:
    """Return the share of digits that the network reads right, 0 to 1."""
    right = predict_logits(model, digits.ink).argmax(dim=1) == digits.labels
    return right.float().mean().item()


def calibrate(model: DigitCNN, digits: Digits) -> None:
    """Set the network's temperature and its doubt's ceiling as these digits, held out, ask for."""
    by_kind = predict_logits(model.by_kind, digits.ink).clone()
    logits = model.of_digits(by_kind)
    log_temperature = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=50)

    def loss() -> Tensor:
        optimizer.zero_grad()
        probabilities = calibrated(logits, log_temperature.exp())
        value = F.nll_loss(probabilities.log(), digits.labels)
        value.backward()
        return value

    optimizer.step(loss)
    model.temperature.copy_(log_temperature.detach().exp())
    model.doubt_ceiling.copy_(doubt(by_kind).quantile(1 - REFUSED))
    model.doubt_scale.copy_(doubt(by_kind).std() / 2)
