"""The Lab: start trainings, show their reports, save and open networks."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F

from inkling.datasets.mnist import Digits
from inkling.imaging.mnist_frame import FRAME
from inkling.imaging.open_image import open_picture
from inkling.recognition.checkpoint import Checkpoint, CheckpointError, encode_checkpoint
from inkling.recognition.corrections import Corrections
from inkling.recognition.reader import Reader
from inkling.training.live_reader import LiveReader
from inkling.ui.event_payloads import MAX_KEY_CHARS, find_upload, parse_index
from inkling.ui.model_card import render_card
from inkling.ui.session import Session
from inkling.ui.views import EXAMPLES, encode_base64, render

if TYPE_CHECKING:
    from inkling.training.lab import Lane

MAX_NEW_REPORTS = 12  # in a response: each costs a prediction, 3 ms
MAX_EXAMPLES, MAX_MISREAD_SHOWN = 12, 8  # glyphs; not tuned
NOT_ALLOWED = "Nobody may train on this page: its owner allows it with --allow-training."
SIGNS = "0123456789–"  # an answer's digit, or none


class Lab:
    """Responds to the requests of the Lab's script."""

    def __init__(self, source: LiveReader, trains: bool, encode_onnx: Callable, uploads: Callable):
        """Users may train, save and open networks if the page `trains`."""
        self.source, self.encode_onnx, self.uploads = source, encode_onnx, uploads
        self._examples: list[np.ndarray] = []
        self.actions: dict[str, Callable] = {"form": self.show_form, "watch": self.watch}
        if trains:
            self.actions |= {"train": self.train, "cancel": self.cancel}
            self.actions |= {"save": self.save, "open": self.open}

    def respond(self, session: Session, payload: Any) -> dict:
        """Return the response to a request, or a sentence as its `error`."""
        payload = payload if isinstance(payload, dict) else {}
        try:
            return self.actions[str(payload.get("action"))](session, payload)
        except CheckpointError as error:
            return {"error": f"This file cannot be used: {error.reason}."}
        except KeyError:
            return {"error": NOT_ALLOWED}
        except OSError:
            return {"error": "The file could not be sent: try again in a moment."}
        except ValueError as error:
            return {"error": str(error)}

    def show_form(self, session: Session, _: dict) -> dict:
        """Return the choices of a training, or why there are none."""
        if "train" not in self.actions:
            return {"form": render("lab_form.html", refusal=NOT_ALLOWED)}
        from inkling.training import lab

        return {"form": render("lab_form.html", **lab.list_choices(), state=session.state)}

    def train(self, session: Session, payload: dict) -> dict:
        """Start a training, unless one is running."""
        from inkling.training.lab import parse_run

        corrections = session.state.corrections
        self.source.train(parse_run(payload, to_digits(corrections) if corrections else None))
        return {}

    def cancel(self, *_: object) -> dict:
        """Cancel a training of the Lab."""
        if self.source.is_retraining:
            self.source.cancel()
        return {}

    def watch(self, session: Session, payload: dict) -> dict:
        """Return the reports since those that the page has, and the details of one."""
        source, run = self.source, self.source.run
        response: dict[str, Any] = {"failure": source.failure, "own": source.is_retraining}
        response["training"] = source.is_training or source.is_training_beside
        response["corrections"] = len(session.state.corrections)
        if run is None or not run.lanes[0].reports:
            return response
        digits, examples = session.state.network_reading.digits, self.find_examples()
        example = run.lanes[0].reports[0].digits.ink[0, 0].numpy()
        inks = np.stack([digits[session.state.chosen].glyph.ink if digits else example, *examples])
        encoded = [encode_ink(ink) for ink in inks]
        since = payload.get("since") if payload.get("known") == [run.name, encoded[0]] else None
        starts = [parse_index(k, 1_000) or 0 for k in since] if isinstance(since, list) else []
        at = parse_index(payload.get("at"), 1_000)
        lanes = zip(run.lanes, [*starts, 0, 0], strict=False)
        response |= {"known": [run.name, encoded[0]], "drawn": bool(digits), "examples": encoded}
        response["lanes"] = [view_lane(lane, start, at, inks) for lane, start in lanes]
        if isinstance(source.reader, Reader):
            response["page"] = read_inks(source.reader, inks)[1]
        if response["training"] or payload.get("compared") == run.name:
            return response
        networks = [(lane.title, lane.result.description) for lane in run.lanes if lane.result]
        networks.append(("this page’s network", source.reader.description))
        figures = [(name, it.get("evaluation"), it.get("strangers")) for name, it in networks]
        shown = [{**one, "shown": [*map(encode_ink, one["shown"])]} for one in run.differences]
        return response | {"figures": figures, "differences": shown}

    def find_examples(self) -> list[np.ndarray]:
        """Return the glyphs of the page's examples, as its own network finds them."""
        reader = self.source.reader
        if not self._examples and not self.source.is_training and isinstance(reader, Reader):
            readings = [reader.read(*open_picture(file)) for file in EXAMPLES]
            glyphs = [digit.glyph for reading in readings for digit in reading.digits]
            self._examples = [glyph.ink for glyph in glyphs[:MAX_EXAMPLES]]
        return self._examples

    def save(self, _: Session, payload: dict) -> dict:
        """Return a network as a checkpoint or an ONNX file."""
        run, is_onnx = self.source.run, payload.get("kind") == "onnx"
        found = run and run.find_report(str(payload.get("network")))
        if not found:
            raise ValueError("This network is gone: another training has begun since.")
        network: Checkpoint = found[0].network(found[1])
        content = self.encode_onnx(network) if is_onnx else encode_checkpoint(*network)[0]
        return {"content": base64.b64encode(content).decode()}

    def open(self, _: Session, payload: dict) -> dict:
        """Load an uploaded checkpoint; return its key."""
        path = find_upload(payload.get("file"), Path(self.uploads()))
        key = self.source.open(path, str(payload.get("name"))[:MAX_KEY_CHARS])
        try:
            render_card(self.source.find_reader(key))
        except Exception as error:  # of a description, which may hold anything
            self.source.opened.pop(key)
            raise ValueError("This file cannot be used: its description is incomplete.") from error
        return {"network": key}


