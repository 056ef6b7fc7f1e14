"""Follow a glyph's class logits to the figures on the page."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from inkling.recognition.reading import Digit, fuse_line_probs
from model import NON_DIGIT_CLASS, DigitCNN, calibrated_softmax

MIN_SHOWN_CHANGE = 1e-5  # of a probability: smaller differences are rounding errors


class Decision(NamedTuple):
    """Every step from a glyph's class logits to its bars and its rejection."""

    logits: list[float]  # of 22 classes
    digits: dict[str, list[float]]  # by step: ten numbers
    rejection: list[float]  # temperature, logsumexp of 2 and of 20 classes, ceiling, scale, excess
    stages: list[tuple[str, Digit]]  # the network's prediction, then what has changed it since


@torch.inference_mode()
def explain_decision(model: DigitCNN, logits: np.ndarray, read: Digit, shown: Digit) -> Decision:
    """Return the steps of `DigitCNN.predict` for class logits (22,), and all after it.

    `read` is the glyph as part of its reading, `shown` the same after corrections.
    """
    batch = torch.from_numpy(logits)[None]
    joint = model.digit_logits(batch)  # (1, 10)
    scaled = joint / model.temperature
    exponentials = (scaled - scaled.amax()).exp()
    shares = exponentials / exponentials.sum()
    probabilities = calibrated_softmax(joint, model.temperature)
    digit, other = (part.logsumexp(dim=1) for part in batch.split(NON_DIGIT_CLASS, dim=1))
    excess = (other - digit - model.doubt_ceiling) / model.doubt_scale
    alone = Digit(read.glyph, tuple(probabilities[0].tolist()), excess.sigmoid().item())
    stages = [("network", alone), ("line network", fuse_line_probs(alone))]
    stages += [("other glyphs", read), ("corrections", shown)]
    changes = [late for early, late in pairwise(stages) if has_changed(early[1], late[1])]
    columns = {"both": joint, "÷ T": scaled, "exp": exponentials, "share": shares}
    numbers = (model.temperature, other, digit, model.doubt_ceiling, model.doubt_scale, excess)
    return Decision(
        logits.tolist(),
        {name: values[0].tolist() for name, values in columns.items()},
        [float(value) for value in numbers],
        [stages[0], *changes],
    )


def has_changed(before: Digit, after: Digit) -> bool:
    """Return whether the probabilities or the rejection of a glyph differ."""
    old, new = ((*digit.probabilities, digit.not_a_digit) for digit in (before, after))
    return not np.allclose(old, new, rtol=0, atol=MIN_SHOWN_CHANGE)
