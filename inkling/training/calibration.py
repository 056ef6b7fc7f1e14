"""Calibrate a trained network on held-out digits: temperature and rejection threshold."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from inkling.datasets.mnist import Digits
from model import DigitCNN, calibrated_softmax, rejection_logit

REFUSED_SHARE = 0.007  # of held-out digits that are rejected as no digit
LOGITS_BATCH = 500  # digits


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
    log_temperature = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=50)

    def loss() -> Tensor:
        optimizer.zero_grad()
        probabilities = calibrated_softmax(logits, log_temperature.exp())
        value = F.nll_loss(probabilities.log(), digits.labels)
        value.backward()
        return value

    optimizer.step(loss)
    model.temperature.copy_(log_temperature.detach().exp())
    model.doubt_ceiling.copy_(rejection_logit(class_logits).quantile(1 - REFUSED_SHARE))
    model.doubt_scale.copy_(rejection_logit(class_logits).std() / 2)