def view_lane(lane: "Lane", since: int, at: int | None, inks: np.ndarray) -> dict:
    """Return a training's reports from `since` on, and the details of one, by default the last."""
    count = len(lane.reports)
    if not count:
        return {"title": lane.title, "count": 0}
    new = range(since, min(since + MAX_NEW_REPORTS, count))
    k = count - 1 if at is None else min(at, count - 1)
    report = lane.reports[k]
    labels, ink = report.digits.labels[: len(report.answers)], report.digits.ink
    wrong = (labels != report.answers).nonzero()[:MAX_MISREAD_SHOWN, 0].tolist()
    counts = torch.bincount(10 * labels + report.answers, minlength=100)
    kernels = F.pixel_shuffle(lane.states[k]["layers.1.weight"].float(), 2)[:, 0]  # (a, 6, 6)
    return {
        "title": lane.title,
        "count": count,
        "since": since,
        "curve": [lane.reports[j].held_out[-1] for j in new],
        "ribbon": [read_inks(lane.reader(j), inks[:1])[0] for j in new],
        "step": report.step,
        "steps": report.steps,
        "seconds_left": lane.reports[-1].seconds_left,
        "report": k,
        "accuracy": report.accuracy,
        "reads": read_inks(lane.reader(k), inks),
        "kernels": encode_base64(127 * (kernels / kernels.abs().max()).numpy(), np.int8),
        "confusion": counts.view(10, 10).tolist(),
        "misread": [(encode_ink(ink[j, 0]), int(labels[j]), int(report.answers[j])) for j in wrong],
    }


def read_inks(reader: Reader, inks: np.ndarray) -> tuple[list[float], str]:
    """Return the ten probabilities of the first ink, and the digit of each, or a dash."""
    probabilities, not_a_digit = reader.predict_glyphs(inks)[:2]
    answers = np.where(not_a_digit > 0.5, 10, probabilities.argmax(axis=1))
    return probabilities[0].round(3).tolist(), "".join(SIGNS[k] for k in answers)


def encode_ink(ink: Any) -> str:
    """Return ink (28, 28), 0 to 1, one byte a pixel in base64."""
    return encode_base64(255 * np.asarray(ink), np.uint8)


def to_digits(corrections: Corrections) -> Digits:
    """Return corrections as training data."""
    pixels = np.frombuffer(b"".join(one.ink for one in corrections.items), np.uint8)
    ink = torch.from_numpy(pixels.reshape(-1, 1, FRAME, FRAME) / np.float32(255))
    return Digits(ink, torch.tensor([one.digit for one in corrections.items]))
