"""Render the model card, and the progress of a training."""

from collections.abc import Iterable

import numpy as np

from inkling.evaluation.plots import build_calibration_plot, build_learning_curve
from inkling.explanation.gallery import Gallery
from inkling.training.live_reader import LiveReader
from inkling.ui.event_payloads import parse_index
from inkling.ui.session import AnyReader
from inkling.ui.views import render

MAX_HARDEST_DIGITS = 40  # misread digits on the card; not tuned
MAX_CELL_DIGITS = 18  # of one cell of the confusion matrix; not tuned


def render_status(source: LiveReader) -> str:
    """Return the first training's progress in words and as a curve; nothing without it."""
    progress = source.progress if source.is_training else None
    held_out, steps = (progress.held_out, progress.steps) if progress else ([], 1)
    curve = progress and build_learning_curve(held_out, steps, "training step")
    return render("status.html", source=source, progress=progress, curve=curve)


def render_card(reader: AnyReader) -> tuple[str, str, str, str]:
    """Return the card's four parts: summary, confusion matrix, worst confusion, details."""
    description, gallery = reader.description, Gallery.from_tensors(reader.gallery)
    evaluation = description.get("evaluation")
    history = [(row["epoch"], row["held_out"]) for row in description.get("history", [])]
    more = render(
        "more.html",
        description=description,
        worst=evaluation and np.argsort(evaluation["by_digit"])[:2].tolist(),
        calibration=evaluation and build_calibration_plot(evaluation["calibration"]),
        learned=history and build_learning_curve(history, history[-1][0], "epoch"),
        hardest=gallery and build_digit_contexts(gallery, find_misread(gallery)),
    )
    confusion = evaluation and evaluation["confusion"]
    return (
        render("card.html", description=description, evaluation=evaluation),
        render("matrix.html", confusion=confusion),
        render_cell(reader, find_worst_confusion(confusion)) if confusion else "",
        more,
    )


def find_worst_confusion(confusion: list[list[int]]) -> str:
    """Return the most frequent confusion as "label-answer"."""
    wrong = np.array(confusion) * (1 - np.eye(10, dtype=int))
    return "{}-{}".format(*np.unravel_index(wrong.argmax(), wrong.shape))


def render_cell(reader: AnyReader, payload: object) -> str:
    """Return digits of a cell of the confusion matrix; the payload is "label-answer"."""
    first, _, second = str(payload).partition("-")
    label, answer = parse_index(first, 10), parse_index(second, 10)
    gallery = Gallery.from_tensors(reader.gallery)
    if label is None or answer is None or gallery is None:
        return ""
    in_cell = (gallery.labels == label) & (gallery.answers == answer)
    title = f"{label} read as {answer}" if label != answer else f"{label} read right"
    shown = in_cell.nonzero()[:MAX_CELL_DIGITS, 0].tolist()
    return render("cell.html", title=title, digits=build_digit_contexts(gallery, shown))


def find_misread(gallery: Gallery) -> list[int]:
    """Return the indices of misread digits, the most confident first."""
    wrong = (gallery.labels != gallery.answers).nonzero()[:, 0]
    order = gallery.confidence[wrong].argsort(descending=True)
    return wrong[order][:MAX_HARDEST_DIGITS].tolist()


def build_digit_contexts(gallery: Gallery, indices: Iterable[int]) -> list[dict]:
    """Return digits of the gallery as the templates show them."""
    return [
        {
            "index": k,
            "ink": gallery.ink[k].numpy() / 255,
            "confidence": gallery.confidence[k].item(),
        }
        | {"label": int(gallery.labels[k]), "answer": int(gallery.answers[k])}
        for k in indices
    ]
