"""A checkpoint's description and gallery become the model's card; a training, its growing curve."""

from collections.abc import Iterable

import numpy as np

from inkling.evaluation.plots import calibration_plot, learning_curve
from inkling.explanation.gallery import Gallery
from inkling.recognition.reader import Reader
from inkling.rendering import render
from inkling.training.live_reader import LiveReader, PlaceholderReader
from inkling.ui.images import encode_ink
from inkling.ui.session import parse_index
from inkling.ui.views import percent

MAX_HARDEST_DIGITS = 40  # misread digits on the card
MAX_CELL_DIGITS = 18  # digits behind a cell of the confusion matrix


def render_status(source: LiveReader) -> str:
    """Return how far the network has learned, in words and as a curve; nothing if it has."""
    progress = source.progress if source.is_training else None
    words = "getting ready. MNIST's digits are joined by drawn ones."
    if progress:
        words = (
            f"epoch {progress.epoch} of {progress.epochs}, {progress.accuracy:.1%} of held-out "
            f"digits right, {progress.seconds_left:.0f} s left. You can draw already: it reads "
            "with what it has learned so far."
        )
    return render(
        "status.html",
        learning=source.is_training,
        failure=source.failure,
        words=words,
        share=progress and progress.step / progress.steps,
        curve=progress and learning_curve(progress.held_out, progress.steps, "training step"),
    )


def label_train_button(source: LiveReader) -> str:
    """Return what stands on the button that trains again: how far it is, where it is pressed."""
    if not source.is_retraining:
        return "Train again"
    progress = source.progress
    return f"Epoch {progress.epoch} of {progress.epochs}" if progress else "Getting ready"


def render_card(reader: Reader | PlaceholderReader) -> tuple[str, str, str, str]:
    """Return what is known of the network: above all, its confusions, the worst one, and more."""
    description, gallery = reader.description, Gallery.of(reader.gallery)
    evaluation = description.get("evaluation")
    history = [(row["epoch"], row["held_out"]) for row in description.get("history", [])]
    more = render(
        "more.html",
        description=description,
        worst=evaluation and np.argsort(evaluation["by_digit"])[:2].tolist(),
        calibration=evaluation and calibration_plot(evaluation["calibration"]),
        learned=history and learning_curve(history, history[-1][0], "epoch"),
        hardest=gallery
        and build_digit_contexts(gallery, find_misread(gallery)[:MAX_HARDEST_DIGITS]),
    )
    confusion = evaluation and evaluation["confusion"]
    return (
        render("card.html", description=description, evaluation=evaluation),
        render("matrix.html", confusion=confusion),
        render_cell(reader, find_worst_confusion(confusion)) if confusion else "",
        more,
    )


def find_worst_confusion(confusion: list[list[int]]) -> str:
    """Return which digit is most often taken for which, as "label-answer"."""
    wrong = np.array(confusion) * (1 - np.eye(10, dtype=int))
    return "{}-{}".format(*np.unravel_index(wrong.argmax(), wrong.shape))


def render_cell(reader: Reader | PlaceholderReader, told: object) -> str:
    """Return the digits behind a cell of the confusion matrix, told as "label-answer"."""
    first, _, second = str(told).partition("-")
    label, answer, gallery = (
        parse_index(first, 10),
        parse_index(second, 10),
        Gallery.of(reader.gallery),
    )
    if label is None or answer is None or gallery is None:
        return ""
    behind = (gallery.labels == label) & (gallery.answers == answer)
    title = f"{label} read as {answer}" if label != answer else f"{label} read right"
    shown = behind.nonzero()[:MAX_CELL_DIGITS, 0].tolist()
    return render("cell.html", title=title, digits=build_digit_contexts(gallery, shown))


def find_misread(gallery: Gallery) -> list[int]:
    """Return the indices of the misread digits, the surest first."""
    wrong = (gallery.labels != gallery.answers).nonzero()[:, 0]
    return wrong[gallery.confidence[wrong].argsort(descending=True)].tolist()


def build_digit_contexts(gallery: Gallery, indices: Iterable[int]) -> list[dict]:
    """Return digits of the gallery as templates show them."""
    return [
        {
            "index": k,
            "picture": encode_ink(gallery.ink[k].numpy() / 255),
            "label": int(gallery.labels[k]),
            "answer": int(gallery.answers[k]),
            "sure": percent(float(gallery.confidence[k])),
        }
        for k in indices
    ]
